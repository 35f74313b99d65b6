"""Settings: what may be written in the configuration file, and how a mistake is answered."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.checked import setting_fields
from rig.config import PARTS, CaptureSettings, MotorSettings, OpticsSettings, Settings
from rig.configfile import line_of, load_settings, parse_settings, to_toml
from rig.errors import ConfigError


def test_an_empty_file_gives_the_defaults() -> None:
    assert parse_settings("") == Settings()


def test_a_file_changes_only_what_it_names() -> None:
    settings = parse_settings("[capture]\nsettle_s = 1.5\n")

    assert settings == Settings(capture=CaptureSettings(settle_s=1.5))


def test_a_whole_number_is_taken_where_a_fraction_is_allowed() -> None:
    assert parse_settings("[optics]\nmagnification = 2").optics.magnification == 2.0


@pytest.mark.parametrize(("written", "meant"), [("true", "always"), ("false", "never"), ('"auto"', "auto")])
def test_a_file_from_when_the_check_for_drift_was_a_switch_is_still_read(written: str, meant: str) -> None:
    assert parse_settings(f"[capture]\ndrift_check = {written}\n").capture.drift_check == meant


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "# field rig\n[capture]\nsettle_s = -1",
            "rig.toml line 3: capture.settle_s = -1 is out of range: it must be a number from 0 to 60",
        ),
        (
            "[capture]\n\nsetle_s = 1",
            'rig.toml line 3: capture.setle_s is not a setting: did you mean "settle_s"?',
        ),
        (
            '[motor]\nsteps_per_um = "two"',
            'rig.toml line 2: motor.steps_per_um = "two" is wrong: it must be a number of at least 1e-06',
        ),
        (
            "[camera]\ndng = 1",
            "rig.toml line 2: camera.dng = 1 is wrong: it must be true or false",
        ),
        (
            "[motor]\nstep_pin = true",
            "rig.toml line 2: motor.step_pin = true is wrong: it must be a whole number from 0 to 27",
        ),
        (
            '[motor]\ndriver = "servo"',
            'rig.toml line 2: motor.driver = "servo" is wrong: '
            'it must be one of "none", "stepdir", "uln2003", "sim"',
        ),
        (
            "[motor]\ncoil_pins = [1, 2, 3]",
            "rig.toml line 2: motor.coil_pins = [1, 2, 3] is wrong: "
            "it must be a list of 4 whole numbers from 0 to 27",
        ),
        (
            "[motor]\nmax_steps = 100\nmin_steps = 100",
            "rig.toml line 2: motor.max_steps = 100 is not beyond motor.min_steps = 100: "
            "the travel must have a length",
        ),
        (
            "[panel]\nled_pin = 26",
            "rig.toml line 2: panel.led_pin = 26 is already panel.button_pin: give each its own GPIO pin",
        ),
        (
            'camera.driver = "replay"',
            'rig.toml line 1: camera.driver = "replay" needs camera.replay_folder: name the folder of frames',
        ),
        (
            "[optics]\noverlap = nan",
            "rig.toml line 2: optics.overlap = nan is out of range: it must be a number from 0 to 0.9",
        ),
        ("[capture\nsettle_s = 1", "rig.toml line 1: not valid TOML: expected ']' at the end of a table"),
    ],
)
def test_a_mistake_is_answered_with_line_setting_value_and_what_would_be_right(
    text: str, sentence: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(text, "rig.toml")

    assert str(refused.value).startswith(sentence)


def test_an_unknown_part_names_the_parts_there_are() -> None:
    with pytest.raises(ConfigError, match=r"line 2: \[lens\] is not a part of the rig: there are \[optics\]"):
        parse_settings("\n[lens]\nf = 4")


def test_a_setting_outside_every_part_is_refused() -> None:
    with pytest.raises(ConfigError, match="line 1: settle_s stands outside the parts of the rig"):
        parse_settings("settle_s = 1")


def test_settings_that_fit_only_together_may_stand_in_any_order() -> None:
    motor = parse_settings("[motor]\nmin_steps = 50000\nmax_steps = 60000").motor

    assert (motor.min_steps, motor.max_steps) == (50_000, 60_000)


def test_the_line_is_found_for_dotted_and_quoted_names() -> None:
    text = 'web.port = 1\n["motor"]\n"invert" = true\n'

    assert (line_of(text, "web", "port"), line_of(text, "motor", "invert")) == (1, 3)


def test_what_is_written_reads_back_the_same() -> None:
    settings = Settings().changed(
        {"web.trusted_hosts": ['my "rig"', "µ.local"], "camera.colour_gains": [1.9, 2]}
    )

    assert parse_settings(to_toml(settings)) == settings


@given(
    magnification=st.floats(0.001, 100),
    overlap=st.floats(0, 0.9),
    folder=st.text(st.characters(exclude_categories=["Cs"])),
    steps=st.integers(-(10**9), 47_999),
)
def test_any_allowed_settings_read_back_the_same(
    magnification: float, overlap: float, folder: str, steps: int
) -> None:
    settings = Settings().changed(
        {
            "optics.magnification": magnification,
            "optics.overlap": overlap,
            "store.data_folder": folder,
            "motor.min_steps": steps,
        }
    )

    assert parse_settings(to_toml(settings)) == settings


def test_a_written_file_explains_every_setting() -> None:
    lines = to_toml(Settings()).splitlines()

    assert all(
        lines[number - 1].startswith("# ")
        for number, line in enumerate(lines)
        if " = " in line and line[0] != "#"
    )


def test_a_refused_change_leaves_the_settings_as_they_were() -> None:
    settings = Settings()

    with pytest.raises(ConfigError):
        settings.changed({"capture.settle_s": 2, "capture.retries": -1})

    assert settings == Settings()


def test_a_bad_value_cannot_exist_however_it_is_made() -> None:
    with pytest.raises(ConfigError, match=r"optics\.f_number = 0 is out of range"):
        OpticsSettings(f_number=0)


def test_a_pin_that_is_not_fitted_may_be_named_twice() -> None:
    assert Settings().changed({"panel.led_pin": 0, "panel.buzzer_pin": 0}).panel.led_pin == 0


def test_pins_of_a_driver_not_chosen_are_free_for_others() -> None:
    motor = MotorSettings(driver="uln2003")

    assert set(motor.pins.values()) == {6, 13, 19, 12, 0}


def test_every_setting_has_a_reason_and_a_sentence_of_what_it_may_be() -> None:
    reasons = [
        declared.metadata["why"] for part in PARTS.values() for declared in setting_fields(part).values()
    ]

    assert all(len(reason) > 20 and reason.endswith(".") for reason in reasons)


def test_every_part_is_named_as_its_table() -> None:
    assert {part.name: PARTS[part.name].section for part in fields(Settings)} == {
        name: name for name in PARTS
    }


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml cannot be read: No such file"):
        load_settings(tmp_path / "missing.toml")


def test_the_users_file_adds_to_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = tmp_path / "system.toml"
    system.write_text("[web]\nport = 80\nhost = '0.0.0.0'\n")
    user = tmp_path / ".config" / "fieldstack" / "config.toml"
    user.parent.mkdir(parents=True)
    user.write_text("[web]\nport = 8080\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("rig.configfile.SYSTEM_FILE", system)

    web = load_settings().web

    assert (web.host, web.port) == ("0.0.0.0", 8080)
