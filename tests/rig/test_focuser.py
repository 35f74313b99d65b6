"""The focus drive: absolute positions that mean the same whatever way they are reached."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smallrig import small_rig

from rig.devices.faults import FaultPlan
from rig.devices.optical_bench import Mechanics
from rig.errors import EndstopError, FocusRangeError, MotorError, StepsLostError
from rig.focuser import Focuser


def true_focus(way: list[int], backlash: int = 18) -> float:
    """Where the optics really stand after going these ways, in steps."""
    rig = small_rig(mechanics=Mechanics(backlash_steps=backlash))
    for position in way:
        rig.focuser.goto(position)
    return rig.devices.bench.carriage_steps


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(34, 3000), min_size=1, max_size=5), st.integers(34, 3000))
def test_a_position_is_the_same_place_whatever_way_it_is_reached(way: list[int], target: int) -> None:
    assert true_focus([*way, target]) == true_focus([target])


def test_the_true_focus_advances_by_what_is_asked_although_the_drive_has_backlash() -> None:
    assert true_focus([2000, 1500]) - true_focus([2000, 1400]) == 100


def test_a_small_step_back_is_taken_fully() -> None:
    assert true_focus([1500]) - true_focus([1500, 1499]) == 1


@pytest.mark.parametrize("outside", [33, 3001, -5, 52_000])
def test_a_position_outside_the_travel_is_refused_with_the_limits(outside: int) -> None:
    rig = small_rig()

    with pytest.raises(FocusRangeError, match=f"focus position {outside} steps is outside 34..3000"):
        rig.focuser.goto(outside)


def test_a_refused_move_moves_nothing() -> None:
    rig = small_rig()
    before = rig.devices.bench.carriage_steps

    with pytest.raises(FocusRangeError):
        rig.focuser.goto(10_000)

    assert rig.devices.bench.carriage_steps == before


@pytest.mark.parametrize(("steps", "reached"), [(100, 1100), (-100, 900), (9999, 3000), (-9999, 34)])
def test_a_jog_goes_as_far_as_the_limits_allow(steps: int, reached: int) -> None:
    rig = small_rig()
    rig.focuser.goto(1000)

    assert rig.focuser.jog(steps) == reached


def test_homing_leaves_room_for_the_backlash_below_the_near_limit() -> None:
    rig = small_rig()

    assert rig.focuser.position_steps == 34
    assert rig.focuser.home_steps == 0
    rig.focuser.goto(3000)
    assert rig.focuser.goto(34) == 34  # overshoots to 10 without touching the endstop


@pytest.mark.parametrize("start_at", [0.0, 0.4, 1.0])
def test_homing_finds_the_same_place_from_anywhere(start_at: float) -> None:
    rig = small_rig(mechanics=Mechanics(start_at=start_at))

    assert rig.devices.bench.carriage_steps == 34 - 18


def test_homing_again_is_harmless() -> None:
    rig = small_rig()
    before = rig.devices.bench.carriage_steps

    assert rig.focuser.home()
    assert rig.devices.bench.carriage_steps == before


def test_an_endstop_that_never_closes_is_told() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    faults.endstop = "never_closes"

    with pytest.raises(EndstopError, match="was not found within 3024 steps towards near"):
        rig.focuser.home()


def test_an_endstop_that_stays_pressed_is_told() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    faults.endstop = "stuck_closed"

    with pytest.raises(EndstopError, match="the endstop stays pressed"):
        rig.focuser.home()


def test_a_cancelled_move_stops_within_one_step_and_tells_where() -> None:
    rig = small_rig()
    rig.focuser.goto(1000)
    asked = iter([False] * 12)  # halting is asked once before the move, then between steps

    reached = rig.focuser.goto(1500, lambda: next(asked, True))

    assert reached == 1011


def test_after_stop_nothing_moves_until_rearmed() -> None:
    rig = small_rig()
    rig.focuser.stop()
    assert rig.focuser.goto(1000) == 34

    rig.focuser.rearm()
    assert rig.focuser.goto(1000) == 1000


def test_stop_in_the_middle_of_a_move_stops_it_within_a_step() -> None:
    rig = small_rig()

    def press_stop_at_500() -> bool:
        if rig.focuser.position_steps == 500:
            rig.focuser.stop()
        return False

    assert rig.focuser.goto(1000, press_stop_at_500) in (500, 501)


def test_a_motor_that_sticks_is_a_fault() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    faults.motor_stuck_after_steps = 0

    with pytest.raises(MotorError, match="stuck"):
        rig.focuser.goto(1000)


def test_lost_steps_are_found_at_the_endstop_and_the_count_put_right() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    faults.motor_lost_every = 100
    rig.focuser.goto(2034)  # 20 of 2000 steps are sent but not made
    faults.motor_lost_every = None

    assert rig.focuser.lost_steps() == 20
    assert rig.focuser.lost_steps() == 0


def test_an_endstop_met_on_the_way_says_how_many_steps_were_lost() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    faults.motor_lost_every = 4
    rig.focuser.goto(2034)  # a quarter of the steps is sent but not made
    faults.motor_lost_every = None

    with pytest.raises(StepsLostError, match="had lost 500 steps") as raised:
        rig.focuser.goto(100)
    assert "although it lies at 0" in str(raised.value)


def test_an_endstop_met_by_a_drive_that_never_was_homed_is_only_that() -> None:
    rig = small_rig()
    focuser = Focuser(rig.devices.motor, rig.settings.motor)
    rig.devices.motor.set_position(2000)

    with pytest.raises(EndstopError):
        focuser.goto(1000)


def test_a_motor_that_does_not_leave_the_endstop_is_seen_at_the_end_of_homing() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults)
    set_position = rig.devices.motor.set_position

    def then_it_jams(steps: int) -> None:
        set_position(steps)
        faults.motor_lost_every = 1

    rig.devices.motor.set_position = then_it_jams  # type: ignore[method-assign]
    with pytest.raises(EndstopError, match="the endstop stays pressed"):
        rig.focuser.home()


def test_a_drive_that_lost_nothing_says_so() -> None:
    rig = small_rig()
    rig.focuser.goto(2000)

    assert rig.focuser.lost_steps() == 0


def test_release_takes_the_current_off_and_the_next_arrival_takes_up_the_backlash_again() -> None:
    rig = small_rig()
    rig.focuser.goto(1000)
    place = rig.devices.bench.carriage_steps

    rig.focuser.release()
    assert not rig.devices.motor.energised
    rig.focuser.goto(1000)

    assert rig.devices.bench.carriage_steps == place


def test_um_and_steps_agree_with_the_calibration() -> None:
    rig = small_rig(motor__steps_per_um=2.0)
    rig.focuser.goto_um(250.2)

    assert (rig.focuser.position_steps, rig.focuser.position_um) == (500, 250.0)


def test_homing_works_although_the_backlash_is_set_too_small() -> None:
    rig = small_rig(
        mechanics=Mechanics(backlash_steps=40), motor__backlash_steps=0, motor__home_margin_steps=1
    )

    assert rig.focuser.home()
