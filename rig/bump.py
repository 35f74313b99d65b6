"""Pure: frames that were bumped or blurred, as they show beside their neighbours, however settling is done."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Luma = npt.NDArray[np.uint8]

REDUCED = 8  # pixels of a frame for one of the luma that comes with it
LEAST_PX = 1.5  # of the luma; real brackets wander by less than one from frame to frame
FIRST_PX = 2.0  # as long as it is not known how much they wander
USUAL_SHIFTS = 3  # from which on it is
TIMES = 5.0  # the usual wandering
SURE = 0.2  # height of the correlation's peak; neighbours give 0.8 and more, different scenes less than 0.1
COARSE_PX = 48  # on which the light is told from the detail, along the shorter side
LEAST_SIDE_PX = 24  # of the luma, for a correlation to mean anything
# Of the logarithm of the JPEG's size: a smear of three pixels costs 0.05 to 0.35 of it, and shows in nothing else that
# a frame brings along. On real brackets it bends by less than 0.06, seldom by 0.1; in each by about as much everywhere.
DIP = 0.1
LEAST_DIP = 0.03
USUAL_BENDS = 2  # from which on it is known how much it bends
BETTER = 0.03  # of it, that a frame shot again has to be larger by


class Framing:
    """Where the picture lies from frame to frame of one bracket."""

    def __init__(self, reach_steps: float) -> None:
        """reach_steps: frames further apart are not compared, for too little is sharp in both."""
        self._reach_steps = reach_steps
        self._last: tuple[Luma, int] | None = None
        self._shifts: list[tuple[float, float]] = []  # from each frame kept to the next

    def off_px(self, luma: Luma, position_steps: int) -> tuple[float, float] | None:
        """How far a frame lies from where it should, in pixels of the frame; None where that is next to nothing."""
        shift = self._shift(luma, position_steps)
        if shift is None:
            return None
        usual = np.median(self._shifts, axis=0) if self._shifts else np.zeros(2)
        off = np.asarray(shift) - usual
        if self._shifts and math.dist(off, usual - self._shifts[-1]) < LEAST_PX / 2:
            return None  # back from where the frame before lay
        wander = [math.dist(one, usual) for one in self._shifts]
        known = len(wander) >= USUAL_SHIFTS
        limit = max(LEAST_PX, TIMES * float(np.median(wander))) if known else FIRST_PX
        return (float(off[0]) * REDUCED, float(off[1]) * REDUCED) if math.hypot(*off) > limit else None

    def keep(self, luma: Luma, position_steps: int, moved: bool = False) -> None:
        """Compare the next frame with this one. moved: the whole rig has, so how far says nothing."""
        shift = None if moved else self._shift(luma, position_steps)
        if shift is not None:
            self._shifts.append(shift)
        self._last = luma, position_steps

    def _shift(self, luma: Luma, position_steps: int) -> tuple[float, float] | None:
        if self._last is None or abs(position_steps - self._last[1]) > self._reach_steps:
            return None
        return shift_px(self._last[0], luma)


def shift_px(before: Luma, now: Luma) -> tuple[float, float] | None:
    """How far the picture moved, x and y in px of these (h, w) uint8; None where that is not sure."""
    if before.shape != now.shape or min(now.shape) < LEAST_SIDE_PX:
        return None
    a, b = (_flattened(one) for one in (before, now))
    window = cv2.createHanningWindow(a.shape[::-1], cv2.CV_32F)
    (x, y), peak = cv2.phaseCorrelate(a, b, window)
    return (float(x), float(y)) if peak >= SURE else None


def _flattened(luma: Luma) -> npt.NDArray[np.float32]:
    """Detail alone: neither the light nor its falloff moves with the subject."""
    gray = luma.astype(np.float32)
    height, width = gray.shape
    shrink = max(min(height, width) // COARSE_PX, 1)  # at full size so wide a blur costs ten times the rest
    coarse = cv2.resize(gray, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA)
    light = cv2.GaussianBlur(coarse, (0, 0), max(coarse.shape) / 16)
    return np.asarray(gray - cv2.resize(light, (width, height)), np.float32)


def is_dip(bend: float, before: Sequence[float]) -> bool:
    """Whether a frame has less detail than those around it let expect: it was blurred. before: the bends so far."""
    usual = float(np.median(np.abs(before))) if len(before) >= USUAL_BENDS else math.inf
    return bend < -min(max(TIMES * usual, LEAST_DIP), DIP)


def bend(sizes: Sequence[int], positions_steps: Sequence[int]) -> float:
    """How much the middle one of three frames has more detail than the way from the one to the other lets expect.

    sizes: of their JPEGs, in bytes. Over the focus the detail goes up and down, but hardly within a step.
    """
    before, here, after = (math.log(max(size, 1)) for size in sizes)
    share = (positions_steps[1] - positions_steps[0]) / max(positions_steps[2] - positions_steps[0], 1)
    return here - (1 - share) * before - share * after


def is_better(size: int, before: int) -> bool:
    """Whether a frame shot again has clearly more detail, by the sizes of the JPEGs."""
    return math.log(max(size, 1)) > math.log(max(before, 1)) + BETTER
