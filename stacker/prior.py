"""The prior: what the focus map says of a frame's weight, at the resolution of every level."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.focusmap import FocusMap
from stacker.methods import Method
from stacker.patches import Patch

Plane = NDArray[Any]  # float32

# From this level on the depth decides even where depths meet: light that spills over from a blurred foreground
# is coarse, and contrast would follow it (the glow around edges that pyramids are known for).
_DEPTH_ALONE_FROM = 4
_ACTIVE_SPREADS = 3.3  # beyond, a frame's weight is below half a percent
_SOME_CONTRAST = 0.02  # where contrast decides by more than this, any frame may count
# Logarithm of a weight: a frame in front of or behind another counts like one of twice the contrast.
_TILT = {"none": 0.0, "near": -3.0, "far": 3.0}


@dataclass(frozen=True)
class PriorPatch:
    """Depth, 1 / spread², and how much contrast decides (0..1), per cell of a weight grid."""

    depth: Plane
    sharpness: Plane
    mixed: Plane
    tilt: float = 0.0  # below 0: nearer frames are preferred where contrast decides; above 0: farther ones

    def log_weight(self, slot: int | Plane) -> Plane:
        """Logarithm of the weight that the depth gives to the frame at this slot; one for all cells, or one each."""
        if self.tilt:
            behind = np.clip((slot - self.depth) * np.sqrt(self.sharpness) / 2, -1, 1)
            return self._by_depth(slot) + np.float32(self.tilt) * self.mixed * behind
        return self._by_depth(slot)

    def _by_depth(self, slot: int | Plane) -> Plane:
        return np.asarray((self.mixed - 1) * (0.5 * self.sharpness) * np.square(slot - self.depth))


class Prior:
    """The focus map at every level of a canvas; its cells are 2**grid_level pixels wide."""

    def __init__(
        self, focus: FocusMap, method: Method, grid_level: int, levels: int, prefer: str = "none"
    ) -> None:
        self._tilt = _TILT[prefer]
        mixed = focus.mixed if method.contrast else np.zeros_like(focus.mixed)
        planes: tuple[Plane, ...] = (focus.depth, focus.sharpness, mixed)
        self._grid_level = grid_level
        self._planes = {grid_level: planes}
        for level in range(grid_level + 1, levels + 2):
            size = planes[0].shape[1] // 2, planes[0].shape[0] // 2
            planes = tuple(cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes)
            self._planes[level] = planes

    def patch(self, band: int, grid_level: int, where: Patch) -> PriorPatch:
        """For the weights of a band on a grid of cells 2**grid_level px wide; `where` in such cells."""
        share = float(np.clip((_DEPTH_ALONE_FROM - band) / 2, 0, 1))
        if grid_level >= self._grid_level:
            depth, sharpness, mixed = (plane[where.rows, where.columns] for plane in self._planes[grid_level])
        else:
            coarse = where.at(self._grid_level - grid_level)
            depth, sharpness, mixed = (
                cv2.resize(plane[coarse.rows, coarse.columns], where.size)
                for plane in self._planes[self._grid_level]
            )
        return PriorPatch(depth, sharpness, share * mixed, self._tilt)

    def from_level(self, grid_level: int) -> Prior:
        """The same for grids of this level and coarser ones only: a quarter of the memory for each level less."""
        part = copy(self)
        part._planes = {level: planes for level, planes in self._planes.items() if level >= grid_level}
        return part

    def counts(self, slot: int, where: Patch) -> bool:
        """Whether the frame at this slot has a say anywhere in a rectangle, in full-size pixels."""
        cells = where.at(self._grid_level)
        here = cells.rows, cells.columns
        depth, sharpness, mixed = (plane[here] for plane in self._planes[self._grid_level])
        near = np.square(slot - depth) * sharpness < _ACTIVE_SPREADS**2
        return bool(np.any(near | (mixed > _SOME_CONTRAST)))
