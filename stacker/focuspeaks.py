"""The survey: where along the bracket each place of the picture is sharpest, frame by frame.

A first pass over small copies. It keeps, per cell of a coarse grid, the largest focus measure so far, the frame
that had it and the measure of that frame's two neighbours; a parabola through the three logarithms then gives the
focus between frames (S. K. Nayar, Y. Nakagawa: Shape from focus, IEEE PAMI 16(8), 1994, uses the same Gaussian
model of the peak). Constant in the number of frames, and mergeable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel.surveys import add_peaks

Plane = NDArray[Any]  # float32
Logs = NDArray[np.int16]

STEPS = 512.0
NOWHERE = np.int16(-30 * STEPS)  # where no frame has looked
_FARTHEST_AHEAD = 3.0  # slots: what is not to be seen yet is farther away than any blend reaches
_BAND_ROWS = 64
_FLOOR = np.float32(1e-4)  # far below one level of noise, so that the logarithm exists


def focus_measure(luma: Plane, chroma: Plane) -> Plane:
    """Energy of the finest detail per cell of 2x2 pixels, larger where more in focus.

    luma: (h, w) float32, levels of 255. chroma: (ceil(h / 2), ceil(w / 2), 2) float32; a subject that shows
    in one colour channel only must count too. Returns (h // 2, w // 2) float32 >= 0.
    """
    size = luma.shape[1] // 2, luma.shape[0] // 2
    detail = luma - cv2.GaussianBlur(luma, (7, 7), 1.2)
    energy = cv2.resize(cv2.multiply(detail, detail), size, interpolation=cv2.INTER_AREA)
    colour = chroma[: size[1], : size[0]]
    colour = colour - cv2.GaussianBlur(colour, (5, 5), 1.2)
    energy += np.square(colour).sum(axis=2)
    return np.asarray(cv2.GaussianBlur(energy, (5, 5), 0.8))


@dataclass
class FocusPeaks:
    """The running peaks on a grid of (h, w) cells; `add` frames in bracket order, `merge` adjoining runs.

    Measures are kept as int16 logarithms, 1/512 natural units a step: a hundredth of what noise moves them by.
    """

    shape: tuple[int, int]
    frames: list[int] = field(default_factory=list)  # indices of the frames added, in order
    continues: bool = True  # whether another run may be put before this one
    slot: Logs = field(init=False)  # position in `frames` of the sharpest one
    best: Logs = field(init=False)
    before: Logs = field(init=False)  # the measure of the frame before the sharpest one
    after: Logs = field(init=False)
    lowest: Logs = field(init=False)  # the least measure of any frame
    total: Plane = field(init=False)  # sum of the measures themselves, not of their logarithms
    seen: Logs = field(init=False)  # how many frames have covered the cell
    first: Logs | None = None
    last: Logs | None = None

    def __post_init__(self) -> None:
        self.slot, self.seen = np.zeros(self.shape, np.int16), np.zeros(self.shape, np.int16)
        self.best, self.before, self.after = (np.full(self.shape, NOWHERE, np.int16) for _ in range(3))
        self.lowest = np.full(self.shape, -NOWHERE, np.int16)
        self.total = np.zeros(self.shape, np.float32)

    def add(self, index: int, energy: Plane, covered: NDArray[np.uint8]) -> None:
        """Take in the measure of the next frame; covered: 255 where that frame has looked at all.

        energy: (h, w) float32 >= 0, see focus_measure.
        """
        here = (self._add_at_once if kernel.in_use() else self._add)(energy, covered)
        self.frames.append(index)
        if self.continues and self.first is None:
            self.first = here
        self.last = here

    def _add_at_once(self, energy: Plane, covered: NDArray[np.uint8]) -> Logs:
        """The same as _add, by the kernel."""
        last = np.full(self.shape, NOWHERE, np.int16) if self.last is None else self.last
        return add_peaks(len(self.frames), energy, covered, last, vars(self))

    def _add(self, energy: Plane, coverage: NDArray[np.uint8]) -> Logs:
        covered = coverage == 255
        here = _logs(energy, covered)
        slot = len(self.frames)
        if slot:
            np.copyto(self.after, here, where=self.slot == slot - 1)
        higher = here > self.best
        np.copyto(self.best, here, where=higher)
        np.copyto(self.before, NOWHERE if self.last is None else self.last, where=higher)
        np.copyto(self.after, NOWHERE, where=higher)
        np.copyto(self.slot, np.int16(slot), where=higher)
        np.copyto(self.lowest, here, where=covered & (here < self.lowest))
        np.add(self.total, energy, out=self.total, where=covered)
        np.add(self.seen, 1, out=self.seen, where=covered)
        return here

    def merge(self, later: FocusPeaks) -> FocusPeaks:
        """The peaks of this run and of the run that follows it, as if all had been added to one.

        Raises ValueError when the grids differ, or nothing is known of the later run's first frame.
        """
        if later.shape != self.shape:
            raise ValueError(f"grids of {self.shape} and {later.shape} cells cannot be merged")
        if self.last is None or not later.frames:  # one of them is empty
            return later if later.frames else self
        if later.first is None:
            raise ValueError("a run that does not continue another one cannot be merged into it")
        both = FocusPeaks(self.shape, self.frames + later.frames)
        wins = later.best > self.best
        before = np.where(later.slot == 0, self.last, later.before)
        after = np.where(self.slot == len(self.frames) - 1, later.first, self.after)
        both.slot = np.where(wins, later.slot + len(self.frames), self.slot).astype(np.int16)
        both.best = np.maximum(self.best, later.best)
        both.before = np.where(wins, before, self.before)
        both.after = np.where(wins, later.after, after)
        both.lowest = np.minimum(self.lowest, later.lowest)
        both.total, both.seen = self.total + later.total, self.seen + later.seen
        both.first, both.last = self.first, later.last
        return both

    def thinned(self, rows: slice, columns: slice) -> FocusPeaks:
        """Some of the cells, as they are now; nothing can be added to them."""
        few = FocusPeaks((0, 0), self.frames)
        for name in ("slot", "best", "before", "after", "lowest", "total", "seen"):
            setattr(few, name, getattr(self, name)[rows, columns])
        few.shape = few.slot.shape
        return few

    def noise(self) -> float:
        """Measure of a cell without detail in a frame: a low percentile of the least that any frame has."""
        lowest = self.lowest[self.seen > 0]
        return float(np.exp(np.percentile(lowest, 20) / STEPS)) if lowest.size else 0.0

    def position(self, noise: float, ahead: float | None = None) -> Plane:
        """Sub-frame position of each peak, in slots; (h, w) float32.

        At the ends of the bracket, where a neighbour is missing, the position is the frame's own. ahead: the width of
        peaks, when more frames are to come: one that still rises is put where a peak so wide would have its top.
        """
        return self._in_bands(lambda rows: self._position(rows, noise, ahead))

    def _position(self, rows: slice, noise: float, ahead: float | None) -> Plane:
        slot, before, after = self.slot[rows], self.before[rows], self.after[rows]
        shift = np.zeros(slot.shape, np.float32)
        inside = (before > NOWHERE) & (after > NOWHERE)
        best, lower, higher = (_above(log, noise) for log in (self.best[rows], before, after))
        bend = np.maximum(2 * best - lower - higher, 1e-3)
        np.copyto(shift, np.clip(0.5 * (higher - lower) / bend, -0.5, 0.5), where=inside)
        if ahead is not None:
            rising = (slot == len(self.frames) - 1) & (before > NOWHERE)
            rise = np.clip(ahead**2 * (best - lower) - 0.5, -0.5, _FARTHEST_AHEAD)
            np.copyto(shift, rise, where=rising)
        return slot + shift

    def width(self, noise: float, prominent: float = 0.9) -> float:
        """Median width of the prominent peaks, standard deviation in frames: the bracket's depth of field in steps.

        1.0 when there are none. prominent: see prominence.
        """
        widths = np.concatenate([self._widths(rows, noise, prominent) for rows in self._bands()])
        return float(np.median(widths, overwrite_input=True)) if widths.size else 1.0

    def _widths(self, rows: slice, noise: float, prominent: float) -> Plane:
        """Of the prominent peaks in some rows, (n,)."""
        _, best, before, after = self._clear((rows, slice(None)), noise, prominent)
        return np.asarray(1 / np.sqrt(np.maximum(2 * best - before - after, 1e-3)))

    def clear(self, noise: float, samples: int, prominent: float = 0.75) -> tuple[NDArray[Any], ...]:
        """Slot, measure, that of the frame before and of the one after, of clear peaks inside the bracket; (n,) each.

        Measures: natural logarithms, float32, noise included. samples: about so many cells are looked at.
        """
        every = max(round((self.slot.size / samples) ** 0.5), 1)
        bands = range(0, self.shape[0], every * _BAND_ROWS)
        found = [
            self._clear(np.s_[top : top + every * _BAND_ROWS : every, ::every], noise, prominent)
            for top in bands
        ]
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    def _clear(self, where: tuple[slice, slice], noise: float, prominent: float) -> tuple[NDArray[Any], ...]:
        inside = (self.before[where] > NOWHERE) & (self.after[where] > NOWHERE)
        sure = inside & (self._prominence(where, noise) > prominent)
        logs = (_above(log[where][sure], noise) for log in (self.best, self.before, self.after))
        return self.slot[where][sure].astype(np.int32), *logs

    def strength(self, noise: float) -> Plane:
        """The measure of each peak, noise included: its natural logarithm, (h, w) float32."""
        return self._in_bands(lambda rows: _above(self.best[rows], noise))

    def prominence(self, noise: float) -> Plane:
        """By how much each peak stands out: log of its measure over the mean of the other frames, above the noise."""
        return self._in_bands(lambda rows: self._prominence(rows, noise))

    def _prominence(self, rows: slice | tuple[slice, slice], noise: float) -> Plane:
        best = self.best[rows]
        others = self.total[rows] - np.exp(best.astype(np.float32) / STEPS)
        mean = np.maximum(others, 0) / np.maximum(self.seen[rows] - 1, 1)
        return np.asarray(_above(best, noise) - np.log(mean + noise), np.float32)

    def _in_bands(self, of: Callable[[slice], Plane]) -> Plane:
        """A plane made a few rows at a time: half a dozen planes on the way would be the peak of a live stack."""
        plane = np.empty(self.shape, np.float32)
        for rows in self._bands():
            plane[rows] = of(rows)
        return plane

    def _bands(self) -> Iterator[slice]:
        for top in range(0, self.shape[0], _BAND_ROWS):
            yield slice(top, top + _BAND_ROWS)


def _logs(energy: Plane, covered: NDArray[np.bool_]) -> Logs:
    logs = cv2.log(energy + _FLOOR) * np.float32(STEPS)
    np.copyto(logs, NOWHERE, where=~covered)
    return np.asarray(np.rint(logs, out=logs), np.int16)


def _above(logs: Logs, noise: float) -> Plane:
    """Logarithm of a measure and the noise, float32, natural units."""
    return np.asarray(np.log(np.exp(logs.astype(np.float32) / STEPS) + np.float32(noise)))
