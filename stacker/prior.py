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
from stacker.state import FINE_LEVELS, reduce

Plane = NDArray[Any]  # float32

# From this level on the depth decides even where depths meet: light that spills over from a blurred foreground
# is coarse, and contrast would follow it (the glow around edges that pyramids are known for).
_DEPTH_ALONE_FROM = 4
_ACTIVE_SPREADS = 3.3  # beyond, a frame's weight is below half a percent
TYPICAL = np.float32(2 * np.log(8.0))  # logarithm of an energy that cells of some contrast have
# Levels of 255: with less contrast than that, what one frame has more than another is the sensor's noise, so they weigh
# alike and are averaged. At a tenth of it the noise of a smooth sphere was chosen along its outline.
_NOISE = 2.0
_SOME_CONTRAST = 0.02  # where contrast decides by more than this, any frame may count
# Logarithm of a weight: a frame in front of or behind another counts like one of twice the contrast.
_TILT = {"none": 0.0, "near": -3.0, "far": 3.0}


@dataclass(frozen=True)
class PriorPatch:
    """Depth, 1 / spread², and how much contrast decides (0..1), per cell of a weight grid.

    strength: natural logarithm of the energy that the sharpest frame has, or a typical one.
    """

    depth: Plane
    sharpness: Plane
    mixed: Plane
    strength: Plane | np.float32
    tilt: float = 0.0  # below 0: nearer frames are preferred where contrast decides; above 0: farther ones

    def log_weight(self, slot: int | Plane) -> Plane:
        """Logarithm of the weight that the depth gives to the frame at this slot; one for all cells, or one each."""
        if self.tilt:
            behind = np.clip((slot - self.depth) * np.sqrt(self.sharpness) / 2, -1, 1)
            return self._by_depth(slot) + np.float32(self.tilt) * self.mixed * behind
        return self._by_depth(slot)

    def log_weight_of(self, slot: int | Plane, energy: Plane, exponent: float) -> Plane:
        """Logarithm of a frame's whole weight: by the energy of its band where contrast decides, else by its depth.

        The energy is taken by that of the sharpest frame, so that cells of unlike contrast compare.
        """
        weight = log_energy(energy) - self.strength
        weight *= self.mixed * np.float32(exponent / 2)
        weight += self.log_weight(slot)
        return np.asarray(weight)

    def _by_depth(self, slot: int | Plane) -> Plane:
        # Of equal area, whatever its width: weights of neighbouring cells compare.
        exponent = self.sharpness * np.square(slot - self.depth) - cv2.log(self.sharpness)
        return np.asarray((self.mixed - 1) * np.float32(0.5) * exponent)


def blended_frames(sharpness: Plane) -> Plane:
    """How many frames a blend counts for, from its 1 / spread²: (sum of weights)² / sum of their squares."""
    return np.float32(2 * np.sqrt(np.pi)) / np.sqrt(sharpness)


def log_energy(energy: Plane) -> Plane:
    """Logarithm of the energy of a band, which weights by contrast are made from."""
    return np.asarray(cv2.log(energy + np.float32(_NOISE**2)))


class Prior:
    """The focus map at every level of a canvas; its cells are 2**grid_level pixels wide."""

    def __init__(
        self, focus: FocusMap, method: Method, grid_level: int, levels: int, prefer: str = "none"
    ) -> None:
        self.tilt = _TILT[prefer]  # see PriorPatch
        mixed = focus.mixed if method.contrast else np.zeros_like(focus.mixed)
        planes: tuple[Plane, Plane, Plane] = (focus.depth, focus.sharpness, mixed)
        self._grid_level = grid_level
        self._planes = {grid_level: planes}
        self._strength: dict[int, Plane] = {}
        self._empty = {grid_level: focus.empty}
        self._speaking: dict[Patch, tuple[bool, frozenset[int]]] = {}
        energy = cv2.exp(focus.strength.astype(np.float32))
        for level in range(grid_level + 1, levels + 2):
            depth, sharpness, mixed = (reduce(plane) for plane in planes)
            planes, energy = (depth, sharpness, mixed), reduce(energy)
            self._planes[level] = planes
            if level > FINE_LEVELS:
                self._strength[level] = cv2.log(energy)
            if level <= FINE_LEVELS + 1:  # finer than that is all that is asked for
                self._empty[level] = reduce(self._empty[level - 1].astype(np.float32)).astype(np.float16)

    def patch(self, band: int, grid_level: int, where: Patch) -> PriorPatch:
        """For the weights of a band on a grid of cells 2**grid_level px wide; `where` in such cells."""
        share = float(np.clip((_DEPTH_ALONE_FROM - band) / 2, 0, 1))
        if grid_level >= self._grid_level:
            planes = [plane[where.rows, where.columns] for plane in self._planes[grid_level]]
        else:
            coarse = where.at(self._grid_level - grid_level)
            planes = [
                cv2.resize(plane[coarse.rows, coarse.columns], where.size)
                for plane in self._planes[self._grid_level]
            ]
        depth, sharpness, mixed = planes
        strength: Plane | np.float32 = TYPICAL  # on fine bands every cell speaks for itself
        if band >= FINE_LEVELS:
            strength = self._strength[grid_level][where.rows, where.columns]
        return PriorPatch(depth, sharpness, share * mixed, strength, self.tilt)

    def map_for(self, grid_level: int) -> tuple[tuple[Plane, Plane, Plane], bool]:
        """Depth, sharpness and mixed for the weights of fine bands on that grid, whole; whether at half its size."""
        doubled = grid_level < self._grid_level
        return self._planes[grid_level + doubled], doubled

    def empty(self, grid_level: int, where: Patch) -> Plane:
        """Where no frame shows anything but noise, 0..1, per cell 2**grid_level px wide; `where` in such cells."""
        return self._empty[grid_level][where.rows, where.columns].astype(np.float32)

    def from_level(self, grid_level: int) -> Prior:
        """The same for grids of this level and coarser ones only: a quarter of the memory for each level less."""
        part = copy(self)
        part._planes = {level: planes for level, planes in self._planes.items() if level >= grid_level}
        part._empty = {level: empty for level, empty in self._empty.items() if level >= grid_level}
        return part

    def counts(self, slot: int, where: Patch) -> bool:
        """Whether the frame at this slot has a say anywhere in a rectangle, in full-size pixels."""
        if where not in self._speaking:
            self._speaking[where] = self._who_speaks(where)
        anybody, slots = self._speaking[where]
        return anybody or slot in slots

    def _who_speaks(self, where: Patch) -> tuple[bool, frozenset[int]]:
        """Whether any frame at all has a say in a rectangle; if not, the slots of those that have."""
        cells = where.at(self._grid_level)
        here = cells.rows, cells.columns
        depth, sharpness, mixed = (plane[here].ravel() for plane in self._planes[self._grid_level])
        if (mixed > _SOME_CONTRAST).any():
            return True, frozenset()
        reach = np.float32(_ACTIVE_SPREADS) / np.sqrt(sharpness)
        first, last = np.ceil(depth - reach).astype(int), np.floor(depth + reach).astype(int)
        # Of how many cells a slot is one: what begins there or before, less what has ended.
        least = first.min()
        speaking = np.cumsum(np.bincount(first - least, minlength=last.max() - least + 2))
        speaking -= np.cumsum(np.bincount(last + 1 - least, minlength=len(speaking)))
        return False, frozenset((np.flatnonzero(speaking) + least).tolist())
