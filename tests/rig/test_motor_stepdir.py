"""The step/direction driver's decisions; its timing and its end are tested on the emulated chip."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_rpi_gpio import FakeRpiGpio
from hypothesis import given
from hypothesis import strategies as st

from rig.config import MotorSettings
from rig.devices import motor_stepdir
from rig.devices.gpio import Gpio
from rig.devices.motor_stepdir import StepDirMotor
from rig.errors import EndstopError, GpioError

FAST = MotorSettings(driver="stepdir", steps_per_s=20_000, start_steps_per_s=20_000, ramp_steps=0)
STEP, DIR, EN, ENDSTOP = FAST.step_pin, FAST.dir_pin, FAST.enable_pin, 5


@pytest.fixture(autouse=True)
def awake_at_once(monkeypatch):
    monkeypatch.setattr(motor_stepdir, "WAKE_S", 0.0)


def make(**changes) -> tuple[StepDirMotor, FakeRpiGpio]:
    library = FakeRpiGpio()
    return StepDirMotor(Gpio(library), replace(FAST, **changes)), library


def pulses(library: FakeRpiGpio) -> int:
    return library.outputs(STEP).count(1)


@given(st.lists(st.integers(-20, 20), max_size=6))
def test_position_is_the_sum_of_the_moves_and_each_step_one_pulse(moves):
    motor, library = make()
    sent = [motor.move_by(steps) for steps in moves]
    assert sent == moves and motor.position_steps == sum(moves)
    assert pulses(library) == sum(map(abs, moves))


def test_far_is_dir_high_and_near_is_dir_low():
    motor, library = make()
    motor.move_by(1)
    motor.move_by(-1)
    assert library.outputs(DIR) == [0, 1, 0]


def test_invert_swaps_them_and_leaves_the_position_alone():
    motor, library = make(invert=True)
    motor.move_by(3)
    assert library.outputs(DIR) == [0, 0] and motor.position_steps == 3


def test_a_move_by_nothing_switches_nothing_on():
    motor, library = make()
    assert motor.move_by(0) == 0 and library.outputs(EN) == [1]


def test_the_current_comes_with_the_first_move_and_stays_until_release():
    motor, library = make()
    motor.move_by(1)
    motor.move_by(1)
    motor.release()
    motor.release()
    assert library.outputs(EN) == [1, 0, 1, 1]


def test_a_driver_without_enable_wire_moves_all_the_same():
    motor, library = make(enable_pin=0)
    motor.move_by(4)
    motor.release()
    assert pulses(library) == 4


def test_cancel_before_the_first_step_sends_none():
    motor, library = make()
    assert motor.move_by(10, lambda: True) == 0 and pulses(library) == 0


def test_cancel_in_the_middle_stops_there_and_says_how_far_it_got():
    motor, _ = make()
    answers = iter([False] * 4 + [True])
    assert motor.move_by(-10, lambda: next(answers)) == -4
    assert motor.position_steps == -4


def test_set_position_moves_nothing():
    motor, library = make()
    motor.set_position(1200)
    assert motor.position_steps == 1200 and pulses(library) == 0


def test_without_an_endstop_there_is_no_answer():
    assert make()[0].at_endstop is None


@pytest.mark.parametrize(
    ("normally_closed", "level", "hit"), [(True, 0, False), (True, 1, True), (False, 0, True)]
)
def test_a_normally_closed_endstop_is_hit_when_its_line_goes_high(normally_closed, level, hit):
    motor, library = make(endstop_pin=ENDSTOP, endstop_normally_closed=normally_closed)
    library.levels[ENDSTOP] = level
    assert motor.at_endstop is hit


def test_one_bad_reading_of_the_endstop_is_not_a_hit(monkeypatch):
    motor, library = make(endstop_pin=ENDSTOP)
    levels = iter([1, 1, 0])
    monkeypatch.setattr(library, "input", lambda line: next(levels))
    assert motor.at_endstop is False


def test_the_endstop_ends_a_move_towards_near_with_the_steps_sent_counted():
    motor, library = make(endstop_pin=ENDSTOP)
    library.levels[ENDSTOP] = 0

    def hit_after_three() -> bool:
        library.levels[ENDSTOP] = int(motor.position_steps == -3)
        return False

    with pytest.raises(EndstopError, match="closed after 4 of 10 steps"):
        motor.move_by(-10, hit_after_three)
    assert motor.position_steps == -4


def test_at_the_endstop_a_move_towards_near_does_not_even_switch_the_motor_on():
    motor, library = make(endstop_pin=ENDSTOP)
    with pytest.raises(EndstopError):
        motor.move_by(-10)
    assert library.outputs(EN) == [1] and motor.position_steps == 0


def test_at_the_endstop_the_way_towards_far_is_free():
    motor, _ = make(endstop_pin=ENDSTOP)
    assert motor.move_by(5) == 5


def test_after_a_failing_line_the_steps_sent_are_still_counted_and_the_motor_can_move_again():
    motor, library = make()

    def fail_after_three() -> bool:
        if motor.position_steps == 3:
            library.fail[STEP] = RuntimeError("chip gone")
        return False

    with pytest.raises(GpioError, match="STEP of the focus motor"):
        motor.move_by(10, fail_after_three)
    library.fail.clear()
    assert motor.position_steps == 3 and motor.move_by(2) == 2
