"""The one place the status lives: changed by the threads that work, waited for by those who look."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rig.status import Status

# While something moves, its position is looked at so often, and only while somebody waits for news.
LOOK_AGAIN_S = 0.2


class StatusBoard:
    """Holds the present snapshot; every change that makes a difference gives it a new rev."""

    def __init__(
        self,
        first: Status,
        allowed: Callable[[Status], tuple[str, ...]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """first: the snapshot to begin with. allowed: the actions that a snapshot permits."""
        self._allowed = allowed
        self._clock = clock
        self._changed = threading.Condition(threading.RLock())
        self._status = replace(first, rev=max(1, first.rev), allowed=allowed(first))
        self._since = clock()

    def now(self) -> Status:
        """The present snapshot."""
        with self._changed:
            return replace(self._status, since_s=round(self._clock() - self._since, 1))

    def change(self, **values: Any) -> Status:
        """Replace some of the snapshot's fields; the new snapshot."""
        with self._changed:
            status = replace(self._status, **values)
            status = replace(status, allowed=self._allowed(status))
            if status != self._status:
                if status.state is not self._status.state:
                    self._since = self._clock()
                self._status = replace(status, rev=self._status.rev + 1)
                self._changed.notify_all()
            return self.now()

    def wait(self, after_rev: int, timeout_s: float, look: Callable[[], None]) -> Status:
        """The first snapshot with rev > after_rev, or the present one at the time limit.

        look: called now and then meanwhile, to change what changes by itself (a position on its way).
        A rev that was never given out (from before a restart) counts as 0.
        """
        deadline = self._clock() + timeout_s
        while True:
            with self._changed:
                if after_rev > self._status.rev:
                    after_rev = 0
                left_s = deadline - self._clock()
                if self._status.rev > after_rev or left_s <= 0:
                    return self.now()
                self._changed.wait(min(left_s, LOOK_AGAIN_S))
            look()
