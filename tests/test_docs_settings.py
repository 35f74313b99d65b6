"""docs/settings.md names every setting with its true default, and none that does not exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from rig.checked import describe, setting_fields
from rig.config import PARTS, Settings
from rig.configfile import parse_settings, to_toml

TEXT = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")
WRITTEN = tomllib.loads(to_toml(Settings()))
ROW = re.compile(r"^\| `(\w+)` \| `(.*?)` \| (.+?) \| (.+?) \|$", re.MULTILINE)


def documented(part: str) -> dict[str, tuple[str, str, str]]:
    """Setting -> default, reason, range as the table of one part has them."""
    section = re.search(rf"^## {part}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    return {row[1]: (row[2], row[3], row[4]) for row in ROW.finditer(section[1])} if section else {}


@pytest.mark.parametrize("part", PARTS)
def test_every_setting_is_documented_and_nothing_else(part: str) -> None:
    assert list(documented(part)) == list(setting_fields(PARTS[part]))


@pytest.mark.parametrize("part", PARTS)
def test_the_documented_defaults_are_the_true_ones(part: str) -> None:
    shown = {key: tomllib.loads(f"v = {row[0]}")["v"] for key, row in documented(part).items()}

    assert shown == WRITTEN[part]


@pytest.mark.parametrize("part", PARTS)
def test_reason_and_range_are_those_of_the_program(part: str) -> None:
    cls = PARTS[part]
    told = {key: (d.metadata["why"], describe(cls, key)) for key, d in setting_fields(cls).items()}

    assert {key: (row[1], row[2]) for key, row in documented(part).items()} == told


def test_the_example_file_is_accepted() -> None:
    example = re.search(r"```toml\n(.*?)```", TEXT, re.DOTALL)

    assert example and parse_settings(example[1]).motor.driver == "stepdir"
