"""The running result of a fusion: one weighted mean per pixel and band, whatever the number of frames.

`merge` of two results equals the result of all their frames, up to rounding of the stored means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import memory, pyramid

Array = NDArray[Any]

# Stored means have this many steps per level of 255 when a sample takes two bytes: rounding then stays below a
# twentieth of a level over 300 frames.
_STEPS = 64.0
CONTRAST_STEPS = 64.0  # of a stored contrast per level of 255
# Levels finer than this are fused in patches, and in parts one after another where memory is short.
FINE_LEVELS = 2


@dataclass
class Band:
    """One level of the running result.

    means: (h, w) of luma, and of both chroma planes where the level has them; int16 in 1/64 levels, or float32.
    weight: (h/2, w/2) float32, sum of the weights so far. mean_contrast and top_contrast: (h/4, w/4) uint16 in
    1/64 levels, of the frames that went in. The base has its weight at its own size, and no contrast.
    """

    means: list[Array]
    weight: Array
    mean_contrast: Array
    top_contrast: Array
    first_row: int = 0  # of the level, that the means begin with

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the means."""
        return self.means[0].shape[0], self.means[0].shape[1]

    @property
    def arrays(self) -> tuple[Array, ...]:
        """Everything it holds."""
        return (*self.means, self.weight, self.mean_contrast, self.top_contrast)

    @property
    def steps(self) -> float:
        """How many steps of a stored mean make one level of 255."""
        return 1.0 if self.exact else _STEPS

    @property
    def exact(self) -> bool:
        """Whether the means are stored as they are computed, not rounded."""
        return bool(self.means[0].dtype == np.float32)


class RunningFusion:
    """What is fused so far.

    shape: (height, width) of the picture. chroma_shift: 1 when chroma has half the size. exact: store float32
    instead of int16 means, for frames of 16 bit. rows: (first, end) that the finest levels hold, multiples of 64 in
    pixels of the canvas; None for all.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        chroma_shift: int,
        exact: bool = False,
        rows: tuple[int, int] | None = None,
    ) -> None:
        self.shape = shape
        self.chroma_shift = chroma_shift
        self.exact = exact
        self.levels = pyramid.level_count(shape)
        self.canvas = pyramid.padded_shape(shape, self.levels)
        self.frames = 0
        self.rows = rows or (0, self.canvas[0])
        self.bands = [self._empty_band(level) for level in range(self.levels + 1)]

    def move_to(self, rows: tuple[int, int]) -> None:
        """Let go of the finest levels but for the rows that the next part, (first, end), begins with."""
        (_, held), self.rows = self.rows, rows
        for level in range(FINE_LEVELS):
            old, self.bands[level] = self.bands[level], self._empty_band(level)
            kept = max(min(held, rows[1]) - rows[0], 0) >> level
            for mine, before in zip(self.bands[level].arrays, old.arrays, strict=True):
                count = kept * len(mine) // max(self.bands[level].shape[0], 1)
                if count:
                    mine[:count] = before[-count:]

    def forget_above(self, row: int) -> None:
        """Give back the memory of the finest levels above a row of the canvas, which is not read any more."""
        for level in range(FINE_LEVELS):
            band = self.bands[level]
            for array in band.arrays:
                count = max((row >> level) - band.first_row, 0) * len(array) // max(band.shape[0], 1)
                memory.forget(array[:count])

    def _empty_band(self, level: int) -> Band:
        height, width = self.canvas[0] >> level, self.canvas[1] >> level
        first = 0
        if level < FINE_LEVELS:
            first, height = self.rows[0] >> level, (self.rows[1] - self.rows[0]) >> level
        grid = (height, width) if level == self.levels else (height >> 1, width >> 1)
        cells = (0, 0) if level == self.levels else (grid[0] >> 1, grid[1] >> 1)
        planes = 3 if level >= self.chroma_shift else 1
        kind = np.float32 if self.exact else np.int16
        return Band(
            [np.zeros((height, width), kind) for _ in range(planes)],
            np.zeros(grid, np.float32),
            np.zeros(cells, np.uint16),
            np.zeros(cells, np.uint16),
            first,
        )

    @property
    def nbytes(self) -> int:
        """Memory that the bands take."""
        return sum(array.nbytes for band in self.bands for array in band.arrays)

    def merge(self, other: RunningFusion) -> None:
        """Take the frames of another running result into this one.

        Raises ValueError when the two are not of one shape and kind.
        """
        mine, theirs = ((of.shape, of.chroma_shift, of.exact, of.rows) for of in (self, other))
        if mine != theirs:
            raise ValueError(f"a result of {theirs} cannot be merged into one of {mine}")
        for level, (band, their_band) in enumerate(zip(self.bands, other.bands, strict=True)):
            _merge_band(band, their_band, level)
        self.frames += other.frames


def _merge_band(band: Band, theirs: Band, level: int) -> None:
    weight = band.weight + theirs.weight
    share = shares(theirs.weight, weight, level, band.shape)
    for mine, other in zip(band.means, theirs.means, strict=True):
        move_towards(mine, other.astype(np.float32), share)
    if band.mean_contrast.size:
        share = share_of(reduce(theirs.weight), reduce(weight))
        move_towards(band.mean_contrast, theirs.mean_contrast.astype(np.float32), share)
    np.maximum(band.top_contrast, theirs.top_contrast, out=band.top_contrast)
    band.weight[...] = weight


def share_of(part: Array, whole: Array) -> Array:
    """Part of the whole, per cell; 0 where there is nothing yet. float32."""
    return np.divide(part, np.maximum(whole, np.finfo(np.float32).tiny))


def shares(weight: Array, total: Array, level: int, shape: tuple[int, ...]) -> Array:
    """The share of a weight in the total at each pixel of a level, (h, w) float32, from grids of cells.

    On fine levels every cell speaks for its own pixels. On coarse ones the cells would show as steps in the light
    around edges, so weights and total are interpolated between them: not their share, which would not add up to 1
    over the frames in whatever order they come.
    """
    if level < FINE_LEVELS:
        return enlarge(share_of(weight, total), shape, cv2.INTER_NEAREST)
    return share_of(enlarge(weight, shape), enlarge(total, shape))


def enlarge(grid: Array, shape: tuple[int, ...], kind: int = cv2.INTER_LINEAR) -> Array:
    """A grid at the size of its band; a copy when it has that size."""
    if grid.shape == tuple(shape):
        return grid.copy()
    return np.asarray(cv2.resize(grid, (shape[1], shape[0]), interpolation=kind))


def reduce(grid: Array) -> Array:
    """A grid at half its size: means of 2x2 cells."""
    return np.asarray(
        cv2.resize(grid, (grid.shape[1] // 2, grid.shape[0] // 2), interpolation=cv2.INTER_AREA)
    )


def move_towards(stored: Array, target: Array, share: Array, steps: float = 1.0) -> None:
    """Stored += share * (steps * target - stored), rounded to what stored can hold. target, share: float32."""
    before = stored.astype(np.float32)
    moved = np.multiply(target, np.float32(steps))
    moved -= before
    moved *= share
    moved += before
    stored[...] = moved if stored.dtype == np.float32 else np.rint(moved, out=moved)
