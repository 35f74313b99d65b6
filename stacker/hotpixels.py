"""Hot pixels: found in a dark frame, or because they stay where they are while the scene moves; then painted over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import transforms as tf
from stacker.errors import FrameError, SettingsError
from stacker.imagefile import read_planes
from stacker.planes import Planes, bgr_strips
from stacker.transforms import Transform

Array = NDArray[Any]

_HOT_IN_DARK = 12.0  # levels of 255 above its surroundings; or, in a noisy dark frame,
_HOT_SIGMAS = 8.0
_MOST = 0.005  # of the pixels; a frame with more bright specks is no dark frame
_DARK = 60.0  # levels; a picture this bright in the median is no dark frame
_HOT_IN_ALL = 8  # levels of 255 of a small copy above its surroundings, in every frame
_FEWEST = 5  # frames; in fewer, noise alone may be bright at one place in all of them
_MOVED_PX = 6.0  # by so much, at full size, the scene must have moved there
_LARGEST = 4  # pixels of a small copy; what is larger is part of the scene, or dust
_BAND_ROWS = 128  # of a small copy, looked at at once
_REACH = 3  # pixels around a defect that it is painted over from


@dataclass(frozen=True)
class Defects:
    """Pixels of the sensor that say nothing about the scene. rows, columns: (n,) int, in upright frames."""

    rows: Array
    columns: Array

    def __len__(self) -> int:
        return len(self.rows)

    def joined(self, other: Defects) -> Defects:
        """Both; what is in both counts twice, which does no harm."""
        return Defects(np.append(self.rows, other.rows), np.append(self.columns, other.columns))

    @classmethod
    def of(cls, mask: Array, grow: int = 1) -> Defects:
        """Where a mask, (h, w), is not 0, and `grow` pixels around: demosaicing and JPEG spread a hot pixel."""
        side = 2 * grow + 1
        spread = cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8))
        rows, columns = np.nonzero(spread)
        return cls(rows, columns)

    @classmethod
    def of_copy(cls, mask: Array, scale: int, grow: int = 1) -> Defects:
        """The same of a mask `scale` times smaller, without one of full size; few pixels of it are not 0."""
        height, width = (side * scale for side in mask.shape)
        rows, columns = (scale * places[:, None] for places in np.nonzero(mask))
        around = np.arange(-grow, scale + grow)
        down, right = (each.ravel() for each in np.meshgrid(around, around, indexing="ij"))
        rows, columns = rows + down, columns + right
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        places = _sorted(rows[inside] * width + columns[inside])
        return cls(places // width, places % width)

    def at(self, step: int) -> Defects:
        """The same in a copy `step` times smaller."""
        if step == 1 or not len(self):
            return self
        width = int(self.columns.max()) // step + 1
        return Defects(*np.divmod(_sorted(self.rows // step * width + self.columns // step), width))


def repaired(planes: Planes, defects: Defects) -> Planes:
    """The picture with its defects painted over; the planes themselves are changed."""
    if len(defects):
        chroma = defects.at(1 << planes.chroma_shift)
        for plane, where in zip(planes, (defects, chroma, chroma), strict=True):
            paint_over_into(plane, where)
    return planes


def repair_rows(planes: Planes, defects: Defects, first: int, end: int) -> None:
    """The same of the rows first..end alone; first must be even. _REACH more rows of each plane must be there."""
    if not len(defects):
        return
    chroma = defects.at(1 << planes.chroma_shift)
    for plane, where, shift in zip(
        planes, (defects, chroma, chroma), (0, *2 * (planes.chroma_shift,)), strict=True
    ):
        top, bottom = first >> shift, min(-(-end >> shift), len(plane))
        above = min(top, _REACH)
        near = (where.rows >= top - above) & (where.rows < bottom + _REACH)
        here = Defects(where.rows[near] - (top - above), where.columns[near])
        paint_over_into(plane[top - above : bottom + _REACH], here, (above, above + bottom - top))


def paint_over_into(plane: Array, defects: Defects, only: tuple[int, int] | None = None) -> None:
    """Replace the defects of a plane, (h, w) or (h, w, c), by a weighted mean of the sound pixels around them.

    only: those in the rows from the first to the end.
    """
    height, width = plane.shape[:2]
    inside = (defects.rows < height) & (defects.columns < width)
    rows, columns = defects.rows[inside], defects.columns[inside]
    if not len(rows):
        return
    sound = np.ones((height, width), np.bool_)
    sound[rows, columns] = False
    if only is not None:
        wanted = (rows >= only[0]) & (rows < only[1])
        rows, columns = rows[wanted], columns[wanted]
    offsets = np.arange(-_REACH, _REACH + 1)
    down, right = (each.ravel() for each in np.meshgrid(offsets, offsets, indexing="ij"))
    near_rows, near_columns = rows[:, None] + down, columns[:, None] + right
    exists = (near_rows >= 0) & (near_rows < height) & (near_columns >= 0) & (near_columns < width)
    near_rows, near_columns = near_rows.clip(0, height - 1), near_columns.clip(0, width - 1)
    weight = (exists & sound[near_rows, near_columns]) / np.maximum(down**2 + right**2, 1) ** 2
    total = weight.sum(axis=1)
    values = plane[near_rows, near_columns].astype(np.float64)
    mean = np.einsum("nk,nk...->n...", weight, values)
    known = total > 0
    divisor = total[known] if plane.ndim == 2 else total[known][:, None]
    plane[rows[known], columns[known]] = np.rint(mean[known] / divisor)


def in_dark_frame(path: Path, shape: tuple[int, int]) -> Defects:
    """The hot pixels that a dark frame (cap on, exposure as for the bracket) shows.

    Raises SettingsError when it is no picture, of another size than (height, width), or not dark.
    """
    try:
        planes = read_planes(path)
    except FrameError as error:
        raise SettingsError(f"the dark frame cannot be used: {error}") from error
    if planes.shape != shape:
        raise SettingsError(
            f"the dark frame {path.name} has {planes.shape[1]}×{planes.shape[0]} pixels, "
            f"the frames have {shape[1]}×{shape[0]}"
        )
    scale = 1.0 if planes.bit_depth == 8 else 257.0
    if float(np.median(planes.y)) / scale > _DARK:
        raise SettingsError(f"{path.name} is no dark frame: take it with the cap on")
    mask = np.zeros(shape, np.uint8)
    excess = _excess_of(planes, scale)
    limit = max(_HOT_IN_DARK, _HOT_SIGMAS * 1.4826 * float(np.median(np.abs(excess))))
    mask[excess > limit] = 1
    if mask.mean() > _MOST:
        raise SettingsError(
            f"{path.name} is no dark frame: {mask.mean():.1%} of its pixels are bright; take it with the cap on"
        )
    return Defects.of(mask)


def _excess_of(planes: Planes, scale: float) -> Array:
    """By how much a pixel's brightest channel stands out of its surroundings, levels of 255; (h, w) float32."""
    brightest = np.empty(planes.shape, planes.dtype)
    for rows, strip in bgr_strips(planes):
        brightest[rows] = strip.max(axis=2)
    return (brightest.astype(np.float32) - cv2.medianBlur(brightest, 5)) / np.float32(scale)


