"""The first pass: every frame once as a small copy, for its alignment and for where it is sharp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import memory, pyramid
from stacker import transforms as tf
from stacker.align import Aligner, Alignment, RelativeAlignment
from stacker.errors import InputError
from stacker.focusmap import FocusMap, focus_map
from stacker.focuspeaks import FocusPeaks, focus_measure
from stacker.focussteps import FocusSteps, focus_steps
from stacker.kernel.surveys import can_measure, measure
from stacker.planes import from_bgr, neutral
from stacker.saying import say
from stacker.sequence import Signature, signature
from stacker.settings import AlignSettings
from stacker.sharpsofar import sharp_so_far, step_for
from stacker.transforms import Transform
from stacker.transformsfile import KnownAligner

Array = NDArray[Any]

_HALF_SIZE_FROM = 2.5e6  # px; smaller frames are surveyed at full size: their finest detail is all they have
_ALIGN_WIDTH = 1014  # px; copies of about this width hold 0.3 px of a 4056 px frame
_BAND_ROWS = 256  # of a small copy, measured at once
_BAND_APRON = 32  # rows around them, more than the blurs of the measure reach
_RUNS_HELD = 4  # of frames that fit one another but not the other runs; each takes 20 MB for 12 MP frames
_FEWEST_PEAKS = 2  # frames, before any place can have been sharper than it is now
_MARGIN = 0.08  # of the frame on every side, for frames that show more than the first one


def survey_scale(shape: tuple[int, int]) -> int:
    """How many times smaller the survey's copies of (height, width) frames are."""
    return 2 if shape[0] * shape[1] >= _HALF_SIZE_FROM else 1


def align_scale(shape: tuple[int, int]) -> int:
    """How many times smaller the copies are that frames of (height, width) are aligned on: 1, 2, 4 or 8."""
    wanted = max(shape) / _ALIGN_WIDTH
    return min((1, 2, 4, 8), key=lambda scale: abs(np.log(scale / wanted)))


@dataclass
class _Grid:
    """Cells of `cell` px over a frame and a margin around it."""

    frame: tuple[int, int]
    cell: int

    @property
    def margin(self) -> tuple[int, int]:
        """Cells left of and above the frame."""
        return int(_MARGIN * self.frame[1]) // self.cell, int(_MARGIN * self.frame[0]) // self.cell

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        x, y = self.margin
        return self.frame[0] // self.cell + 2 * y, self.frame[1] // self.cell + 2 * x

    def of(self, transform: Transform) -> Transform:
        """A transform to the frame at full size, as one from cells without to cells with the margin."""
        cells = tf.to_low(transform, self.cell)
        cells[:, 2] += self.margin
        return cells


@dataclass(frozen=True)
class Surveyed:
    """What a survey found, seen from its reference frame; frames are numbered as they were added."""

    alignments: tuple[Alignment, ...]  # of every frame
    fitting: tuple[int, ...]  # the frames that fit the reference frame: the slots of the focus map
    focus: FocusMap  # on cells of 2**grid_level px of the reference frame and its canvas
    grid_level: int
    sharpness: tuple[float, ...]  # of every frame; comparable within the bracket
    steps: FocusSteps  # between the frames that fit; known at the end


