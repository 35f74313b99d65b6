"""No focus motor: the rig shoots where the lens is set by hand."""

from __future__ import annotations

from collections.abc import Callable

from rig.errors import MotorError
from rig.saying import say


class NoMotor:
    """Stands at position 0 and says what is missing when told to move."""

    name = "no focus motor"
    position_steps = 0
    at_endstop: bool | None = None

    def move_by(self, steps: int, cancelled: Callable[[], bool] = lambda: False) -> int:
        """Raises MotorError, unless there is no way to go."""
        if steps == 0:
            return 0
        raise MotorError(
            say(
                "motor.none",
                "the focus cannot be moved by {n} steps: no focus motor is set up; name its driver "
                'in motor.driver ("stepdir" or "uln2003")',
                n=steps,
            )
        )

    def set_position(self, steps: int) -> None:
        """Position 0 is the only one there is."""

    def release(self) -> None:
        """Nothing is energised."""
