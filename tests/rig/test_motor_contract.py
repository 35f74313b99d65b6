"""What every focus motor promises, whichever driver it is. A new driver joins by a line in MOTORS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_rpi_gpio import WithEndstop

from rig.config import MotorSettings
from rig.devices.build_sim import simulated_devices
from rig.devices.clock import SimClock
from rig.devices.gpio import Gpio
from rig.devices.motor import FocusMotor
from rig.devices.motor_none import NoMotor
from rig.devices.motor_stepdir import StepDirMotor
from rig.devices.motor_uln2003 import Uln2003Motor
from rig.errors import EndstopError, MotorError

FAR_AWAY = 100_000  # steps, more than any travel


def simulated() -> FocusMotor:
    return simulated_devices("target", size=(320, 240), clock=SimClock()).motor


def wired(driver: type[StepDirMotor] | type[Uln2003Motor], endstop_pin: int = 5) -> FocusMotor:
    library = WithEndstop(line=5, at_steps=-100)
    settings = MotorSettings(
        endstop_pin=endstop_pin, steps_per_s=20_000, start_steps_per_s=20_000, ramp_steps=0, backlash_steps=0
    )
    motor = driver(Gpio(library), settings)
    library.position_steps = lambda: motor.position_steps
    return motor


MOTORS: dict[str, Callable[[], FocusMotor]] = {
    "sim": simulated,
    "stepdir": lambda: wired(StepDirMotor),
    "uln2003": lambda: wired(Uln2003Motor),
}


WITHOUT_ENDSTOP: dict[str, Callable[[], FocusMotor]] = {
    "stepdir without endstop": lambda: wired(StepDirMotor, endstop_pin=0),
    "uln2003 without endstop": lambda: wired(Uln2003Motor, endstop_pin=0),
    "none": NoMotor,
}
ALL = MOTORS | WITHOUT_ENDSTOP


@pytest.fixture(params=MOTORS, name="motor")
def _motor(request: pytest.FixtureRequest) -> FocusMotor:
    return MOTORS[request.param]()


@pytest.fixture(params=ALL, name="any_motor")
def _any_motor(request: pytest.FixtureRequest) -> FocusMotor:
    return ALL[request.param]()


# --- every motor, also none ---------------------------------------------------------------------
def test_it_has_a_name_and_stands_at_a_whole_position(any_motor: FocusMotor) -> None:
    assert any_motor.name
    assert type(any_motor.position_steps) is int


def test_no_way_to_go_is_gone_at_once(any_motor: FocusMotor) -> None:
    before = any_motor.position_steps
    assert any_motor.move_by(0) == 0
    assert any_motor.position_steps == before


@pytest.mark.parametrize("steps", [7, -7])
def test_it_makes_the_steps_or_says_that_it_cannot_and_the_count_tells_which(
    any_motor: FocusMotor, steps: int
) -> None:
    before = any_motor.position_steps
    try:
        made = any_motor.move_by(steps)
    except MotorError as error:
        made = 0
        assert f"{steps} steps" in str(error)
    assert any_motor.position_steps == before + made


def test_release_is_safe_before_the_first_move_and_twice(any_motor: FocusMotor) -> None:
    any_motor.release()
    any_motor.release()


def test_what_cannot_move_has_no_other_position_to_be_declared() -> None:
    motor = NoMotor()
    motor.set_position(1234)
    assert motor.position_steps == 0


@pytest.mark.parametrize("name", WITHOUT_ENDSTOP)
def test_without_an_endstop_nothing_is_said_of_one(name: str) -> None:
    assert WITHOUT_ENDSTOP[name]().at_endstop is None


# --- motors that move ---------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 40, -40, 0])
def test_a_move_changes_the_position_by_the_steps_it_reports(motor: FocusMotor, steps: int) -> None:
    before = motor.position_steps
    assert motor.move_by(steps) == steps
    assert motor.position_steps == before + steps


def test_a_cancelled_move_stops_within_one_step(motor: FocusMotor) -> None:
    asked: list[int] = []
    before = motor.position_steps

    def cancelled() -> bool:
        asked.append(motor.position_steps)
        return motor.position_steps - before >= 5

    assert motor.move_by(50, cancelled) in (5, 6)


def test_a_move_cancelled_from_the_start_sends_nothing(motor: FocusMotor) -> None:
    assert motor.move_by(50, lambda: True) == 0


def test_declaring_a_position_moves_nothing(motor: FocusMotor) -> None:
    motor.set_position(1234)
    assert motor.position_steps == 1234
    assert motor.move_by(3) == 3
    assert motor.position_steps == 1237


def test_running_into_the_endstop_raises_and_keeps_count(motor: FocusMotor) -> None:
    before = motor.position_steps
    with pytest.raises(EndstopError, match="endstop"):
        motor.move_by(-FAR_AWAY)
    assert motor.at_endstop
    assert before - FAR_AWAY < motor.position_steps < before


def test_the_endstop_lets_go_when_moved_away(motor: FocusMotor) -> None:
    with pytest.raises(EndstopError):
        motor.move_by(-FAR_AWAY)
    motor.move_by(200)
    assert motor.at_endstop is False


def test_release_is_safe_twice_and_the_motor_moves_again(motor: FocusMotor) -> None:
    motor.release()
    motor.release()
    assert motor.move_by(2) == 2
