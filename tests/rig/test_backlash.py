"""The backlash wizard against a drive whose play is known; steps to µm from known depths."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simrig import small_rig as workflow_rig
from smallrig import small_rig

from rig.backlash import measure_backlash
from rig.cli import main
from rig.devices.optical_bench import Mechanics
from rig.errors import ConfigError, FocusNotFoundError, FocusRangeError
from rig.scale import fitted_steps_per_um, steps_per_um

SIZE_PX = (320, 240)


@pytest.mark.parametrize("play", [0, 18, 70])
def test_the_play_of_the_drive_is_measured_whatever_is_set(play: int) -> None:
    rig = small_rig(mechanics=Mechanics(backlash_steps=play), size_px=SIZE_PX)

    found = measure_backlash(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)

    assert found is not None
    assert found.lash_steps == pytest.approx(play, abs=4)
    assert found.proposed_steps >= play


def test_with_the_setting_proposed_every_position_is_the_same_again() -> None:
    rig = small_rig(mechanics=Mechanics(backlash_steps=70), size_px=SIZE_PX)
    found = measure_backlash(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)
    assert found is not None
    rig.focuser.settings = rig.settings.changed({"motor.backlash_steps": found.proposed_steps}).motor
    places = []
    for before in (500, 2500):
        rig.focuser.goto(before)
        rig.focuser.goto(1500)
        places.append(rig.devices.bench.carriage_steps)

    assert places[0] == places[1]


def test_where_nothing_is_to_be_seen_it_says_so(tmp_path: Path) -> None:
    for index in range(3):
        noise = np.random.default_rng(index).normal(20, 3, (480, 640, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(tmp_path / f"{index}.png"), noise)
    rig = small_rig(f"replay:{tmp_path}")

    with pytest.raises(FocusNotFoundError, match="fine detail"):
        measure_backlash(rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock)


def test_a_cancelled_measurement_answers_nothing() -> None:
    rig = small_rig(size_px=SIZE_PX)

    found = measure_backlash(
        rig.devices.camera, rig.focuser, rig.settings, clock=rig.clock, cancelled=lambda: True
    )

    assert found is None


def test_retreating_forwards_is_refused() -> None:
    rig = small_rig()
    rig.focuser.goto(500)

    with pytest.raises(FocusRangeError, match="cannot be retreated to"):
        rig.focuser.retreat(501)


def test_the_workflow_proposes_the_setting_and_takes_it_over(make_rig) -> None:
    rig = make_rig(build=partial(workflow_rig, size_px=SIZE_PX))
    rig.workflow.calibrate_backlash()
    proposal = rig.until_idle().proposal

    assert proposal is not None and proposal.setting == "motor.backlash_steps"
    rig.workflow.change_settings({proposal.setting: proposal.value})
    assert rig.workflow.settings.motor.backlash_steps == proposal.value


# --- steps to µm ------------------------------------------------------------------------------------
def test_two_points_give_the_scale_in_either_order() -> None:
    assert steps_per_um(1000, 2600, 1000.0) == steps_per_um(2600, 1000, 1000.0) == 1.6


@pytest.mark.parametrize(("first", "second", "um"), [(5, 5, 100.0), (0, 100, 0.0), (0, 9, -1.0)])
def test_points_that_say_nothing_are_refused(first: int, second: int, um: float) -> None:
    with pytest.raises(ConfigError):
        steps_per_um(first, second, um)


@given(st.floats(0.05, 50), st.lists(st.integers(0, 40_000), min_size=2, max_size=12, unique=True))
def test_a_table_of_an_even_drive_gives_its_scale(scale: float, places: list[int]) -> None:
    found, warning = fitted_steps_per_um([(place, place / scale) for place in places])

    assert found == pytest.approx(scale, rel=1e-6)
    assert warning is None


def test_an_uneven_drive_is_warned_of() -> None:
    _, warning = fitted_steps_per_um([(0, 0.0), (1000, 1000.0), (2000, 2500.0)])

    assert warning is not None and "0.667 to 1 steps a µm" in warning


# --- the commands -----------------------------------------------------------------------------------
def test_the_scale_is_told_and_kept(tmp_path: Path, capsys) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[motor]\nsteps_per_um = 1.0  # a guess\n")

    assert (
        main(["calibrate", "scale", "--steps", "100", "3300", "--um", "2000", "--config", str(config)]) == 0
    )
    assert "steps_per_um = 1.6" in capsys.readouterr().out
    assert "1.0" in config.read_text()

    kept = ["--save", "--config", str(config)]
    assert main(["calibrate", "scale", "--steps", "3300", "100", "--um", "2000", *kept]) == 0
    assert config.read_text() == "[motor]\nsteps_per_um = 1.6  # a guess\n"


def test_a_table_is_read_from_a_file(tmp_path: Path, capsys) -> None:
    table = tmp_path / "ruler.txt"
    table.write_text("# steps, µm\n0, 0\n800; 500\n1600 1000\n")

    assert main(["calibrate", "scale", "--table", str(table)]) == 0
    assert "1.6 motor steps" in capsys.readouterr().out


def test_a_wrong_line_of_a_table_is_named(tmp_path: Path, capsys) -> None:
    table = tmp_path / "ruler.txt"
    table.write_text("0, 0\neight, 500\n")

    assert main(["calibrate", "scale", "--table", str(table)]) == 2
    assert "line 2" in capsys.readouterr().err


def test_the_scale_needs_a_distance(capsys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["calibrate", "scale", "--steps", "1", "2"])
    assert ended.value.code == 2
