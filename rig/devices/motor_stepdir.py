"""A stepper behind a step/direction driver: A4988, DRV8825, TMC2209.

The driver is off until the first move and off again after release() and on exit: EN is
active low and is driven high, never left floating, for these drivers pull it low themselves and would
heat the motor. What SIGKILL leaves is the wiring's part: see docs/wiring.md.
"""

from __future__ import annotations

import time

from rig.config import MotorSettings
from rig.devices.gpio import Gpio, OutputLine
from rig.devices.motor_gpio import Direction, GpioMotor

# The slowest of the three drivers sets each time: data sheets of the A4988 (1 µs, 200 ns, 1 ms),
# the DRV8825 (1.9 µs, 650 ns, 1.7 ms) and the TMC2209 (100 ns, 20 ns), rounded up. STEP is held twice as long as the
# slowest asks for: inputs with an optocoupler before them, of boxed drivers, want more, and it costs nothing.
STEP_HIGH_NS = 5_000
DIRECTION_SETUP_NS = 1_000
WAKE_S = 0.005

_ON, _OFF = 0, 1  # levels of EN


class StepDirMotor(GpioMotor):
    """Focus motor on STEP, DIR and (where wired) EN."""

    def __init__(self, gpio: Gpio, settings: MotorSettings) -> None:
        self._enable: OutputLine | None = None
        if settings.enable_pin:
            self._enable = gpio.output(
                settings.enable_pin, "EN of the focus motor", initial=_OFF, safe=_OFF, keep=True
            )
        self._energised = self._enable is None
        self._step_line = gpio.output(settings.step_pin, "STEP of the focus motor", initial=0)
        self._dir_line = gpio.output(settings.dir_pin, "DIR of the focus motor", initial=0)
        super().__init__(gpio, settings)

    def _energise(self) -> None:
        if self._enable is None or self._energised:
            return
        self._enable.write(_ON)
        self._energised = True
        time.sleep(WAKE_S)

    def _de_energise(self) -> None:
        if self._enable is not None:
            self._enable.write(_OFF)
            self._energised = False

    def _face(self, direction: Direction) -> None:
        self._dir_line.write(1 if direction > 0 else 0)
        _hold(DIRECTION_SETUP_NS)

    def _step(self) -> None:
        self._step_line.write(1)
        _hold(STEP_HIGH_NS)
        self._step_line.write(0)


def _hold(duration_ns: int) -> None:
    """Let at least so much time pass; too short to sleep."""
    until = time.monotonic_ns() + duration_ns
    while time.monotonic_ns() < until:
        pass
