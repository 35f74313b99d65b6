"""Did the bracket reach far enough? Read from where the sharpest frames lie."""

from __future__ import annotations

import numpy as np

from stacker.focusmap import FocusMap
from stacker.report import Coverage

# A bracket that ends in front of its subject leaves whole regions sharpest in an end frame; one that just reaches
# it leaves a few cells there.
_CUT_SHARE = 0.08
_CERTAIN = 0.5


def coverage(focus: FocusMap, frames: int) -> Coverage:
    """The verdict on a bracket of that many frames."""
    sure = focus.depth[focus.confidence > _CERTAIN]
    if frames < 3:
        return Coverage("unknown", 0.0, 0.0, "it takes three frames to tell whether the ends are cut off")
    if sure.size < 100:
        return Coverage("unknown", 0.0, 0.0, "too little of the picture is sharp in any frame to tell")
    first = float(np.mean(sure < 0.25))
    last = float(np.mean(sure > frames - 1.25))
    near, far = first > _CUT_SHARE, last > _CUT_SHARE
    if near and far:
        sentence = "both ends are cut off: the subject goes on before the first frame and behind the last"
        return Coverage("both_cut", first, last, sentence)
    if near:
        sentence = f"{first:.0%} of the detail is sharpest in the first frame: it may go on before it"
        return Coverage("near_cut", first, last, sentence)
    if far:
        sentence = f"{last:.0%} of the detail is sharpest in the last frame: it may go on behind it"
        return Coverage("far_cut", first, last, sentence)
    return Coverage(
        "covered", first, last, "everything with detail is sharp in a frame between the first and the last"
    )
