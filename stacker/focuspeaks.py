"""The survey: where along the bracket each place of the picture is sharpest, frame by frame.

A first pass over small copies. It keeps, per cell of a coarse grid, the largest focus measure so far, the frame
that had it and the measure of that frame's two neighbours; a parabola through the three logarithms then gives the
focus between frames (S. K. Nayar, Y. Nakagawa: Shape from focus, IEEE PAMI 16(8), 1994, uses the same Gaussian
model of the peak). Constant in the number of frames, and mergeable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32

NOWHERE = np.float32(-30.0)  # log of the measure where no frame has looked
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

    All measures are natural logarithms, float32.
    """

    shape: tuple[int, int]
    frames: list[int] = field(default_factory=list)  # indices of the frames added, in order
    slot: NDArray[np.uint16] = field(init=False)  # position in `frames` of the sharpest one
    best: Plane = field(init=False)
    before: Plane = field(init=False)  # the measure of the frame before the sharpest one
    after: Plane = field(init=False)
    lowest: Plane = field(init=False)  # the least measure of any frame
    total: Plane = field(init=False)  # sum of the measures themselves, not of their logarithms
    seen: NDArray[np.uint16] = field(init=False)  # how many frames have covered the cell
    first: Plane | None = None
    last: Plane | None = None

    def __post_init__(self) -> None:
        self.slot = np.zeros(self.shape, np.uint16)
        self.best, self.before, self.after = (np.full(self.shape, NOWHERE) for _ in range(3))
        self.lowest = np.full(self.shape, -NOWHERE)
        self.total = np.zeros(self.shape, np.float32)
        self.seen = np.zeros(self.shape, np.uint16)

    def add(self, index: int, energy: Plane, covered: NDArray[np.bool_]) -> None:
        """Take in the measure of the next frame; covered: where that frame has looked at all."""
        here = cv2.log(energy + _FLOOR)
        here[~covered] = NOWHERE
        slot = len(self.frames)
        if slot:
            follows = self.slot == slot - 1
            np.copyto(self.after, here, where=follows)
        higher = here > self.best
        np.copyto(self.best, here, where=higher)
        np.copyto(self.before, NOWHERE if self.last is None else self.last, where=higher)
        np.copyto(self.after, NOWHERE, where=higher)
        self.slot[higher] = slot
        self.lowest = np.minimum(self.lowest, np.where(covered, here, self.lowest))
        self.total += np.where(covered, energy, 0)
        self.seen += covered
        self.frames.append(index)
        if self.first is None:
            self.first = here
        self.last = here

    def merge(self, later: FocusPeaks) -> FocusPeaks:
        """The peaks of this run and of the run that follows it, as if all had been added to one.

        Raises ValueError when the grids differ.
        """
        if later.shape != self.shape:
            raise ValueError(f"grids of {self.shape} and {later.shape} cells cannot be merged")
        if not later.frames or not self.frames:
            return later if later.frames else self
        assert self.last is not None and later.first is not None
        both = FocusPeaks(self.shape, self.frames + later.frames)
        wins = later.best > self.best
        before = np.where(later.slot == 0, self.last, later.before)
        after = np.where(self.slot == len(self.frames) - 1, later.first, self.after)
        both.slot = np.where(wins, later.slot + len(self.frames), self.slot).astype(np.uint16)
        both.best = np.maximum(self.best, later.best)
        both.before = np.where(wins, before, self.before)
        both.after = np.where(wins, later.after, after)
        both.lowest = np.minimum(self.lowest, later.lowest)
        both.total, both.seen = self.total + later.total, self.seen + later.seen
        both.first, both.last = self.first, later.last
        return both

    def noise(self) -> float:
        """Measure of a cell without detail in a frame: a low percentile of the least that any frame has."""
        lowest = self.lowest[self.seen > 0]
        return float(np.exp(np.percentile(lowest, 20))) if lowest.size else 0.0

    def position(self, noise: float) -> Plane:
        """Sub-frame position of each peak, in slots; (h, w) float32.

        At the ends of the bracket, where a neighbour is missing, the position is the frame's own.
        """
        best, before, after = (np.log(np.exp(log) + noise) for log in (self.best, self.before, self.after))
        bend = np.maximum(2 * best - before - after, 1e-3)
        inside = (self.before > NOWHERE) & (self.after > NOWHERE)
        shift = np.where(inside, np.clip(0.5 * (after - before) / bend, -0.5, 0.5), 0)
        return np.asarray(self.slot + shift, np.float32)

    def prominence(self, noise: float) -> Plane:
        """By how much each peak stands out: log of its measure over the mean of all frames, above the noise."""
        mean = self.total / np.maximum(self.seen, 1)
        return np.asarray(np.log((np.exp(self.best) + noise) / (mean + noise)), np.float32)
