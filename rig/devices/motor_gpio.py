"""What all motors on GPIO lines share: position, endstop, ramp, one move at a time, stop within a step."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from rig.config import MotorSettings
from rig.devices.gpio import Gpio, InputLine
from rig.devices.stepping import Ramp, send_steps, step_periods_ns
from rig.errors import EndstopError, MotorError
from rig.saying import say

Direction = Literal[1, -1]  # towards far, towards near

# A long motor cable couples its switching into the endstop's: a hit must read the same so often in a row.
_ENDSTOP_READINGS = 3


class GpioMotor(ABC):
    """A FocusMotor whose driver does single steps. The current is on from the first move to release()."""

    name = "focus motor"

    def __init__(self, gpio: Gpio, settings: MotorSettings) -> None:
        self._ramp = Ramp(settings.start_steps_per_s, settings.steps_per_s, settings.ramp_steps)
        self._invert = settings.invert
        self._endstop = _endstop_line(gpio, settings)
        self._endstop_hit_level = 1 if settings.endstop_normally_closed else 0
        self._position_steps = 0
        self._moving = threading.Lock()
        self._released = threading.Event()  # release() during a move ends it

    @abstractmethod
    def _energise(self) -> None:
        """Switch the current on, if it is off, and wait until the driver obeys."""

    @abstractmethod
    def _de_energise(self) -> None:
        """Switch the current off."""

    @abstractmethod
    def _face(self, direction: Direction) -> None:
        """Prepare to turn this way (the direction of the motor, `invert` applied)."""

    @abstractmethod
    def _step(self) -> None:
        """Turn by one step the way faced."""

    @property
    def position_steps(self) -> int:
        """Where the motor believes it is; grows from near to far."""
        return self._position_steps

    @property
    def at_endstop(self) -> bool | None:
        """True while the endstop is pressed or its wire is broken, None when there is none."""
        if self._endstop is None:
            return None
        line, hit = self._endstop, self._endstop_hit_level
        return all(line.read() == hit for _ in range(_ENDSTOP_READINGS))

    def move_by(self, steps: int, cancelled: Callable[[], bool] = lambda: False) -> int:
        """Move by a signed number of steps and return the steps really sent; see FocusMotor.

        After an error position_steps still counts every step that was sent.
        Raises EndstopError, MotorError when a move is under way, GpioError.
        """
        if not self._moving.acquire(blocking=False):
            raise MotorError(
                say(
                    "motor.moving",
                    "the focus motor is moving; a move by {steps} steps must wait for its end",
                    steps=steps,
                )
            )
        try:
            self._released.clear()
            return self._move(steps, cancelled) if steps else 0
        finally:
            self._moving.release()

    def set_position(self, steps: int) -> None:
        """Declare the present place to be this position, without moving."""
        self._position_steps = steps

    def release(self) -> None:
        """Take the holding current off; a move under way ends within a step. Safe to call twice.

        With microsteps the rotor then snaps to the nearest full step.
        """
        self._released.set()
        with self._moving:
            self._de_energise()

    def _move(self, steps: int, cancelled: Callable[[], bool]) -> int:
        direction: Direction = 1 if steps > 0 else -1
        hit = False

        def halted() -> bool:
            nonlocal hit
            hit = direction < 0 and self.at_endstop is True
            return hit or self._released.is_set() or cancelled()

        def step() -> None:
            self._step()
            self._position_steps += direction

        if direction > 0 or self.at_endstop is not True:
            self._energise()
            self._face(-direction if self._invert else direction)
        periods_ns = step_periods_ns(abs(steps), self._ramp)
        sent = direction * send_steps(step, periods_ns, halted)
        # The rotor must arrive before the current may go, or the next move may turn it back.
        time.sleep(1 / self._ramp.start_steps_per_s)
        if hit:
            raise EndstopError(
                say(
                    "endstop.closed_after",
                    "the endstop closed after {sent} of {steps} steps towards near: the drive is at its "
                    "near end, or the endstop's wire is broken",
                    sent=abs(sent),
                    steps=abs(steps),
                )
            )
        return sent


def _endstop_line(gpio: Gpio, settings: MotorSettings) -> InputLine | None:
    if not settings.endstop_pin:
        return None
    return gpio.input(settings.endstop_pin, "endstop of the focus motor", pull="up")
