"""Laplacian pyramids (P. J. Burt, E. H. Adelson, IEEE Trans. Comm. 31(4), 1983) on sizes that halve exactly."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32

MIN_LEVELS = 3  # two that are fused in patches, and one whose contrast says how to weigh the base
MAX_LEVELS = 6
_SMALLEST_BASE = 12  # px; a smaller base has nothing left to choose from


def level_count(shape: tuple[int, int]) -> int:
    """How many band-pass levels a picture of (height, width) is split into: MIN_LEVELS..MAX_LEVELS."""
    levels = MIN_LEVELS
    while levels < MAX_LEVELS and min(shape) >> (levels + 1) >= _SMALLEST_BASE:
        levels += 1
    return levels


def padded_shape(shape: tuple[int, int], levels: int) -> tuple[int, int]:
    """The least (height, width), not below shape, that halves exactly levels + 1 times: the base by a grid of cells."""
    cell = 1 << (levels + 1)
    return -(-shape[0] // cell) * cell, -(-shape[1] // cell) * cell


def down(plane: NDArray[Any]) -> Plane:
    """Half the size, low-passed. (h, w[, c]) float32, even sizes."""
    return np.asarray(cv2.pyrDown(plane))


def up(plane: NDArray[Any]) -> Plane:
    """Twice the size, interpolated: what `down` leaves of the original."""
    return np.asarray(cv2.pyrUp(plane))


def split(plane: Plane, levels: int) -> list[Plane]:
    """[band 0 (finest), ..., band levels - 1, base]; `join` gives the plane back."""
    bands = []
    for _ in range(levels):
        lower = down(plane)
        bands.append(plane - up(lower))
        plane = lower
    return [*bands, plane]


def join(pyramid: list[Plane]) -> Plane:
    """The plane that `split` took apart."""
    plane = pyramid[-1]
    for band in reversed(pyramid[:-1]):
        plane = band + up(plane)
    return plane
