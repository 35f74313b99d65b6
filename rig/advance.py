"""Pure: how far the focus really went from frame to frame, as the frames show it, whatever the drive counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Curves = npt.NDArray[np.float64]

SAME = 0.3  # of the usual change: only noise; a stuck drive shows 0.03 to 0.2, a moving one more than 0.5
# Times the changes before and after; a step left out shows 1.6 to 3.7, an even drive less than 1.3.
JUMP = 1.5
# Usual change of the logarithm from frame to frame: 0.11 to 0.6 on real brackets, 0.03 on pictures so small that
# a focus step hardly shows, where other things (a fraction of a pixel, noise) change as much as a step left out.
TELLING = 0.05
IN_SIGHT = 0.005  # of a tile's sharpest: far from its focus a tile tells nothing
LEAST_TILES = 12  # to believe them
LEAST_FRAMES = 6  # for there to be something usual


def repeats(curves: Curves, distances: Sequence[float]) -> list[tuple[int, int]]:
    """Runs of frames that show one and the same focus: places of the first and the last frame of each.

    curves: (frames, tiles) > 0, sharpness. distances: (frames - 1,) from each frame to the next, in focus
    steps. Steps lost by a drive that is stuck for a moment, or from then on.
    """
    if len(curves) < LEAST_FRAMES:
        return []
    change = np.array([_change(curves, at, at + 1, distances)[0][0] for at in range(len(distances))])
    straddled = [_is_straddled(curves, at) for at in range(len(distances))]
    if np.isnan(change).all():
        return []
    runs: list[tuple[int, int]] = []
    for at in np.flatnonzero((change < SAME * np.nanmedian(change)) & ~np.array(straddled)):
        if runs and runs[-1][1] == at:
            runs[-1] = (runs[-1][0], int(at) + 1)
        else:
            runs.append((int(at), int(at) + 1))
    return runs


def jumps(curves: Curves, distances: Sequence[float]) -> list[int]:
    """Places of frames after which the focus went much farther than it was meant to.

    curves, distances: as for repeats. Only between frames that have others on both sides to compare with, and
    where a focus step shows at all.
    """
    if len(curves) < LEAST_FRAMES:
        return []
    found: list[int] = []
    for at in range(1, len(distances) - 1):
        # the way before, the one in question and the one after, of the same tiles
        root, middle = _change(curves, at - 1, at + 2, distances)
        times = min(float(one[1] / max(one[0], one[2], 1e-12)) for one in (root, middle))
        if times > JUMP and max(root[0], root[2]) > TELLING:
            found.append(at)
    return found


def _is_straddled(curves: Curves, at: int) -> bool:
    """Whether most of what is in sight is sharpest in this frame or the next: a flat subject between them."""
    clear = _in_sight(curves, at, at + 1)
    return bool(np.isin(curves[:, clear].argmax(axis=0), (at, at + 1)).mean() > 0.5) if clear.any() else False


def _in_sight(curves: Curves, first: int, last: int) -> npt.NDArray[np.bool_]:
    """Tiles that tell something in all of these frames."""
    return np.asarray(curves[first : last + 1].min(axis=0) > IN_SIGHT * curves.max(axis=0))


def _change(curves: Curves, first: int, last: int, distances: Sequence[float]) -> tuple[Curves, Curves]:
    """Of the tiles' log sharpness between neighbouring frames from first to last, a focus step's worth.

    Root mean square, and median, which a few tiles with something peculiar do not sway; (last - first,) each.
    Of the tiles that are in sight in all of these frames; NaN where these are too few to believe.
    """
    part, clear = curves[first : last + 1], _in_sight(curves, first, last)
    if np.count_nonzero(clear) < LEAST_TILES:
        nothing = np.full(last - first, np.nan)
        return nothing, nothing
    ways = np.maximum(np.asarray(distances[first:last], np.float64), 1e-9)
    apart = np.abs(np.diff(np.log(part[:, clear]), axis=0)) / ways[:, np.newaxis]
    return np.sqrt(np.mean(apart**2, axis=1)), np.median(apart, axis=1)
