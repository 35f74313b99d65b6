"""The contract of a focus motor: steps, from near to far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class FocusMotor(Protocol):
    """Moves the focus in whole steps. Knows nothing of limits, backlash or µm: see rig.focuser."""

    name: str

    @property
    def position_steps(self) -> int:
        """Where the motor believes it is; grows from near to far."""

    @property
    def at_endstop(self) -> bool | None:
        """True while the endstop is pressed, None when there is none."""

    def move_by(self, steps: int, cancelled: Callable[[], bool] = lambda: False) -> int:
        """Move by a signed number of steps; returns the steps really sent.

        Blocks until at rest. cancelled is asked between steps: the motor stops within one.
        Raises MotorError, and EndstopError when the endstop closes on the way towards near.
        """

    def set_position(self, steps: int) -> None:
        """Declare the present place to be this position, without moving.

        Where nothing can move there is no other position than 0.
        """

    def release(self) -> None:
        """Take the holding current off. Safe to call twice and on every exit path."""
