"""One phone at a time commands the rig; the others watch, and may ask for control.

Stopping needs no control, and the rig's own button asks nobody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from rig.saying import say
from webui.errors import AskedAlreadyError, NotInControlError

LOST_S = 30.0  # a holder that was not heard for so long has gone
ANSWER_S = 10.0  # that a holder usually has to refuse


@dataclass(frozen=True)
class Viewer:
    """Somebody who looks: a paired phone, or a browser on the computer of a simulated rig."""

    id: str
    name: str


@dataclass(frozen=True)
class Control:
    """Who commands the rig, as one viewer is told."""

    holder: str | None  # name; None = free, the next command takes it
    mine: bool
    asking: str | None  # name of who asked for control
    asking_mine: bool
    left_s: float | None  # until control is handed over


class Lease:
    """Who holds control. Safe to call from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, answer_s: float = ANSWER_S) -> None:
        """clock: monotonic, s. answer_s: for the holder to refuse; silence hands over."""
        self._clock, self._answer_s = clock, answer_s
        self._lock = threading.Lock()
        self._holder: Viewer | None = None
        self._asker: Viewer | None = None
        self._heard_at = 0.0  # the holder
        self._hand_over_at = 0.0

    def see(self, viewer: Viewer | None) -> Control:
        """Who holds control; an open page of the holder keeps it by calling this."""
        with self._lock:
            self._settle()
            if viewer is not None and viewer == self._holder:
                self._heard_at = self._clock()
            return self._as_told(viewer)

    def command(self, viewer: Viewer) -> None:
        """Before each command: whoever commands a rig that nobody holds takes it.

        Raises NotInControlError when somebody else holds it.
        """
        with self._lock:
            self._settle()
            if self._holder is not None and self._holder.id != viewer.id:
                raise NotInControlError(
                    say("control.held", "{name} is in control of the rig.", name=self._holder.name)
                )
            self._take(viewer)

    def ask(self, viewer: Viewer) -> None:
        """Take a free rig at once, else ask its holder. Raises AskedAlreadyError: one at a time."""
        with self._lock:
            self._settle()
            if self._holder is None or self._holder.id == viewer.id:
                self._take(viewer)
            elif self._asker is None:
                self._asker, self._hand_over_at = viewer, self._clock() + self._answer_s
            elif self._asker.id != viewer.id:
                raise AskedAlreadyError(
                    say(
                        "control.asked_already",
                        "{name} has asked for control already.",
                        name=self._asker.name,
                    )
                )

    def keep(self, viewer: Viewer) -> None:
        """The holder refuses who asked. Raises NotInControlError."""
        with self._lock:
            self._settle()
            self._must_hold(viewer)
            self._asker = None

    def release(self, viewer: Viewer) -> None:
        """The holder gives control up, to who asked or to nobody. Raises NotInControlError."""
        with self._lock:
            self._settle()
            self._must_hold(viewer)
            self._hand_over()

    def forget(self, viewer_id: str) -> None:
        """A phone that is paired no more holds nothing and asks for nothing."""
        with self._lock:
            if self._asker is not None and self._asker.id == viewer_id:
                self._asker = None
            if self._holder is not None and self._holder.id == viewer_id:
                self._hand_over()

    def free(self) -> None:
        """Nobody holds control, nobody asks; for who stands at the rig."""
        with self._lock:
            self._holder = self._asker = None

    # --- under the lock ---------------------------------------------------------------------------
    def _settle(self) -> None:
        """Let pass what time has decided."""
        now = self._clock()
        if self._asker is not None and now >= self._hand_over_at:
            self._hand_over()
        if self._holder is not None and now - self._heard_at > LOST_S:
            self._hand_over()

    def _hand_over(self) -> None:
        self._holder, self._asker = self._asker, None
        self._heard_at = self._clock()

    def _take(self, viewer: Viewer) -> None:
        self._holder, self._heard_at = viewer, self._clock()

    def _must_hold(self, viewer: Viewer) -> None:
        if self._holder is None or self._holder.id != viewer.id:
            raise NotInControlError(say("control.not_mine", "This phone is not in control of the rig."))

    def _as_told(self, viewer: Viewer | None) -> Control:
        me = viewer.id if viewer is not None else None
        holder, asker = self._holder, self._asker
        return Control(
            holder=holder.name if holder else None,
            mine=holder is not None and holder.id == me,
            asking=asker.name if asker else None,
            asking_mine=asker is not None and asker.id == me,
            left_s=round(max(0.0, self._hand_over_at - self._clock()), 1) if asker else None,
        )
