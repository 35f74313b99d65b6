"""Light and code values: the sRGB curve, so that what optics does to light is computed on light."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

PIVOT = 0.055  # of full scale; code value + PIVOT is what a change of light multiplies (IEC 61966-2-1)
EXPONENT = 2.4


def light_of(codes: NDArray[Any]) -> NDArray[np.float32]:
    """Light in 0..255, float32, same shape, of code values in uint8, uint16 or float in 0..1.

    The straight piece of the curve near black is left out, so that light stays a power of code + PIVOT and a
    change of exposure stays a factor; black becomes 0.2 instead of 0.
    """
    if codes.dtype == np.uint8:
        return np.asarray(cv2.LUT(codes, _table(256)))
    if codes.dtype == np.uint16:
        return np.take(_table(65536), codes)
    shifted = (np.clip(codes, 0, 1).astype(np.float32) + np.float32(PIVOT)) / np.float32(1 + PIVOT)
    return np.asarray(cv2.pow(shifted, EXPONENT) * np.float32(255))


@lru_cache(maxsize=2)
def _table(size: int) -> NDArray[np.float32]:
    codes = np.arange(size, dtype=np.float64) / (size - 1)
    return (255 * ((codes + PIVOT) / (1 + PIVOT)) ** EXPONENT).astype(np.float32)
