"""The ends of the travel are moved without moving what a position means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simrig import small_rig

from rig.config import MotorSettings, Settings
from rig.devices.build import Devices
from rig.devices.motor_none import NoMotor
from rig.errors import ConfigError, NotAllowedError
from rig.focuser import Focuser
from rig.travel import home_kept, travel_changes


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


@given(backlash=st.integers(0, 2000), margin=st.integers(0, 400), before=st.integers(0, 400))
def test_another_backlash_leaves_the_endstop_where_it_is(backlash: int, margin: int, before: int) -> None:
    motor = MotorSettings(home_margin_steps=margin, backlash_steps=before)
    taken = Settings(motor=replace(motor, backlash_steps=backlash))
    after = taken.changed(home_kept(motor, taken.motor)).motor

    assert Focuser(None, after).home_steps == Focuser(None, motor).home_steps  # type: ignore[arg-type]
    assert after.home_margin_steps >= min(margin, 10) and after.min_steps >= motor.min_steps


def test_a_backlash_taken_over_leaves_near_and_far_where_they_were(make_rig) -> None:
    built: list[Devices] = []

    def build(settings: Settings) -> Devices:
        built.append(small_rig(settings))
        return built[-1]

    rig = make_rig(build=build)
    bench = built[0].camera._bench  # type: ignore[attr-defined]
    motor = rig.workflow.settings.motor
    place = motor.min_steps + 700
    rig.workflow.goto(place)
    rig.until_idle()
    before = bench.carriage_steps
    rig.workflow.change_settings(
        {"motor.backlash_steps": motor.backlash_steps + motor.home_margin_steps + 30}
    )
    rig.workflow.home()
    rig.until_idle()
    rig.workflow.goto(place)
    rig.until_idle()

    assert bench.carriage_steps == before
    assert rig.workflow.settings.motor.min_steps > motor.min_steps  # what the backlash needs is travel lost
