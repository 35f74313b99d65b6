"""The checks of this folder are able to fail: each mutant of a driver is caught by the one beside it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import test_light_on_chip as light
import test_panel_on_chip as panel
import test_stepdir_on_chip as stepdir
import test_uln2003_on_chip as uln2003
from emulated_chip import REPOSITORY, StartRig

DEVICES = "rig/devices"
TRIES = 20  # a loaded machine may by chance wait as the mutant does not; the right code never fails


@dataclass(frozen=True)
class Mutant:
    """One fault put into one file, and the check that must notice."""

    name: str
    file: str
    right: str
    wrong: str
    check: Callable[[StartRig], None]


def no_step_is_lost(start_rig: StartRig) -> None:
    stepdir.test_no_step_is_sent_to_a_driver_that_is_off_or_waking(stepdir.finished_moves(start_rig))


def position_is_right(start_rig: StartRig) -> None:
    stepdir.test_the_motor_ends_where_the_driver_believes_it_is(stepdir.finished_moves(start_rig))


def period_is_kept(start_rig: StartRig) -> None:
    stepdir.test_no_two_steps_are_closer_than_the_top_speed_allows(stepdir.finished_moves(start_rig))


def pulse_is_long_enough(start_rig: StartRig) -> None:
    stepdir.test_every_pulse_is_long_enough_for_the_slowest_driver(stepdir.finished_moves(start_rig))


MUTANTS = [
    Mutant(
        "enable is never driven",
        "motor_stepdir.py",
        "self._enable.write(_ON)",
        "pass",
        no_step_is_lost,
    ),
    Mutant(
        "steps follow enable at once",
        "motor_stepdir.py",
        "WAKE_S = 0.005",
        "WAKE_S = 0.0",
        no_step_is_lost,
    ),
    Mutant(
        "enable is left on at exit",
        "motor_stepdir.py",
        "safe=_OFF",
        "safe=_ON",
        stepdir.test_an_exception_in_the_program_leaves_the_motor_off,
    ),
    Mutant(
        "enable floats after close",
        "motor_stepdir.py",
        "keep=True",
        "keep=False",
        stepdir.test_enable_never_floats_between_two_openings_in_one_process,
    ),
    Mutant(
        "the direction is wrong",
        "motor_stepdir.py",
        "1 if direction > 0 else 0",
        "0 if direction > 0 else 1",
        position_is_right,
    ),
    Mutant(
        "the direction is never set",
        "motor_stepdir.py",
        "self._dir_line.write(1 if direction > 0 else 0)",
        "pass",
        position_is_right,
    ),
    Mutant(
        "the schedule catches up",
        "stepping.py",
        "last_ns = now_ns()",
        "last_ns = now_ns() if last_ns is None else last_ns + period_ns",
        stepdir.test_a_stall_of_the_program_delays_the_train_and_never_makes_a_burst,
    ),
    Mutant(
        "a reversal follows at once",
        "motor_gpio.py",
        "time.sleep(1 / self._ramp.start_steps_per_s)",
        "pass",
        period_is_kept,
    ),
    Mutant(
        "the pulse ends at once",
        "motor_stepdir.py",
        "        self._step_line.write(1)\n        _hold(STEP_HIGH_NS)\n        self._step_line.write(0)",
        "        self._step_line._library.output([20, 20], [1, 0])",
        pulse_is_long_enough,
    ),
    Mutant(
        "the endstop is not asked during a move",
        "motor_gpio.py",
        "hit = direction < 0 and self.at_endstop is True",
        "hit = False",
        stepdir.test_a_broken_endstop_wire_keeps_the_motor_from_moving_near,
    ),
    Mutant(
        "the current goes before the rotor has arrived",
        "motor_gpio.py",
        "time.sleep(1 / self._ramp.start_steps_per_s)",
        "pass",
        uln2003.test_the_rotor_ends_where_the_driver_believes_it_is_even_across_a_release,
    ),
    Mutant(
        "coils are switched in full steps",
        "motor_uln2003.py",
        "self._phase + self._direction)",
        "self._phase + 2 * self._direction)",
        uln2003.test_the_field_never_jumps_by_more_than_a_half_step,
    ),
    Mutant(
        "the button is not debounced",
        "gpio.py",
        "            bouncetime=debounce_ms,\n",
        "",
        panel.test_a_bouncing_press_is_one_press,
    ),
    Mutant(
        "the light is not lit",
        "light_gpio.py",
        "            self._line.write(1)\n",
        "",
        light.test_the_light_is_on_around_each_exposure_and_off_while_the_motor_turns,
    ),
    Mutant(
        "the light stays on while the focus moves",
        "light_gpio.py",
        "        if self.lit:\n            self._line.write(0)",
        "        if self.lit and not self._sleep:\n            self._line.write(0)",
        light.test_the_light_is_on_around_each_exposure_and_off_while_the_motor_turns,
    ),
    Mutant(
        "the exposure does not wait for the light",
        "light_gpio.py",
        "self._sleep(self._lead_s)",
        "pass",
        light.test_the_light_is_on_around_each_exposure_and_off_while_the_motor_turns,
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant, start_rig: StartRig, tmp_path: Path):
    code = tmp_path / "code"
    shutil.copytree(REPOSITORY / "rig", code / "rig", ignore=shutil.ignore_patterns("__pycache__"))
    file = code / DEVICES / mutant.file
    source = file.read_text()
    assert source.count(mutant.right) == 1, f"{mutant.file} has changed; this mutant no longer applies"
    file.write_text(source.replace(mutant.right, mutant.wrong))

    assert any(is_caught(mutant, start_rig, code) for _ in range(TRIES))


def is_caught(mutant: Mutant, start_rig: StartRig, code: Path) -> bool:
    """Whether the property fails. Raises ProgramError where the mutant breaks the program instead."""
    try:
        mutant.check(lambda program: start_rig(program, code=code))
    except AssertionError:
        return True
    return False
