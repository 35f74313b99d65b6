"""Whether the rig still answers: its decisions can be taken, and what it is doing gets on."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig.control import Control
from rig.status import Phase

GUARD_S = 10.0  # decisions take milliseconds; writing to a slow card meanwhile, a second
STUCK_S = 900.0  # an exposure of a minute shot twice, the lock and a slow drive are all far below
# Where something must be getting on. Paused and counting down it waits for people and the clock.
BUSY = {Phase.BOOT, Phase.HOMING, Phase.MOVING, Phase.FOCUSING, Phase.CAPTURING}


class Liveness:
    """Looks at the rig from outside, now and then."""

    def __init__(self, control: Control, clock: Callable[[], float] = time.monotonic) -> None:
        self._control = control
        self._clock = clock
        self._seen: object = None
        self._since_s = clock()

    def is_alive(self, guard_s: float = GUARD_S) -> bool:
        """False where a decision could not be taken for so long, the rig's thread is gone, or its work stands."""
        control = self._control
        if not control.guard.acquire(timeout=guard_s):
            return False
        try:
            status, alive = control.board.now(), control.jobs.is_alive
            position = control.machine.focus(None, None).position_steps
        finally:
            control.guard.release()
        now_s = self._clock()
        seen = status.state, status.bracket, position
        if seen != self._seen or status.state not in BUSY:
            self._seen, self._since_s = seen, now_s
        return alive and now_s - self._since_s < STUCK_S
