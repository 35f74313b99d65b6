"""The four-coil driver's decisions; its timing and its end are tested on the emulated chip."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fake_rpi_gpio import FakeRpiGpio
from hypothesis import given
from hypothesis import strategies as st

from rig.config import MotorSettings
from rig.devices import motor_uln2003
from rig.devices.gpio import Gpio
from rig.devices.motor_uln2003 import HALF_STEPS, Uln2003Motor

SETTINGS = MotorSettings(driver="uln2003", steps_per_s=20_000, start_steps_per_s=20_000, ramp_steps=0)


@pytest.fixture(autouse=True)
def aligned_at_once(monkeypatch):
    monkeypatch.setattr(motor_uln2003, "ALIGN_S", 0.0)


def make() -> tuple[Uln2003Motor, FakeRpiGpio]:
    library = FakeRpiGpio()
    return Uln2003Motor(Gpio(library), SETTINGS), library


def field(library: FakeRpiGpio) -> tuple[int, ...]:
    return tuple(library.levels[pin] for pin in SETTINGS.coil_pins)


def test_neighbouring_half_steps_differ_in_one_coil():
    ring = [*HALF_STEPS, HALF_STEPS[0]]
    assert all(sum(a != b for a, b in zip(one, other, strict=True)) == 1 for one, other in pairwise(ring))


@given(st.lists(st.integers(-20, 20), min_size=1, max_size=5))
def test_the_field_is_that_of_the_position(moves):
    motor, library = make()
    motor.move_by(1)
    motor.move_by(-1)
    for steps in moves:
        motor.move_by(steps)
    assert motor.position_steps == sum(moves)
    assert field(library) == HALF_STEPS[sum(moves) % 8]


def test_release_switches_every_coil_off():
    motor, library = make()
    motor.move_by(3)
    motor.release()
    assert field(library) == (0, 0, 0, 0)


def test_after_release_the_next_move_starts_from_the_phase_it_was_left_at():
    motor, library = make()
    motor.move_by(3)
    motor.release()
    before = len(library.calls)
    motor.move_by(1)
    shown = [call[1:] for call in library.calls[before:]]
    pins = SETTINGS.coil_pins
    assert shown == [(pins[1], 1), (pins[2], 1), (pins[1], 0)]  # 0110, then 0010


def test_before_the_first_move_every_coil_is_off():
    assert field(make()[1]) == (0, 0, 0, 0)
