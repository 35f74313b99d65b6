"""Single settings are changed in the file; what the user wrote stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config import Settings
from rig.configfile import parse_settings
from rig.errors import ConfigError, StoreError
from rig.settingsfile import keep_changes, with_changes

MINE = """# my rig
[capture]
settle_s = 0.7   # measured in March
settle_mode = "fixed" # no wind here

[camera]
gain = 1.0
"""


def test_the_value_is_replaced_and_its_comment_stays() -> None:
    changed = with_changes(MINE, {"capture.settle_s": 1.5})

    assert changed == MINE.replace("0.7", "1.5")


def test_a_setting_not_there_is_added_to_its_part() -> None:
    changed = with_changes(MINE, {"capture.retries": 3, "optics.f_number": 8.0})

    settings = parse_settings(changed)
    assert (settings.capture.retries, settings.capture.settle_s, settings.optics.f_number) == (3, 0.7, 8.0)
    assert "# my rig" in changed


def test_a_text_value_is_replaced_whole() -> None:
    assert (
        parse_settings(with_changes(MINE, {"capture.settle_mode": "watched"})).capture.settle_mode
        == "watched"
    )


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "capture.settle_s": st.floats(0, 60),
            "stacking.crop": st.booleans(),
            "camera.colour_gains": st.tuples(st.floats(0, 32), st.floats(0, 32)),
            "motor.backlash_steps": st.integers(0, 100_000),
        },
    )
)
def test_what_is_written_is_read_back(changes: dict) -> None:
    assert parse_settings(with_changes(MINE, changes)) == parse_settings(MINE).changed(changes)


def test_a_file_that_cannot_be_changed_line_by_line_is_left_alone() -> None:
    with pytest.raises(ConfigError, match="change it there"):
        with_changes("capture = {settle_s = 1}\n", {"capture.settle_s": 2.0})


def test_the_file_and_its_folder_are_made(tmp_path: Path) -> None:
    file = tmp_path / "fieldstack" / "config.toml"
    keep_changes(file, {"optics.overlap": 0.4})

    assert parse_settings(file.read_text()) == Settings().changed({"optics.overlap": 0.4})


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")

    with pytest.raises(StoreError, match="cannot be written"):
        keep_changes(tmp_path / "in the way" / "config.toml", {"optics.overlap": 0.4})
