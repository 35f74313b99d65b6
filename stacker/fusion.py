"""The fusion of one frame into the running result: weigh its bands, move the means towards them.

A band's weight is contrast ** exponent where contrast decides and a Gaussian around the focus map's depth where
depth does; the two are mixed in the exponent, so that no seam shows. Frames with the same detail share it, which
averages their noise; where one is sharper, it wins. What blending with less sharp frames costs of the contrast is
given back when the result is finished (see stacker.finish).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import kernel, pyramid
from stacker.kernel.bands import Target, Weighing, add_band
from stacker.kernel.finest import FineBand, FinestLevels, FinestWeights, Weights
from stacker.methods import Method
from stacker.parts import Part, everything
from stacker.patches import APRON_PX, Patch, apart, patches
from stacker.prior import TYPICAL, Prior, log_energy
from stacker.state import (
    CONTRAST_STEPS,
    FINE_LEVELS,
    RunningFusion,
    move_towards,
    reduce,
    share_of,
    shares,
)
from stacker.view import AlignedFrame, FrameView

__all__ = ["AlignedFrame", "Fuser"]

Plane = NDArray[Any]  # float32
# A plane put aside: int16 in 1/64 levels of 255, or float32 where the running result is exact.
Kept = NDArray[Any]

_FINER_SHARE = 1.0  # of the next finer band's energy: a frame that is sharp there is sharp here
_LIMIT = 60.0  # of the logarithm of a weight, to stay within float32
_KEPT_STEPS = 64.0  # of a plane put aside
_STRIP_ROWS = 128
_DOWN_PX = 4  # beyond a strip, that the rows of the next level are made from: 2, so that both halve


@dataclass(frozen=True)
class _Level:
    """What a frame has of one level in one place, apron included: luma, or luma and both chroma planes."""

    number: int
    place: Patch  # what is to be fused, in pixels of this level
    held: Patch  # what the planes hold: place and apron
    planes: list[Plane]
    lower: list[Plane]  # the same of the next level


class Rows(Protocol):
    """Follows which rows of a frame are needed: stacker.rowsbehind, stacker.rowsahead."""

    whole: bool  # whether all rows are there, until they are done with

    def follow(self, needed: Sequence[tuple[int, int]], reduces: bool) -> None:
        """The work begins. needed: rows of each task, from the first to the end. reduces: `reduced` will be called."""
        ...

    def begin(self, task: int) -> None:
        """A task begins; its rows must be there afterwards."""
        ...

    def done(self, task: int) -> None:
        """It needs its rows no more."""
        ...

    def reduced(self) -> list[NDArray[Any]]:
        """When all is done: the frame as FrameView.reduced gives it, where it was never there as a whole."""
        ...


class Fuser:
    """Adds frames to a running fusion by one method.

    prior: None when the method needs no focus map. part: what to fuse; None for everything. threads: of the pool.
    """

    def __init__(
        self,
        running: RunningFusion,
        method: Method,
        prior: Prior | None,
        pool: Executor,
        part: Part | None = None,
        threads: int = 1,
    ) -> None:
        self.running = running
        self._method = method
        self._prior = prior
        self._pool = pool
        self._part = part or everything(running.canvas)
        self._threads = threads
        self._small: list[Kept] = []  # for every frame: to map it anew would cost as much as to fill it

    def needs(self, slot: int) -> bool:
        """Whether the frame at this slot counts anywhere in the part."""
        return self._part.coarse or bool(self.active(slot))

    def active(self, slot: int) -> list[Patch]:
        """The patches to be made from a frame."""
        places = [
            patch for patch in patches(self.running.canvas) if self._part.coarse or self._part.holds(patch)
        ]
        return [patch for patch in places if self._has_a_say(slot, patch)]

    def add(self, frame: AlignedFrame) -> None:
        """Take a frame in. Its planes are not needed afterwards."""
        view = FrameView(frame, self.running.shape)
        small = self.add_fine(view)
        if self._part.coarse:
            self.add_coarse(view, small)

    def add_fine(
        self,
        view: FrameView,
        rows: Rows | None = None,
        before: Callable[[Patch], None] | None = None,
    ) -> list[Kept]:
        """Take in a frame's finest levels; returns what the coarse ones are made from, if they belong to the part.

        That is overwritten when the next frame is taken in. rows: follows which rows of the frame are needed.
        before: called for each patch that is made from the frame, before it is.
        """
        active = apart(self.active(view.slot), self._threads)
        others: list[Patch] = []
        small = self._small
        if self._part.coarse:
            if not small:
                height, width = (side >> FINE_LEVELS for side in self.running.canvas)
                kind = np.float32 if self.running.exact else np.int16
                small = self._small = [np.empty((height, width), kind) for _ in range(3)]
            done = set(active)
            others = [patch for patch in patches(self.running.canvas) if patch not in done]
        at_once = self._finest_levels(view, small)

        def add(patch: Patch) -> None:
            if before is not None:
                before(patch)
            if at_once is None:
                self._add_fine(view, patch, small)
            else:
                at_once.add(patch.top, patch.left, patch.bottom, patch.right, self._part.holds(patch))

        tasks: list[Callable[[], None]] = [partial(add, patch) for patch in active]
        needed = self._rows_needed(view, active)
        whole = rows is None or rows.whole
        if others and whole:
            tasks.insert(0, lambda: self._keep_the_others(view, others, small, view.reduced(FINE_LEVELS)))
            needed.insert(0, (0, view.height))
        if rows is not None:
            rows.follow(needed, bool(others))

        def run(task: int) -> None:
            if rows is not None:
                rows.begin(task)
            tasks[task]()
            if rows is not None:
                rows.done(task)

        list(self._pool.map(run, range(len(tasks))))
        if others and rows is not None and not whole:
            self._keep_the_others(view, others, small, rows.reduced())
        return small

    def _rows_needed(self, view: FrameView, active: list[Patch]) -> list[tuple[int, int]]:
        """For each patch, the first row of the frame that it and those beside it need, and the end of those."""
        canvas = self.running.canvas
        of_rows: dict[tuple[int, int], tuple[int, int]] = {}
        for top, bottom in {(patch.top, patch.bottom) for patch in active}:
            of_rows[top, bottom] = view.rows_of(Patch(top, 0, bottom, canvas[1]).grown(APRON_PX, canvas))
        return [of_rows[patch.top, patch.bottom] for patch in active]

    def _finest_levels(self, view: FrameView, small: list[Kept]) -> FinestLevels | None:
        """The frame's way into the finest levels by the kernel; None where that is not to be had."""
        planes = view.seen_planes() if kernel.in_use() else None
        if planes is None:
            return None
        running = self.running
        return FinestLevels(
            planes,
            running.chroma_shift,
            running.canvas,
            running.shape,
            self._fine_bands(),
            self._weights(view.slot),
            small,
        )

    def finest_weights(self) -> FinestWeights | None:
        """What weighs the finest levels anew, under the prior at hand; None without the kernel."""
        if not kernel.in_use() or self._prior is None:
            return None
        return FinestWeights(self.running.canvas, self._fine_bands(), self._weights(0))

    def _fine_bands(self) -> list[FineBand]:
        """The finest levels of the running result, and what the prior says on their grids."""
        running, prior = self.running, self._prior
        bands = []
        for number, band in enumerate(running.bands[:FINE_LEVELS]):
            focus, doubled = (None, False) if prior is None else prior.map_for(number + 1)
            bands.append(
                FineBand(
                    band.means,
                    band.weight,
                    band.mean_contrast,
                    band.top_contrast,
                    band.first_row,
                    band.steps,
                    focus,
                    doubled,
                )
            )
        return bands

    def _weights(self, slot: int) -> Weights:
        tilt = 0.0 if self._prior is None else self._prior.tilt
        return Weights(slot, self._method.exponent, float(TYPICAL), tilt)

    def _keep_the_others(
        self, view: FrameView, others: list[Patch], small: list[Kept], reduced: list[NDArray[Any]]
    ) -> None:
        """What the coarse levels are made from where a frame hardly counts."""
        for patch in others:
            low = patch.at(FINE_LEVELS)
            for whole, plane in zip(small, view.small(FINE_LEVELS, low, reduced), strict=True):
                _keep(whole[low.rows, low.columns], plane)

    def _has_a_say(self, slot: int, patch: Patch) -> bool:
        """Whether the frame counts anywhere on the finest levels of a patch."""
        if self._prior is None:
            return True
        return self._prior.counts(slot, patch.grown(APRON_PX, self.running.canvas))

    def _add_fine(self, view: FrameView, patch: Patch, small: list[Kept]) -> None:
        """Take in the finest levels of a patch, if the part holds them; leave what lies below them in `small`."""
        held = patch.grown(APRON_PX, self.running.canvas)
        shift = self.running.chroma_shift
        planes = [view.luma(held)]
        if not shift:
            planes += view.chroma(held, planes[0])
        finer = None
        for number in range(FINE_LEVELS):
            lower = [pyramid.down(plane) for plane in planes]
            if number + 1 == shift:
                lower += view.chroma(held.at(shift), lower[0])
            level = _Level(number, patch.at(number), held.at(number), planes, lower)
            if self._part.holds(patch):
                finer = reduce(self._add_band(view, level, finer))
            planes = lower
        low = patch.at(FINE_LEVELS)
        inner = low.within(held.at(FINE_LEVELS))
        for whole, plane in zip(small, planes, strict=False):  # nothing is left without coarse levels
            _keep(whole[low.rows, low.columns], plane[inner])

    def add_coarse(self, view: FrameView, small: list[Kept]) -> None:
        """Take in the other levels, whole, and the base, from what add_fine returned."""
        planes = small
        energy = None
        for number in range(FINE_LEVELS, self.running.levels):
            lower = self._lower(planes)
            energy = self._add_whole(view, number, planes, lower, None if energy is None else reduce(energy))
            planes = lower
        assert energy is not None
        place = Patch(0, 0, *planes[0].shape)
        base = self.running.levels
        weight = self._weight(view, base, base, place, energy, self._method.base_exponent)
        self._accumulate(base, place, place, weight, energy, planes)
        self.running.frames += 1

    def _lower(self, planes: list[Kept]) -> list[Plane]:
        """The next level of whole planes, strip by strip: the memory of a whole one costs more than the work on it."""
        height, width = planes[0].shape
        lower = [np.empty((height // 2, width // 2), np.float32) for _ in planes]

        def make(top: int) -> None:
            here = Patch(top, 0, min(top + _STRIP_ROWS, height), width)
            held = here.grown(_DOWN_PX, (height, width))
            inner = here.at(1).within(held.at(1))
            for plane, below in zip(planes, lower, strict=True):
                below[here.at(1).rows] = pyramid.down(_kept(plane[held.rows]))[inner]

        list(self._pool.map(make, range(0, height, _STRIP_ROWS)))
        return lower

    def _add_whole(
        self, view: FrameView, number: int, planes: list[Plane], lower: list[Plane], finer: Plane | None
    ) -> Plane:
        """Take in one coarse level, patch by patch; returns its energy on the weight grid."""
        size = planes[0].shape[0], planes[0].shape[1]
        energy = np.empty((size[0] // 2, size[1] // 2), np.float32)

        def add(place: Patch) -> None:
            held = place.grown(APRON_PX, size)
            below, cells = held.at(1), place.at(1)
            level = _Level(number, place, held, _cut(planes, held), _cut(lower, below))
            here = self._add_band(view, level, None if finer is None else finer[below.rows, below.columns])
            energy[cells.rows, cells.columns] = here[cells.within(below)]

        list(self._pool.map(add, patches(size)))
        return energy

    def _add_band(self, view: FrameView, level: _Level, finer: Plane | None) -> Plane:
        """Take in one band in one place; returns its energy, on the weight grid, apron included.

        finer: what the next finer band had, on the same grid.
        """
        if kernel.in_use():
            return self._add_band_at_once(view, level, finer)
        known = len(level.planes)
        details = [
            cv2.subtract(plane, pyramid.up(below))
            for plane, below in zip(level.planes, level.lower[:known], strict=True)
        ]
        energy = cv2.multiply(details[0], details[0])
        for tint in details[1:]:
            cv2.accumulateSquare(tint, energy)
        energy = reduce(energy)
        if finer is not None:
            energy = cv2.scaleAdd(finer, _FINER_SHARE, energy)
        smooth = cv2.GaussianBlur(energy, (3, 3), 0.6)
        grid, grid_held = level.place.at(1), level.held.at(1)
        weight = self._weight(view, level.number, level.number + 1, grid_held, smooth, self._method.exponent)
        cells, pixels = grid.within(grid_held), level.place.within(level.held)
        self._accumulate(
            level.number,
            level.place,
            grid,
            weight[cells],
            smooth[cells],
            [detail[pixels] for detail in details],
        )
        return np.asarray(energy)

    def _add_band_at_once(self, view: FrameView, level: _Level, finer: Plane | None) -> Plane:
        """The same as _add_band, by the kernel."""
        band = self.running.bands[level.number]
        place = level.place.raised(band.first_row)
        grid, grid_held, stored = level.place.at(1), level.held.at(1), place.at(1)
        contrasts = stored.at(1)
        return add_band(
            level.planes,
            level.lower,
            level.place.within(level.held),
            finer,
            self._weighing(view, level.number, grid, grid_held),
            Target(
                [mean[place.rows, place.columns] for mean in band.means],
                band.weight[stored.rows, stored.columns],
                band.mean_contrast[contrasts.rows, contrasts.columns],
                band.top_contrast[contrasts.rows, contrasts.columns],
                band.steps,
                level.number < FINE_LEVELS,
            ),
        )

    def _weighing(self, view: FrameView, band: int, grid: Patch, held: Patch) -> Weighing:
        """What weighs a frame's band on a grid of cells; held: the grid with its apron."""
        cover = view.cover(grid, band + 1)
        if self._prior is None:
            return Weighing(self._method.exponent, float(TYPICAL), cover=cover)
        here, cells = self._prior.patch(band, band + 1, held), grid.within(held)
        return Weighing(
            self._method.exponent,
            float(TYPICAL),
            view.slot,
            here.depth[cells],
            here.sharpness[cells],
            here.mixed[cells],
            here.strength[cells] if isinstance(here.strength, np.ndarray) else None,
            here.tilt,
            cover,
        )

    def _weight(
        self, view: FrameView, band: int, grid_level: int, cells: Patch, energy: Plane, exponent: float
    ) -> Plane:
        """Weights of the frame on a grid of cells, from the energy of its band there."""
        if self._prior is None:
            logarithm = (log_energy(energy) - TYPICAL) * np.float32(exponent / 2)
        else:
            here = self._prior.patch(band, grid_level, cells)
            logarithm = here.log_weight_of(view.slot, energy, exponent)
        weight = cv2.exp(np.clip(logarithm, -_LIMIT, _LIMIT))
        covered = view.cover(cells, grid_level)
        return np.asarray(weight if covered is None else weight * covered)

    def _accumulate(
        self, level: int, place: Patch, grid: Patch, weight: Plane, energy: Plane, details: list[Plane]
    ) -> None:
        """Move the means of a band towards a frame's details, by its share of the weight so far."""
        band = self.running.bands[level]
        place, grid = place.raised(band.first_row), grid.raised(band.first_row >> 1)
        here = grid.rows, grid.columns
        total = cv2.add(band.weight[here], weight)
        band.weight[here] = total
        if band.top_contrast.size:
            cells = grid.at(1)
            contrast = cv2.sqrt(reduce(energy)) * np.float32(CONTRAST_STEPS)
            of_cells = reduce(weight)
            share = share_of(of_cells, reduce(total))
            move_towards(band.mean_contrast[cells.rows, cells.columns], contrast, share)
            top = band.top_contrast[cells.rows, cells.columns]
            seen = cv2.multiply(contrast, np.sign(of_cells), dtype=cv2.CV_16U)
            np.maximum(top, seen, out=top)
        share = shares(weight, total, level, details[0].shape)
        for mean, detail in zip(band.means, details, strict=True):
            move_towards(mean[place.rows, place.columns], detail, share, band.steps)


def _keep(kept: Kept, plane: Plane) -> None:
    """Put a plane of a coarse level aside, in half the memory where the running result is no more exact."""
    if kept.dtype == np.float32:
        kept[...] = plane
    else:
        np.rint(plane * np.float32(_KEPT_STEPS), out=kept, casting="unsafe")


def _kept(kept: Kept) -> Plane:
    return kept if kept.dtype == np.float32 else np.divide(kept, np.float32(_KEPT_STEPS), dtype=np.float32)


def _cut(planes: list[Plane], patch: Patch) -> list[Plane]:
    return [_kept(plane[patch.rows, patch.columns]) for plane in planes]
