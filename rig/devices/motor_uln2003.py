"""A 28BYJ-48 gear motor on a ULN2003 board: four coils, half steps, 4076 (nominally 4096) a turn."""

from __future__ import annotations

import time

from rig.config import MotorSettings
from rig.devices.gpio import Gpio
from rig.devices.motor_gpio import Direction, GpioMotor

# IN1 to IN4. Neighbours differ in one coil, so a step is one write and the rotor is never let go.
HALF_STEPS = (
    (1, 0, 0, 0),
    (1, 1, 0, 0),
    (0, 1, 0, 0),
    (0, 1, 1, 0),
    (0, 0, 1, 0),
    (0, 0, 1, 1),
    (0, 0, 0, 1),
    (1, 0, 0, 1),
)
ALIGN_S = 0.01  # the rotor swings back to the phase it was left at when the coils come on


class Uln2003Motor(GpioMotor):
    """Focus motor on four coil lines. All coils are off after release() and on exit.

    The gear holds the lens without current, but has several degrees of lash.
    """

    def __init__(self, gpio: Gpio, settings: MotorSettings) -> None:
        self._coils = [
            gpio.output(pin, f"IN{number} of the focus motor", initial=0)
            for number, pin in enumerate(settings.coil_pins, start=1)
        ]
        self._levels = [0, 0, 0, 0]
        self._phase = 0  # kept while released: the rotor stays where it was
        self._direction: Direction = 1
        super().__init__(gpio, settings)

    def _energise(self) -> None:
        if not any(self._levels):
            self._drive(HALF_STEPS[self._phase])
            time.sleep(ALIGN_S)

    def _de_energise(self) -> None:
        # The coil that comes on first goes off last: a stall between two writes then holds the rotor with the
        # same coil both times, half a step from its place at most.
        for index in reversed(range(len(self._coils))):
            self._drive_coil(index, 0)

    def _face(self, direction: Direction) -> None:
        self._direction = direction

    def _step(self) -> None:
        self._phase = (self._phase + self._direction) % len(HALF_STEPS)
        self._drive(HALF_STEPS[self._phase])

    def _drive(self, levels: tuple[int, ...]) -> None:
        for index, level in enumerate(levels):
            self._drive_coil(index, level)

    def _drive_coil(self, index: int, level: int) -> None:
        if level != self._levels[index]:
            self._coils[index].write(level)
            self._levels[index] = level
