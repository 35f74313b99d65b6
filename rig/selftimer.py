"""Shoot when a little time has passed. The rig counts, so the phone may be put down, locked or lost meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from rig.control import Control
from rig.devices.panel import Signal
from rig.errors import NotAllowedError
from rig.saying import say
from rig.status import Phase

LONGEST_S = 60
SLICES = 10  # of a second: how soon a cancel is felt


class SelfTimer:
    """The action of Workflow that shoots later. shoot: begins the bracket with that key, under the guard."""

    def __init__(self, control: Control, shoot: Callable[[str | None], None]) -> None:
        self._control = control
        self._shoot = shoot
        self._key: str | None = None  # of the countdown under way, or the last one

    def start(self, seconds: int, key: str | None) -> None:
        """See Workflow.start_timer."""
        control = self._control
        with control.guard:
            if control.state is Phase.COUNTDOWN and key is not None and key == self._key:
                return
            control.require("start_timer")
            if not 1 <= seconds <= LONGEST_S:
                raise NotAllowedError(
                    say(
                        "timer.out_of_range",
                        "a timer of {seconds} s cannot be set: 1 to {most} s",
                        seconds=seconds,
                        most=LONGEST_S,
                    )
                )
            self._key = key
            control.begin(Phase.COUNTDOWN, partial(self._count, seconds), timer_s=seconds)

    def _count(self, seconds: int) -> None:
        control = self._control
        for left in range(seconds, 0, -1):
            control.board.change(timer_s=left)
            control.machine.show(Signal.FRAME)  # the LED blinks with every second
            for _ in range(SLICES):
                if not control.stopping.is_set():
                    control.machine.devices.clock.sleep(1 / SLICES)
        with control.guard:
            control.rest(timer_s=None)
            if not control.stopping.is_set():
                self._shoot(self._key)
