"""The contract of a flash that the rig triggers: a xenon flash, or LEDs lit for an instant."""

from __future__ import annotations

from typing import Protocol


class Flash(Protocol):
    """Fired once a frame, while every row of the sensor is open. Whether it gave light only the frame shows."""

    def fire(self, at_ns: int, until_ns: int) -> int | None:
        """Begin the trigger pulse at this moment, and return when it is over: the moment at which it began.

        Both on the camera's monotonic clock. A busy computer may be late: later than until_ns it does not fire, and
        says None. Raises GpioError.
        """
