"""The simulated focus drive: travel time, play, lost steps, endstop faults."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.clock import SimClock
from rig.devices.faults import FaultPlan
from rig.devices.motor_sim import SimMotor
from rig.devices.optical_bench import Mechanics, OpticalBench
from rig.devices.scenes import find_scene
from rig.errors import EndstopError, MotorError


def drive(backlash: int = 0, **faults: object) -> tuple[OpticalBench, SimMotor]:
    plan = FaultPlan(**faults)  # type: ignore[arg-type]
    bench = OpticalBench(find_scene("target"), SimClock(), mechanics=Mechanics(backlash), faults=plan)
    return bench, SimMotor(bench, steps_per_s=1000)


def test_a_move_takes_as_long_as_its_steps() -> None:
    bench, motor = drive()
    before = bench.clock.monotonic_ns()
    motor.move_by(250)
    assert (bench.clock.monotonic_ns() - before) / 1e9 == pytest.approx(0.25, abs=0.005)


def test_optics_lag_by_the_play_after_a_reversal() -> None:
    bench, motor = drive(backlash=20)
    motor.move_by(100)
    there = bench.carriage_steps
    motor.move_by(-20)
    assert bench.carriage_steps == there
    motor.move_by(-1)
    assert bench.carriage_steps == there - 1


@given(st.lists(st.integers(-110, 110), max_size=12))
def test_arriving_from_the_near_side_lands_on_the_same_place_whatever_came_before(moves: list[int]) -> None:
    bench, motor = drive(backlash=15)
    motor.move_by(200)
    goal, place = motor.position_steps, bench.carriage_steps
    for steps in moves:
        motor.move_by(steps)
    motor.move_by(goal - 30 - motor.position_steps)
    motor.move_by(goal - motor.position_steps)
    assert bench.carriage_steps == place


@given(st.lists(st.integers(-110, 110), max_size=10))
def test_the_carriage_is_never_farther_behind_than_the_play(moves: list[int]) -> None:
    bench, motor = drive(backlash=15)
    for steps in moves:
        motor.move_by(steps)
        assert 0 <= bench._shaft - bench.carriage_steps <= 15


def test_lost_steps_are_believed_but_not_made() -> None:
    bench, motor = drive(motor_lost_every=10)
    before = bench.carriage_steps
    motor.move_by(100)
    assert motor.position_steps == 100
    assert bench.carriage_steps == before + 90


def test_a_stuck_motor_says_where() -> None:
    _, motor = drive(motor_stuck_after_steps=30)
    with pytest.raises(MotorError, match="stuck at position 30 with 70 steps to go"):
        motor.move_by(100)


def test_a_stuck_closed_endstop_forbids_every_move_towards_near() -> None:
    _, motor = drive(endstop="stuck_closed")
    with pytest.raises(EndstopError):
        motor.move_by(-1)
    assert motor.move_by(5) == 5


def test_without_a_working_endstop_the_carriage_meets_metal_and_steps_are_lost() -> None:
    bench, motor = drive(endstop="never_closes")
    motor.move_by(-10_000)
    assert motor.position_steps == -10_000
    assert bench.carriage_steps == pytest.approx(-40, abs=1)


def test_the_far_end_stops_the_carriage_too() -> None:
    bench, motor = drive()
    motor.move_by(10_000)
    assert bench.carriage_steps == bench.scene.travel_steps + 40


def test_the_picture_shakes_after_a_move_and_then_less_and_less() -> None:
    bench, motor = drive()
    motor.move_by(50)
    end = bench.clock.monotonic_ns()
    spans = [range(end + k * 150_000_000, end + (k + 1) * 150_000_000, 5_000_000) for k in range(4)]
    peaks = [max(abs(bench.shift_um_at(t)[1]) for t in span) for span in spans]
    assert peaks[0] > 5
    assert all(later < 0.5 * earlier for earlier, later in pairwise(peaks))


def test_wind_sways_the_picture_even_without_a_move() -> None:
    bench = OpticalBench(find_scene("target"), SimClock(), mechanics=Mechanics(wind_um=4))
    places = {bench.shift_um_at(t * 100_000_000)[0] for t in range(30)}
    assert max(places) - min(places) > 4


def test_where_the_focus_was_is_remembered() -> None:
    bench, motor = drive()
    before_ns, before_um = bench.clock.monotonic_ns(), bench.focus_um
    motor.move_by(100)
    assert bench.focus_um_at(before_ns) == before_um
    assert bench.focus_um_at(bench.clock.monotonic_ns()) == before_um + 100
