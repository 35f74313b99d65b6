"""How the picture looks in each cell of the focus map: its mean colour, and whether it has detail of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.result import FuseResult

Plane = NDArray[Any]

_BAND_CELLS = 64  # rows of cells made at once, for memory
_FINEST_PX = 1.5
_NO_DETAIL = 1.0  # levels squared: noise
_OWN, _SOURCE_CELLS = 0.5, 3  # a cell with so much of the detail around it is sharp itself


@dataclass(frozen=True)
class Look:
    """How cells look. colours: Y, Cb and Cr, (h, w) uint8; sharp: which have detail of their own, (h, w)."""

    colours: tuple[Plane, Plane, Plane]
    sharp: NDArray[np.bool_]


def look_of(result: FuseResult) -> Look:
    """How the cells of a result look; those that the picture does not hold whole look like the nearest one."""
    y, cb, cr = result.planes
    x, top, width, height = result.report.area
    scale = np.float32(255 / np.iinfo(y.dtype).max)
    shape, step, shift = result.depth.shape, 1 << result.cell_level, result.planes.chroma_shift

    def mean(plane: Plane, shift: int, of: Callable[[Plane], Plane], dtype: type) -> Plane:
        area = x >> shift, top >> shift, width >> shift, height >> shift
        return _means(plane, area, step >> shift, shape, lambda rows: of(rows * scale), dtype)

    detail = mean(y, 0, _finest_power, np.float32)
    side = 2 * _SOURCE_CELLS + 1
    around = cv2.dilate(detail, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    sharp = detail > _OWN * (around + _NO_DETAIL)
    luma, blue, red = (
        mean(plane, by, np.asarray, np.uint8) for plane, by in ((y, 0), (cb, shift), (cr, shift))
    )
    return Look((luma, blue, red), sharp)


def _finest_power(luma: Plane) -> Plane:
    return np.square(luma - cv2.GaussianBlur(luma, (0, 0), _FINEST_PX))


def _means(
    plane: Plane,
    area: tuple[int, int, int, int],
    step: int,
    shape: tuple[int, ...],
    of: Callable[[Plane], Plane],
    dtype: type,
) -> Plane:
    """Means over cells of what `of` makes of the pixels, (h, w) of dtype.

    area: x, y, width, height of the plane among the cells, in its pixels. step: pixels across a cell. shape: of all
    cells.
    """
    x, y, width, height = area
    left, top = -(-x // step), -(-y // step)
    right, bottom = (x + width) // step, (y + height) // step
    whole: Plane = np.empty((bottom - top, right - left), dtype)
    columns = slice(left * step - x, right * step - x)
    for first in range(0, len(whole), _BAND_CELLS):
        band = whole[first : first + _BAND_CELLS]
        start = (top + first) * step - y
        pixels = of(plane[start : start + len(band) * step, columns].astype(np.float32))
        means = cv2.resize(pixels, band.shape[::-1], interpolation=cv2.INTER_AREA)
        band[...] = np.rint(means) if np.issubdtype(dtype, np.integer) else means
    edges = top, shape[0] - bottom, left, shape[1] - right
    return np.asarray(cv2.copyMakeBorder(whole, *edges, cv2.BORDER_REPLICATE))