def no_defects() -> Defects:
    """A sensor without fault."""
    return Defects(np.zeros(0, np.intp), np.zeros(0, np.intp))


def _excess(low: Array) -> Array:
    """By how much the brightest channel of a small copy stands out of its surroundings, levels of 255: uint8."""
    channels = [cv2.extractChannel(low, index) for index in range(3)]
    brightest = cv2.max(cv2.max(channels[0], channels[1]), channels[2])
    if brightest.dtype == np.uint16:
        brightest = np.right_shift(brightest, 8).astype(np.uint8)
    return np.asarray(cv2.subtract(brightest, cv2.medianBlur(brightest, 3)))


class StuckPixels:
    """Watches small copies for pixels that stay bright at one place of the sensor while the scene moves."""

    def __init__(self, scale: int) -> None:
        self._scale = scale  # of the copies
        # Where every frame was brighter than its surroundings; eight pixels a byte.
        self._bright: Array | None = None
        self._shape = 0, 0
        self._frames = 0

    def look(self, low: Array) -> None:
        """Take in the next frame: (h, w, 3) BGR, uint8 or uint16."""
        if self._bright is None:
            self._shape = low.shape[0], low.shape[1]
            self._bright = np.full((low.shape[0], -(-low.shape[1] // 8)), 255, np.uint8)
        for top in range(0, len(low), _BAND_ROWS):
            start, end = max(top - 1, 0), min(top + _BAND_ROWS, len(low))
            excess = _excess(low[start : end + 1])[top - start :][: end - top]
            self._bright[top:end] &= np.packbits(excess > _HOT_IN_ALL, axis=1)
        self._frames += 1

    def found(self, transforms: Sequence[Transform]) -> Defects:
        """What was bright in every frame; transforms: of frames to the reference frame, full size."""
        if self._bright is None or self._frames < _FEWEST or len(transforms) < _FEWEST:
            return no_defects()
        rows, columns, speck, centres = self._specks(self._bright)
        places = centres * self._scale + (self._scale - 1) / 2
        seen = np.stack([tf.apply(tf.invert(transform), places) for transform in transforms])
        moved = np.linalg.norm(seen.max(axis=0) - seen.min(axis=0), axis=1)
        stuck = moved[speck] >= _MOVED_PX
        # A pattern that lies over everything is none of the sensor's pixels.
        if not stuck.any() or stuck.sum() > _MOST * np.prod(self._shape):
            return no_defects()
        where = np.zeros(self._shape, np.bool_)
        where[rows[stuck], columns[stuck]] = True
        return Defects.of_copy(where, self._scale)

    def _specks(self, packed: Array) -> tuple[Array, Array, Array, Array]:
        """What was bright in every frame and is small, a few rows at a time: its pixels, and the speck each belongs to.

        Returns rows, columns and numbers of specks, (n,), and the centres of the specks, x and y, (m, 2).
        """
        pixels: list[Array] = [np.zeros((3, 0), np.intp)]
        centres: list[Array] = [np.zeros((0, 2))]
        count = 0
        for top in range(0, len(packed), _BAND_ROWS):
            start = max(top - 2 * _LARGEST, 0)  # so that what begins in these rows and is small is whole
            band = packed[start : top + _BAND_ROWS + 2 * _LARGEST]
            bright = np.unpackbits(band, axis=1, count=self._shape[1])
            _, labels, stats, middles = cv2.connectedComponentsWithStats(bright, connectivity=8)
            first = stats[:, cv2.CC_STAT_TOP] + start
            small = (stats[:, cv2.CC_STAT_AREA] <= _LARGEST) & (first >= top) & (first < top + _BAND_ROWS)
            small[0] = False  # the background
            rows, columns = np.nonzero(bright.view(np.bool_))
            label = labels[rows, columns]
            number = count + np.cumsum(small) - 1
            of_specks = np.stack([rows + start, columns, number[label]])
            pixels.append(of_specks[:, small[label]])
            centres.append(middles[small] + (0, start))
            count += int(small.sum())
        rows, columns, speck = np.concatenate(pixels, axis=1)
        return rows, columns, speck, np.concatenate(centres)


def _sorted(numbers: Array) -> Array:
    """Each once. np.unique would load numpy.ma, a megabyte, for it."""
    numbers = np.sort(numbers)
    return numbers[np.diff(numbers, prepend=-1) > 0]
