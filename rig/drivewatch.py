"""Whether the drive does what it counts, watched from frame to frame of a bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from rig.capturereport import FrameFacts
from rig.config import Settings
from rig.errors import MotorStillError
from rig.focuser import Focuser
from rig.freshpreview import PreviewSource
from rig.lens import depth_of_field_um
from rig.moveproof import moves
from rig.saying import say
from rig.standstill import Standstill

MOST_PROOFS = 3  # that it moves, in one bracket: each costs seconds


class DriveWatch:
    """Suspects a standstill by the frames, and makes sure by moving before it says so."""

    def __init__(
        self,
        camera: PreviewSource,
        focuser: Focuser,
        settings: Settings,
        settle: Callable[[], object],
        lit: Callable[[], AbstractContextManager[object]],
        cancelled: Callable[[], bool],
    ) -> None:
        """camera: at the exposure locked. settle: waits after a move. lit: light while previews are looked at."""
        self._camera, self._focuser, self._settings = camera, focuser, settings
        self._settle, self._lit, self._cancelled = settle, lit, cancelled
        self._proofs_left = MOST_PROOFS
        depth_um = depth_of_field_um(settings.optics)
        self._frames = Standstill(depth_um * settings.motor.steps_per_um)

    def check(self, frames: Sequence[FrameFacts], last: bool) -> None:
        """After each frame; the focus may be elsewhere afterwards. last: no frame follows.

        frames: those of this bracket so far. Raises MotorStillError where those alike are of a drive that stands;
        the count is put back then to where that was.
        """
        since = self._frames.since(frames, last) if self._proofs_left else None
        if since is None:
            return
        self._proofs_left -= 1
        here = self._focuser.position_steps
        with self._lit():
            found = moves(self._camera, self._focuser, self._settings, self._settle, self._cancelled)
        if found is None:
            self._proofs_left = 0  # there is too little to see: nor will there be
        if found is not False:
            self._frames.clear(frames)
            return
        first = frames[self._frames.narrowed(frames, since)]
        sent = abs(self._focuser.position_steps - here)
        self._focuser.correct(first.position_steps)
        raise MotorStillError(
            say(
                "motor.still",
                "the focus motor does not move: its steps were sent, but frames {first} to {last} show the same "
                "focus, and so does the picture {sent} steps further; check its plug and its supply, and what may "
                "hold it (or its steps are far smaller than motor.steps_per_um says)",
                first=first.index + 1,
                last=frames[-1].index + 1,
                sent=sent,
            ),
            first.index,
        )
