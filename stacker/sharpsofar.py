"""What is sharp already of a bracket being shot, and how deep it lies: what a viewer tints the growing picture by."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.focusmap import certainty, emptiness, spilled
from stacker.focuspeaks import FocusPeaks

Plane = NDArray[Any]

_WIDEST = 256  # cells; a tint needs no more, and costs a hundredth of its frame's survey
_SPILL_CELLS = 3  # within which light is spilled
_AROUND_CELLS = 1.0  # standard deviation: a lone cell is no surface
_SURE = 0.25


def step_for(columns: int) -> int:
    """Every how many cells one is looked at."""
    return -(-columns // _WIDEST)


def sharp_so_far(peaks: FocusPeaks) -> Plane:
    """The slot of each place that is sharp already, with fractions; NaN elsewhere. (h, w) float32.

    A place that the newest frame shows sharpest may grow sharper yet: it is left out until a frame has shown it less
    sharp again.
    """
    noise = peaks.noise()
    place = peaks.position(noise)
    prominence = peaks.prominence(noise)
    sure = certainty(prominence)
    sure *= 1 - emptiness(place, prominence, len(peaks.frames))
    sure *= 1 - spilled(peaks.strength(noise), _SPILL_CELLS)
    sure[peaks.slot == len(peaks.frames) - 1] = 0
    weight = cv2.GaussianBlur(sure, (0, 0), _AROUND_CELLS)
    smooth = cv2.GaussianBlur(place * sure, (0, 0), _AROUND_CELLS) / np.maximum(weight, 1e-6)
    return np.where(weight > _SURE, smooth, np.float32(np.nan))


def as_grey(index: Plane, frames: int) -> NDArray[np.uint8]:
    """Indices of frames as 1, the first of so many, to 255, the last; 0 where there is none (NaN)."""
    place = np.clip(index / max(frames - 1, 1), 0, 1) * 254 + 1
    return np.asarray(np.rint(np.nan_to_num(place, nan=0)), np.uint8)
