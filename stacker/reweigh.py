"""What is fused already, weighed anew when the focus map has learned more.

A live pass fuses frames while others are still to come, by what the focus map says until then. When a sharper frame
comes, or a depth turns out to be another, what was fused under the old map weighs too much or too little beside what
is to come. It is then treated like one frame: the frame nearest to the depth among those fused, with the contrast
that the running result has. The weight of that frame under the new map over its weight under the old one is what the
sum of the weights is multiplied by. Where a place waits for its sharpest frame, almost nothing is left; where the
depth is behind already, nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.focusmap import FocusMap
from stacker.methods import Method
from stacker.patches import Patch
from stacker.prior import Prior, PriorPatch
from stacker.settings import Prefer
from stacker.state import FINE_LEVELS, RunningFusion, reduce

Plane = NDArray[Any]  # float32

_LEAST, _MOST = -40.0, 10.0  # of the logarithm of the factor
_DEPTHS, _SHARES = 65535, 255  # that are told apart in what is remembered of a patch
_LEAST_STEP = 1e-6  # slots
_STRIP_ROWS = 64  # of cells


class Weighing(Protocol):
    """What the focus map says of weights somewhere; see Prior.patch."""

    def patch(self, band: int, grid_level: int, where: Patch) -> PriorPatch:
        """See Prior.patch."""
        ...


class Remembered:
    """What a focus map said of one patch, in less than half the memory."""

    def __init__(self, focus: FocusMap, grid_level: int, patch: Patch) -> None:
        cells = patch.at(grid_level)
        here = cells.rows, cells.columns
        self._grid_level, self._patch = grid_level, patch
        depth = focus.depth[here]
        # In float16, slots beyond 128 would be a tenth of a frame off.
        self._first, self._step = float(depth.min()), max(float(np.ptp(depth)) / _DEPTHS, _LEAST_STEP)
        self._depth = np.rint((depth - self._first) / self._step).astype(np.uint16)
        self._sharpness = focus.sharpness[here].astype(np.float16)
        self._mixed = np.rint(focus.mixed[here] * _SHARES).astype(np.uint8)

    def maps(self, method: Method) -> list[tuple[Plane, Plane, Plane]]:
        """Depth, sharpness and mixed for each of the finest levels, on its weight grid or the coarser one there is."""
        planes = self._planes()
        if not method.contrast:
            planes = planes[0], planes[1], np.zeros_like(planes[2])
        levels = []
        for grid_level in range(1, FINE_LEVELS + 1):
            if grid_level > self._grid_level:
                planes = reduce(planes[0]), reduce(planes[1]), reduce(planes[2])
            levels.append(planes)
        return levels

    def _planes(self) -> tuple[Plane, Plane, Plane]:
        depth = self._depth * np.float32(self._step) + np.float32(self._first)
        return depth, self._sharpness.astype(np.float32), self._mixed / np.float32(_SHARES)

    def as_prior(self, method: Method, prefer: Prefer) -> Weighing:
        """To weigh the finest levels of the patch by."""
        depth, sharpness, mixed = self._planes()
        focus = FocusMap(depth, mixed, sharpness, mixed, mixed, mixed)  # the others weigh nothing
        prior = Prior(focus, method, self._grid_level, FINE_LEVELS - 1, prefer)
        return _Elsewhere(prior, self._patch)


@dataclass(frozen=True)
class _Elsewhere:
    """A prior of a patch alone, asked in coordinates of the canvas."""

    prior: Prior
    patch_of_it: Patch

    def patch(self, band: int, grid_level: int, where: Patch) -> PriorPatch:
        """See Prior.patch."""
        top, left = self.patch_of_it.top >> grid_level, self.patch_of_it.left >> grid_level
        moved = Patch(where.top - top, where.left - left, where.bottom - top, where.right - left)
        return self.prior.patch(band, grid_level, moved)


def _strips(place: Patch, at_once: int) -> Iterator[Patch]:
    """A rectangle in bands of rows."""
    for top in range(place.top, place.bottom, at_once):
        yield Patch(top, place.left, min(top + at_once, place.bottom), place.right)


@dataclass(frozen=True)
class Reweighing:
    """From one prior to another. last: slot of the last frame that went in."""

    running: RunningFusion
    method: Method
    before: Weighing
    now: Weighing
    last: int

    def fine(self, patch: Patch) -> None:
        """The finest levels of a patch, in pixels of the canvas."""
        finer = None
        for number in range(FINE_LEVELS):
            finer = reduce(self._band(number, patch.at(number), finer))

    def coarse(self) -> None:
        """All other levels."""
        energy = None
        for number in range(FINE_LEVELS, self.running.levels):
            whole = Patch(0, 0, *self.running.bands[number].shape)
            energy = self._band(number, whole, None if energy is None else reduce(energy))
        assert energy is not None
        base = self.running.levels
        whole = Patch(0, 0, *self.running.bands[base].shape)
        self._scale(base, base, whole, energy, self.method.base_exponent)

    def _band(self, number: int, place: Patch, finer: Plane | None) -> Plane:
        """One band in one place; returns its energy. finer: that of the next finer band, on the same grid."""
        band = self.running.bands[number]
        grid = place.at(1)
        energy = np.empty(grid.size[::-1], np.float32)
        # Whole planes of a coarse level would be the peak of a live stack.
        at_once = _STRIP_ROWS if number >= FINE_LEVELS else grid.bottom
        for rows in _strips(place, 2 * at_once):
            stored = rows.raised(band.first_row)
            squares = [np.square(mean[stored.rows, stored.columns], dtype=np.float32) for mean in band.means]
            energy[rows.at(1).within(grid)] = reduce(sum(squares[1:], squares[0])) / np.float32(band.steps**2)
        if finer is not None:
            energy += finer
        whole = Patch(0, 0, *energy.shape)
        for rows in _strips(whole, at_once):
            around = Patch(max(rows.top - 1, 0), 0, min(rows.bottom + 1, whole.bottom), whole.right)
            smooth = cv2.GaussianBlur(energy[around.rows], (3, 3), 0.6)[rows.within(around)]
            cells = Patch(grid.top + rows.top, grid.left, grid.top + rows.bottom, grid.right)
            self._scale(number, number + 1, cells, smooth, self.method.exponent)
        return energy

    def _scale(self, number: int, grid_level: int, cells: Patch, energy: Plane, exponent: float) -> None:
        change = np.zeros_like(energy)
        for prior, sign in ((self.now, 1), (self.before, -1)):
            here = prior.patch(number, grid_level, cells)
            nearest = np.minimum(np.float32(self.last), here.depth)
            change += sign * here.log_weight_of(nearest, energy, exponent)
        band = self.running.bands[number]
        stored = cells.raised(band.first_row >> 1)
        band.weight[stored.rows, stored.columns] *= cv2.exp(np.clip(change, _LEAST, _MOST))