class Survey:
    """Takes in the frames of a bracket in order; then knows how they lie and where each is sharp."""

    def __init__(
        self, shape: tuple[int, int], settings: AlignSettings, known: KnownAligner | None = None
    ) -> None:
        self.shape = shape
        self.scale = survey_scale(shape)
        self._align_scale = max(align_scale(shape), self.scale)
        self._grid = _Grid(shape, 2 * self.scale)
        self._aligner = Aligner(shape, self._align_scale, settings) if known is None else known
        # Frames that cannot be aligned with one another are surveyed apart; the key is the first of each run.
        self._peaks: dict[int, FocusPeaks] = {}
        self.sharpness: list[float] = []
        self.signatures: list[Signature] = []  # of every frame, see stacker.sequence

    def __len__(self) -> int:
        return len(self._aligner)

    def add(self, low: Array, energy: Array | None = None) -> RelativeAlignment:
        """Take in the next frame: (h // scale, w // scale, 3) BGR, uint8 or uint16. energy: see energy_of, if known."""
        return self.add_small(self.to_align(low), energy_of(low) if energy is None else energy)

    def to_align(self, low: Array) -> Array:
        """What the frame is aligned on: all that is needed of a small copy besides its focus measure."""
        if self._align_scale == self.scale:
            return low
        step = self._align_scale // self.scale
        size = low.shape[1] // step, low.shape[0] // step
        return np.asarray(cv2.resize(low, size, interpolation=cv2.INTER_AREA))

    def add_small(self, small: Array, energy: Array) -> RelativeAlignment:
        """The same as add, from what to_align and energy_of give."""
        relative = self._aligner.add(small)
        index = relative.index
        self.signatures.append(signature(energy))
        self.sharpness.append(float(np.sqrt(np.percentile(energy, 99))))
        for base, peaks in self._peaks.items():
            alignment = self._aligner.alignment(index, base)
            if alignment.used:
                self._add_to(peaks, alignment, energy)
                return relative
        if len(self._peaks) == _RUNS_HELD:
            del self._peaks[min(self._peaks, key=lambda base: len(self._peaks[base].frames))]
        self._peaks[index] = FocusPeaks(self._grid.shape, continues=False)
        self._add_to(self._peaks[index], self._aligner.alignment(index, index), energy)
        return relative

    def against_first(self, index: int) -> Alignment:
        """Frame `index` against the first one, as soon as it was added."""
        return self._aligner.alignment_to_first(index)

    def _add_to(self, peaks: FocusPeaks, alignment: Alignment, energy: Array) -> None:
        to_grid = self._grid.of(alignment.transform)
        size = self._grid.shape[1], self._grid.shape[0]
        warped = cv2.warpAffine(energy, to_grid, size, flags=cv2.INTER_LINEAR)
        full = np.full(energy.shape, 255, np.uint8)
        covered = np.asarray(cv2.warpAffine(full, to_grid, size, flags=cv2.INTER_LINEAR), np.uint8)
        light = float(np.mean(alignment.gain))
        peaks.add(alignment.index, np.multiply(warped, np.float32(light**2), out=warped), covered)

    def suggest_reference(self) -> int:
        """The middle one of the frames that fit together."""
        suggested = self._aligner.suggest_reference()
        longest = max((peaks.frames for peaks in self._peaks.values()), key=len)
        held = any(suggested in peaks.frames for peaks in self._peaks.values())
        return suggested if held else longest[len(longest) // 2]

    def first_of_most(self) -> int:
        """The first of the frames that fit together."""
        suggested = self.suggest_reference()
        return next(peaks.frames[0] for peaks in self._peaks.values() if suggested in peaks.frames)

    def fitting(self, reference: int) -> tuple[int, ...]:
        """The frames that fit a frame, in order: the slots of the focus map seen from there."""
        return next((tuple(of.frames) for of in self._peaks.values() if reference in of.frames), ())

    def alignment(self, index: int, reference: int) -> Alignment:
        """One frame against another; both must have been added."""
        return self._aligner.alignment(index, reference)

    def result(self, reference: int, last: bool = False, ahead: bool = False) -> Surveyed:
        """What is known now, seen from a frame. Raises InputError if too few frames fit that.

        last: nothing will be asked or added any more, so that the memory may be given back on the way. ahead: more
        frames are to come; a place that still grows sharper is expected to be sharpest in one of those.
        """
        runs = [(base, peaks) for base, peaks in self._peaks.items() if reference in peaks.frames]
        if not runs:
            raise InputError(
                say(
                    "stacker.reference_apart",
                    "the reference frame fits too few of the others; leave the choice open, or take another",
                )
            )
        base, peaks = runs[0]
        noise = peaks.noise()
        canvas = pyramid.padded_shape(self.shape, pyramid.level_count(self.shape))
        size = canvas[1] // self._grid.cell, canvas[0] // self._grid.cell
        to_grid = self._grid.of(self._aligner.alignment(reference, base).transform)
        alignments = tuple(self._aligner.solve(reference))
        if last:
            self._peaks.clear()
            del self._aligner

        def in_reference(plane: Array) -> Array:
            flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP  # between two depths there is no depth
            return np.asarray(
                cv2.warpAffine(plane, to_grid, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
            )

        width, frames = peaks.width(noise), tuple(peaks.frames)
        steps = focus_steps(peaks, noise, width) if last else FocusSteps()
        planes = [in_reference(of(noise)) for of in (peaks.strength, peaks.prominence)]
        planes.append(in_reference(peaks.position(noise, width if ahead else None)))
        covered = in_reference((peaks.seen > 0).view(np.uint8))
        del runs, peaks  # with last, their memory
        memory.trim()
        focus = focus_map(planes.pop(), planes.pop(), planes.pop(), width, len(frames), covered)
        return Surveyed(
            alignments,
            frames,
            focus,
            self.grid_level,
            tuple(self.sharpness),
            steps,
        )

    def sharp_so_far(self) -> tuple[tuple[int, ...], Array] | None:
        """The frames that fit the first one, and what of it is sharp already, see stacker.sharpsofar.

        None when too few fit to tell.
        """
        peaks = self._peaks.get(0)
        if peaks is None or len(peaks.frames) < _FEWEST_PEAKS:
            return None
        left, top = self._grid.margin
        rows, columns = (side // self._grid.cell for side in self.shape)
        step = step_for(columns)
        across = slice(left + step // 2, left + columns, step)
        down = slice(top + step // 2, top + rows, step)
        return tuple(peaks.frames), sharp_so_far(peaks.thinned(down, across))

    @property
    def grid_level(self) -> int:
        """Cells of the focus map are 2**grid_level px wide."""
        return self.scale


def energy_of(low: Array) -> Array:
    """The focus measure of a small copy, in bands of rows: whole planes of float32 would be the peak of a job."""
    height, width = low.shape[0] & ~1, low.shape[1] & ~1  # a measure stands for 2x2 pixels
    low = low[:height, :width]
    if can_measure(low):
        return measure(low)
    out = np.empty((height // 2, width // 2), np.float32)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        start = max(top - _BAND_APRON, 0)
        band = _energy_of_band(low[start : min(bottom + _BAND_APRON, height)])
        rows = slice(top // 2, bottom // 2)
        out[rows] = band[rows.start - start // 2 : rows.stop - start // 2]
    return out


def _energy_of_band(low: Array) -> Array:
    scale = 1.0 if low.dtype == np.uint8 else 1 / 257.0
    planes = from_bgr(low, chroma_shift=1)
    luma = planes.y.astype(np.float32)
    chroma = np.dstack([planes.cb, planes.cr]).astype(np.float32) - neutral(low.dtype)
    if scale != 1.0:
        luma *= scale
        chroma *= scale
    return focus_measure(luma, chroma)
