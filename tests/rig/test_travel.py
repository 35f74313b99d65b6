"""The ends of the travel are moved without moving what a position means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simrig import small_rig

from rig.config import MotorSettings, Settings
from rig.devices.motor_none import NoMotor
from rig.errors import ConfigError, NotAllowedError
from rig.focuser import Focuser
from rig.travel import travel_changes


def changed(motor: MotorSettings, end, position: int) -> MotorSettings:
    return Settings(motor=motor).changed(travel_changes(motor, end, position)).motor


@given(position=st.integers(min_value=-50, max_value=40_000), end=st.sampled_from(["near", "far"]))
def test_the_endstop_keeps_its_position(position: int, end) -> None:
    motor = MotorSettings(home_margin_steps=50, max_steps=48_000)
    if end == "far":
        position = max(position, 1)
    after = changed(motor, end, position)

    assert Focuser(None, after).home_steps == Focuser(None, motor).home_steps  # type: ignore[arg-type]
    assert position == (after.min_steps if end == "near" else after.max_steps)


def test_a_near_limit_without_room_for_the_backlash_is_refused() -> None:
    with pytest.raises(ConfigError, match="nearer than -50"):
        travel_changes(MotorSettings(home_margin_steps=50), "near", -51)


def test_the_present_position_becomes_the_end_and_homing_finds_the_same_place(rig) -> None:
    motor = rig.workflow.settings.motor
    rig.workflow.goto(motor.min_steps + 200)
    rig.until_idle()
    rig.workflow.set_travel("near")
    rig.workflow.set_travel("far", motor.min_steps + 900)
    rig.workflow.home()
    focus = rig.until_idle().focus

    assert (focus.min_steps, focus.max_steps) == (motor.min_steps + 200, motor.min_steps + 900)
    assert focus.position_steps == focus.min_steps  # homing ends at the near limit


def test_an_end_before_the_other_is_refused_and_nothing_changes(rig) -> None:
    before = rig.workflow.settings.motor
    with pytest.raises(ConfigError):
        rig.workflow.set_travel("far", before.min_steps - 1)

    assert rig.workflow.settings.motor == before


def test_a_drive_without_endstop_cannot_look_for_it(make_rig) -> None:
    rig = make_rig(build=lambda settings: replace(small_rig(settings), motor=NoMotor()))
    with pytest.raises(NotAllowedError, match="endstop"):
        rig.workflow.home()
