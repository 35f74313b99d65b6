"""Pure: frames that look as if the drive had not moved between them, although it was told to.

A motor that is unplugged, or held by something, takes its steps as if nothing were wrong. Only the frames show it;
they raise the suspicion here, and rig.moveproof makes sure before anybody is alarmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from rig.coverage import SharpFrame

Figures = npt.NDArray[np.float64]

# Depths of field: over so many a moving drive changes the frames by more than ALIKE, or nearly.
TELLING_DEPTHS = 3.0
ALIKE = 0.04  # change of the tiles' log sharpness; a drive that stands shows 0.003 to 0.02
SAME = 0.3  # of the usual change from frame to frame: as in rig.advance
LOOK_BACK = 20  # frames that tell what is usual
USUAL_FRAMES = 4  # changes from frame to frame that make a usual one
NOISE_TIMES, LEAST_NOISE = 2.5, 0.003  # of that change, from noise alone
IN_SIGHT = 0.02  # of the sharpest tiles
LEAST_TILES = 6


class Standstill:
    """Looks back from each frame of a bracket over those that show the same focus."""

    def __init__(self, depth_of_field_steps: float) -> None:
        self._far_steps = TELLING_DEPTHS * depth_of_field_steps
        self._alike = ALIKE

    def since(self, frames: Sequence[SharpFrame], last: bool) -> int | None:
        """Place of the first of the newest frames that are suspected to show one focus; None: no suspicion.

        frames: as shot, from near to far. last: no frame follows, so less has to do.
        """
        if len(frames) < 2:
            return None
        first = self._first_alike(frames)
        way = frames[-1].position_steps - frames[first].position_steps
        if way >= self._far_steps or (last and first == 0):  # all of a short bracket
            return first
        return first if self._is_unusual(frames, last) else None

    def clear(self, frames: Sequence[SharpFrame]) -> None:
        """The drive was seen to move all the same: what the last frames differ by is no sign of anything."""
        first = self._first_alike(frames)
        seen = [change(frames[place], frames[-1]) or 0.0 for place in range(first, len(frames) - 1)]
        self._alike = min(self._alike, max(seen, default=0.0)) / 2

    @staticmethod
    def narrowed(frames: Sequence[SharpFrame], since: int) -> int:
        """Place of the first frame of the standstill, once it is sure that the drive stood by the last one.

        What the frames shot while it stood differ by is noise; those before it differ by more.
        """
        apart = [change(frame, frames[-1]) or 0.0 for frame in frames[since:-1]]
        noise = NOISE_TIMES * min(apart, default=0.0) + LEAST_NOISE
        moved = [place for place, one in enumerate(apart, since) if one > noise]
        return max(moved, default=since - 1) + 1

    def _first_alike(self, frames: Sequence[SharpFrame]) -> int:
        first = len(frames) - 1
        while first > 0:
            found = change(frames[first - 1], frames[-1])
            if found is None or found >= self._alike:
                break
            first -= 1
        return first

    def _is_unusual(self, frames: Sequence[SharpFrame], last: bool) -> bool:
        """Whether the last frames differ far less from each other than all those before did."""
        changes = [change(a, b) for a, b in pairwise(frames[-LOOK_BACK:])]
        newest, before = (changes[-1:], changes[:-1]) if last else (changes[-2:], changes[:-2])
        known = [one for one in before if one is not None]
        if len(known) < USUAL_FRAMES:
            return False
        least = min(SAME * float(np.median(known)), self._alike)
        return all(one is not None and one < least for one in newest)


def change(before: SharpFrame, now: SharpFrame) -> float | None:
    """How much the tiles' sharpness differs between two frames: the median of the logarithm of their ratio.

    None where too few tiles show anything.
    """
    a, b = (np.ravel(np.asarray(one.tile_sharpness, np.float64)) for one in (before, now))
    least = IN_SIGHT * float(np.quantile(np.maximum(a, b), 0.98))
    clear = (np.minimum(a, b) > least) & (least > 0)
    if np.count_nonzero(clear) < LEAST_TILES:
        return None
    return float(np.median(np.abs(np.log(b[clear] / a[clear]))))
