"""One figure for how much of a subject's detail a stack holds, from what is known when it is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from stacker.focussteps import FocusSteps
from stacker.report import Coverage, FrameReport, Quality

# What is sharpest in the first or the last frame may have been sharper beyond it, or not: nobody has looked.
_UNSEEN = 0.5
_FINEST_PX = 4.0  # period of the finest detail, whose contrast an alignment that is a little off costs first


def quality(
    frames: Sequence[FrameReport], fitting: Sequence[int], steps: FocusSteps, coverage: Coverage
) -> Quality | None:
    """Of a stack of these frames; None where too few frames or too little detail tell nothing.

    fitting: indices of the frames that the steps lie between, of which some may have been left out since.
    """
    used = [frame for frame in frames if frame.used]
    if coverage.verdict == "unknown" or not steps.steps:
        return None
    ends = 1 - _UNSEEN * min(coverage.first_share + coverage.last_share, 1)
    between = sum(
        share * kept_between(step / steps.width) for step, share in _over_gaps(frames, fitting, steps)
    )
    aligned = sum(kept_aligned(frame.error_px or 0.0) for frame in used) / len(used)
    return Quality(*(round(value, 3) for value in (ends * between * aligned, ends, between, aligned)))


def kept_between(step: float) -> float:
    """Share of the finest detail's energy that is kept where frames are so far apart, on average, 0..1.

    step: in standard deviations of a focus peak taken for a Gaussian. What lies between two frames is at most half a
    step from the nearer one.
    """
    half = step / 2
    return math.sqrt(math.pi / 2) * math.erf(half / math.sqrt(2)) / half if half > 0 else 1.0


def kept_aligned(error_px: float) -> float:
    """Contrast that the finest detail keeps in the mean of frames that are off by so much (rms), 0..1."""
    return math.exp(-((2 * math.pi * error_px / _FINEST_PX) ** 2) / 2)


def _over_gaps(
    frames: Sequence[FrameReport], fitting: Sequence[int], steps: FocusSteps
) -> list[tuple[float, float]]:
    """Step and share between each frame that was used and the next such; frames left out between them lengthen it."""
    found, step, share = [], 0.0, 0.0
    for (before, after), one, detail in zip(pairwise(fitting), steps.steps, steps.shares, strict=True):
        step, share = step + max(one, after - before), share + detail
        if frames[after].used or after == fitting[-1]:
            found.append((step, share))
            step = share = 0.0
    return found
