"""A low copy made ready for registration: band-passed, at several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.errors import FrameShapeError

Plane = NDArray[Any]  # (h, w) float32

_SMALLEST_SIDE_PX = 30  # of the coarsest level: three tiles across still tell a scale from a shift


@dataclass(frozen=True)
class LowCopy:
    """bands[level]: (h, w) float32, one copy of a frame, level 0 the largest, each half the one before.

    Pixel (x, y) of level n + 1 lies on pixel (2x, 2y) of level n, as cv2.pyrDown has it.
    A band holds two octaves of detail around zero; brightness and slow shading are gone. Unit: levels of 255.
    """

    bands: tuple[Plane, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of level 0."""
        height, width = self.bands[0].shape
        return height, width


def luma_of(low: NDArray[Any]) -> Plane:
    """(h, w) float32 brightness, 0..255 for integers, of a (h, w) or (h, w, 3) BGR array of any usual depth."""
    if low.ndim not in (2, 3) or (low.ndim == 3 and low.shape[2] != 3):
        raise FrameShapeError(f"a low copy of shape {low.shape} is neither (h, w) nor (h, w, 3)")
    if low.dtype == np.float64:
        low = low.astype(np.float32)
    gray = low if low.ndim == 2 else cv2.cvtColor(low, cv2.COLOR_BGR2GRAY)
    factor = {np.dtype(np.uint8): 1.0, np.dtype(np.uint16): 1 / 257.0}.get(low.dtype, 255.0)
    return np.asarray(np.multiply(gray, np.float32(factor), dtype=np.float32))


def prepare(low: NDArray[Any]) -> LowCopy:
    """Band-pass a low copy at every size down to about 30 px. Any usual depth; see `luma_of`."""
    smooth = [luma_of(low)]
    while min(smooth[-1].shape) >= 2 * _SMALLEST_SIDE_PX:
        smooth.append(cv2.pyrDown(smooth[-1]))
    # two more sizes only to take the slow part away from the last ones
    beyond = [*smooth, cv2.pyrDown(smooth[-1])]
    beyond.append(cv2.pyrDown(beyond[-1]))
    return LowCopy(tuple(_band(beyond[n], beyond[n + 1], beyond[n + 2]) for n in range(len(smooth))))


def _band(level: Plane, half: Plane, quarter: Plane) -> Plane:
    slow = cv2.pyrUp(quarter, dstsize=half.shape[::-1])
    slow = cv2.pyrUp(slow, dstsize=level.shape[::-1])
    return np.asarray(cv2.subtract(cv2.GaussianBlur(level, (3, 3), 0), slow))
