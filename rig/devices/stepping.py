"""When each step of a move is due: a ramp as pure arithmetic, and the loop that keeps to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, sqrt

from rig.errors import MotorError
from rig.saying import say

# The kernel wakes a sleeper 50 to 100 µs late; the rest of the wait is spent watching the clock.
_WATCHED_NS = 150_000


@dataclass(frozen=True)
class Ramp:
    """Speed over a move: up from start to top at constant acceleration, level, and down again.

    Raises MotorError when a speed is not positive or start is above top.
    """

    start_steps_per_s: float = 200.0
    top_steps_per_s: float = 800.0
    steps: int = 30  # length of either slope

    def __post_init__(self) -> None:
        if not 0 < self.start_steps_per_s <= self.top_steps_per_s:
            raise MotorError(
                say(
                    "motor.ramp",
                    "a ramp from {start:g} to {top:g} steps per second is not possible: it must start "
                    "above 0 and not above its top speed",
                    start=self.start_steps_per_s,
                    top=self.top_steps_per_s,
                )
            )

    def speed(self, distance_steps: int) -> float:
        """Steps per second allowed this far from the nearer end of the move.

        v² = v0² + 2·a·s with a such that the top is reached after `steps`: a ramp of constant
        acceleration, so of constant torque.
        """
        if distance_steps >= self.steps:
            return self.top_steps_per_s
        share = distance_steps / self.steps
        start, top = self.start_steps_per_s**2, self.top_steps_per_s**2
        return sqrt(start + (top - start) * share)


def step_periods_ns(steps: int, ramp: Ramp) -> Iterator[int]:
    """The shortest time from each step to the one before it, in ns; `steps` values.

    The first is that of the start speed, the slope down mirrors the slope up, and none is shorter than
    the period of the top speed.
    """
    for index in range(steps):
        yield ceil(1e9 / ramp.speed(min(index, steps - 1 - index)))


def send_steps(
    step: Callable[[], None],
    periods_ns: Iterator[int],
    halted: Callable[[], bool] = lambda: False,
    now_ns: Callable[[], int] = time.monotonic_ns,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Call step once per period and return how often; halted is asked before every step.
    A period counts from the moment the step before was really made. After a stall (a busy core, the
    interpreter's lock) the train is late for good: a loop that caught up would send a burst, and a
    stepper loses every step it cannot follow.
    """
    sent = 0
    last_ns = None
    for period_ns in periods_ns:
        if last_ns is not None:
            _wait_until(last_ns + period_ns, now_ns, sleep)
        if halted():
            break
        step()
        last_ns = now_ns()
        sent += 1
    return sent


def _wait_until(due_ns: int, now_ns: Callable[[], int], sleep: Callable[[float], None]) -> None:
    rest_ns = due_ns - now_ns()
    if rest_ns > _WATCHED_NS:
        sleep((rest_ns - _WATCHED_NS) / 1e9)
    while now_ns() < due_ns:
        pass
