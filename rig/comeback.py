"""Back to work by itself, once the GPIO lines that somebody else had are free: without them no button asks for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from rig.control import Control
from rig.ending import end_within
from rig.status import Phase

EVERY_S = 5.0  # the lines are looked at
END_WITHIN_S = 5.0


class Comeback:
    """Waits for lines after a fault that they caused. again: starts the devices anew, under the guard."""

    def __init__(self, control: Control, again: Callable[[], None]) -> None:
        self._control, self._again = control, again
        self._wanted, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look at the lines now and then from here on, until they are free or the fault is gone."""
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="comeback", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """End. Safe to call twice."""
        self._over.set()
        self._wanted.set()
        if self._thread is not None:
            end_within(self._thread, END_WITHIN_S)

    def _run(self) -> None:
        while not self._over.is_set() and self._wanted.wait() and not self._over.wait(EVERY_S):
            with self._control.guard:
                self._look()  # may take back what close() has just set: so _over is asked first

    def _look(self) -> None:
        status = self._control.board.now()
        if status.state is Phase.FAULT and status.fault is not None and status.fault.device == "gpio":
            if self._control.machine.lines_are_free():
                self._wanted.clear()
                self._again()
        elif status.state not in (Phase.BOOT, Phase.HOMING):  # where the fault is not shown yet
            self._wanted.clear()
