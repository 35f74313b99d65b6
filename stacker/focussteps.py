"""How far the focus went from frame to frame, as the frames themselves show it: where some are missing, it jumps.

Far from its peak a focus measure changes more from one frame to the next than near it, and the more the farther apart
the two are. Whatever the drive counted, and whether it was a drive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stacker.focuspeaks import FocusPeaks

_SAMPLES = 30_000  # cells looked at: neighbours are alike, and these take 3 MB
_LEAST_SAMPLES = 12  # of a pair of frames, to tell anything about it


@dataclass(frozen=True)
class FocusSteps:
    """Of each frame and the next, in bracket order.

    steps: how far apart they are, in times of what is usual in this bracket, 1 at least. shares: how much of the
    detail that is in focus between two frames is so between these. width: of the focus peaks, standard deviation in
    usual steps.
    """

    steps: tuple[float, ...] = ()
    shares: tuple[float, ...] = ()
    width: float = 1.0


def focus_steps(peaks: FocusPeaks, noise: float, width: float) -> FocusSteps:
    """The steps between the frames of these peaks. noise: see FocusPeaks.noise; width: see FocusPeaks.width."""
    pairs = len(peaks.frames) - 1
    if pairs < 2:
        return FocusSteps()
    slot, best, before, after = peaks.clear(noise, _SAMPLES)
    down, up = best - before, best - after
    share = np.bincount(np.where(up < down, slot, slot - 1), minlength=pairs)[:pairs]
    change = _medians(np.concatenate([slot - 1, slot]), np.concatenate([down, up]), pairs)
    usual = float(np.nanmedian(change)) if not np.isnan(change).all() else 0.0
    steps = np.fmax(change / usual, 1.0) if usual > 0 else np.ones(pairs)
    return FocusSteps(
        tuple(steps.round(3).tolist()),
        tuple((share / max(share.sum(), 1)).round(4).tolist()),
        round(width, 3),
    )


def _medians(group: NDArray[np.int32], values: NDArray[np.float32], groups: int) -> NDArray[np.float64]:
    """The median of the values of each group, NaN for one that has too few."""
    order = np.argsort(group, kind="stable")
    parts = np.split(values[order], np.searchsorted(group[order], np.arange(1, groups)))
    return np.array([np.median(part) if part.size >= _LEAST_SAMPLES else np.nan for part in parts])
