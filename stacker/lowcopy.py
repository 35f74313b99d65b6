"""A low copy made ready for registration: band-passed, at several sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.errors import FrameShapeError
from stacker.light import light_of

Plane = NDArray[Any]  # (h, w) float32

_SMALLEST_SIDE_PX = 30  # of the coarsest level: three tiles across still tell a scale from a shift


@dataclass(frozen=True)
class LowCopy:
    """bands[level]: (h, w) float32, one copy of a frame, level 0 the largest, each half the one before.

    Pixel (x, y) of level n + 1 lies on pixel (2x, 2y) of level n, as cv2.pyrDown has it.
    A band holds two octaves of detail around zero; brightness and slow shading are gone. Light, white = 255.
    """

    bands: tuple[Plane, ...]
    noise: float  # standard deviation of band 0 where the picture is plainest

    def without_finest(self) -> LowCopy:
        """The same without level 0, of which only the size is left: a quarter of the memory."""
        nothing = np.broadcast_to(np.float32(0), self.bands[0].shape)
        return LowCopy((nothing, *self.bands[1:]), self.noise)

    def noise_at(self, level: int) -> float:
        """The same at another level: every halving averages four pixels, so noise falls to half."""
        return self.noise * 0.5**level

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of level 0."""
        height, width = self.bands[0].shape
        return height, width


def prepare(low: NDArray[Any]) -> LowCopy:
    """Band-pass a low copy at every size down to about 30 px: (h, w, 3) BGR or (h, w), any usual depth.

    Light, not code values: defocus spreads light evenly to both sides of an edge, but coded, the blurred edge
    lies further on the dark side and looks like growth (measured: 2 to 4 times the error of this way).
    """
    smooth = [light_of(_gray(low))]
    while min(smooth[-1].shape) >= 2 * _SMALLEST_SIDE_PX:
        smooth.append(np.asarray(cv2.pyrDown(smooth[-1]), np.float32))
    # two more sizes, only to take the slow part away from the last ones
    beyond = [*smooth, cv2.pyrDown(smooth[-1])]
    beyond.append(cv2.pyrDown(beyond[-1]))
    bands = tuple(_band(beyond[n], beyond[n + 1], beyond[n + 2]) for n in range(len(smooth)))
    return LowCopy(bands, _noise(bands[0]))


def _gray(low: NDArray[Any]) -> NDArray[Any]:
    if low.ndim not in (2, 3) or (low.ndim == 3 and low.shape[2] != 3):
        raise FrameShapeError(f"a low copy of shape {low.shape} is neither (h, w) nor (h, w, 3)")
    if low.ndim == 2:
        return low
    return cv2.cvtColor(low.astype(np.float32) if low.dtype == np.float64 else low, cv2.COLOR_BGR2GRAY)


def _noise(band: Plane) -> float:
    """Standard deviation of the plainest tenth of the picture, well below that of its most detailed parts.

    Else a picture that is full of detail everywhere would be taken for noise.
    """
    side = min(32, max(min(band.shape) // 8, 1))
    columns, rows = band.shape[1] // side, band.shape[0] // side
    power = cv2.resize(cv2.multiply(band, band), (columns, rows), interpolation=cv2.INTER_AREA)
    plainest, most_detailed = np.sqrt(np.percentile(power, (10, 95)))
    return float(min(plainest, 0.18 * most_detailed))


def _band(level: Plane, half: Plane, quarter: Plane) -> Plane:
    slow = cv2.pyrUp(quarter, dstsize=half.shape[::-1])
    slow = cv2.pyrUp(slow, dstsize=level.shape[::-1])
    return np.asarray(cv2.subtract(cv2.GaussianBlur(level, (3, 3), 0), slow, dst=slow))
