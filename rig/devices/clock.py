"""Time as an argument: the wall's, an accelerated one, and one that only moves when asked to."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock that can be waited on."""

    def monotonic_ns(self) -> int:
        """Nanoseconds since some fixed moment; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Let that much of *this* clock's time pass. Negative and zero return at once."""


class RealClock:
    """The computer's monotonic clock, or one running speed times as fast for a demonstration."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"clock speed {speed} is not greater than 0")
        self.speed = speed
        self._origin_ns = time.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds; at speed 1 exactly time.monotonic_ns(), so that other real clocks compare."""
        now = time.monotonic_ns()
        return now if self.speed == 1.0 else self._origin_ns + int((now - self._origin_ns) * self.speed)

    def sleep(self, seconds: float) -> None:
        """Sleep seconds / speed of wall time."""
        if seconds > 0:
            time.sleep(seconds / self.speed)


class SimClock:
    """A clock for tests: sleeping moves it on at once, nothing else does."""

    def __init__(self, start_ns: int = 1_000_000_000) -> None:
        self._now_ns = start_ns
        self._guard = threading.Lock()

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start."""
        with self._guard:
            return self._now_ns

    def sleep(self, seconds: float) -> None:
        """Move the clock on and return at once."""
        if seconds > 0:
            with self._guard:
                self._now_ns += round(seconds * 1e9)
