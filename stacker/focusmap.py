"""The focus map: a clean depth from the peaks of the survey, and how far it may be trusted where.

It steers the fusion: where the peaks are clear and vary smoothly, few frames around the depth are blended; where
nothing is sharp, many are averaged, and noise with them; where depths lie side by side or behind one another
(hairs over a background), the pyramid's own contrast decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32

# Peaks that stand out less than the first are noise, more than the second are certain (natural logarithm of
# peak over mean). Measured on brackets of known depth: 95 % of the cells above the second are right to 0.3 frames.
_UNCERTAIN, _CERTAIN = 0.35, 0.90
# In widths of the focus peak: a Gaussian this wide around the depth keeps 0.97 of the sharpest frame's finest detail
# where frames are as dense as they should be, and averages the more of them the denser they are.
_BLEND, _LEAST_BLEND = 0.25, 0.30  # the least in frames: narrower would only choose between two
_AVERAGE = 1.5  # more where nothing is sharp
_AVERAGE_SHARE = 0.1  # of the frames at most: the mean of a few costs more contrast than it saves noise
# Where no frame is sharp, the place of the peak is chance, and scatters over the whole bracket from cell to cell. So
# much scatter (by that of places drawn evenly) and so little prominence, both over a few cells, make a place empty.
_SCATTER_CELLS = 5
_CHANCE, _ORDER = 0.50, 0.25
_EMPTY, _FULL = 0.50, 0.70
_LEAST_FRAMES = 5  # places of fewer say nothing about chance
# A jump between neighbouring cells above this is an edge in depth; the least in frames.
_STEP, _LEAST_STEP = 0.75, 1.0
# Out of focus, a bright detail spills light around it, and that has edges of its own. A peak that is weaker than a
# peak within so many cells by more than this (natural logarithm of the measures) may be such an edge.
_SPILL_CELLS, _SPILL = 12, 2.5
# Such edges are rings, in other frames the farther away they are. Where peaks so prominent scatter as little as the
# first, from there on less and less, it is a surface that the spilled light falls on.
_SURFACE, _CLEAR = (0.15, 0.35), (0.5, 0.8)
_FAR_APART = 0.75, 0.90  # width of the peaks in frames: not below the first, altogether above the second
# Fewer frames are averaged there, by this share: those farther away hold the spilled light.
_SPILL_NARROWS = 0.5
_REACH = 2  # cells around such an edge where contrast decides


@dataclass(frozen=True)
class FocusMap:
    """Depth and trust on a coarse grid, in the geometry of the reference frame.

    All (h, w), float32. depth: slot of the sharpest frame, with fractions. confidence: 0..1. sharpness: 1 / variance,
    in frames, of the blend around the depth. mixed: 0 where depth decides, 1 where contrast does. strength: natural
    logarithm of the largest focus measure of any frame, float16. empty: 1 where no frame shows anything but noise, 0
    where one does, float16.
    """

    depth: Plane
    confidence: Plane
    sharpness: Plane
    mixed: Plane
    strength: Plane
    empty: Plane


def focus_map(
    position: Plane,
    prominence: Plane,
    strength: Plane,
    width: float,
    frames: int,
    covered: NDArray[np.uint8] | None = None,
) -> FocusMap:
    """Clean and fill the sub-frame positions of the peaks.

    position: (h, w) float32, slots. prominence, strength: (h, w) float32, see FocusPeaks. width: of the peaks, in
    frames, see FocusPeaks.width. frames: how many there are. covered: (h, w), 1 where any frame has looked, else 0;
    None for everywhere.
    """
    # A plane is let go or written over as soon as it is of no more use: in a live stack they would be the peak.
    spill, strength = spilled(strength), strength.astype(np.float16)
    empty = emptiness(position, prominence, frames)
    confidence = certainty(prominence)
    confidence *= 1 - empty
    empty = empty.astype(np.float16, copy=False)
    near = np.ones((3, 3), np.uint8)
    # A surface in spilled light keeps its depth, but its noise is averaged like that of all that is faint.
    trust = 1 - spill
    trust *= confidence
    trust = cv2.GaussianBlur(cv2.dilate(trust, near), (0, 0), 1.5)
    np.clip(trust, 0, 1, out=trust)
    disorder = orderliness(position, prominence, width, frames)
    del prominence
    np.subtract(1, disorder, out=disorder)
    disorder *= spill
    np.subtract(1, disorder, out=disorder)
    confidence *= disorder
    del disorder
    smooth = cv2.medianBlur(position, 3)
    if covered is not None:  # what was never looked at must not speak for the row beside it
        np.copyto(smooth, position, where=covered > cv2.erode(covered, near))
    del position
    depth = fill(smooth, confidence)
    del smooth
    more = min(_AVERAGE * max(width, 1), _AVERAGE_SHARE * frames)
    spread: Plane = 1 - trust
    spread *= more
    spread *= np.subtract(1, np.multiply(spill, _SPILL_NARROWS, out=spill), out=spill)
    del spill
    spread += max(_LEAST_BLEND, _BLEND * width)
    np.square(spread, out=spread)
    sharpness = np.divide(np.float32(1), spread, out=spread)
    np.clip(np.multiply(trust, 1.5, out=trust), 0, 1, out=trust)
    trust *= depth_edges(depth, max(_LEAST_STEP, _STEP * width))
    return FocusMap(depth, confidence, sharpness, trust, strength, empty)


def certainty(prominence: Plane) -> Plane:
    """How sure a peak is that stands out so much, 0..1; (h, w) float32."""
    sure: Plane = prominence - np.float32(_UNCERTAIN)
    sure /= np.float32(_CERTAIN - _UNCERTAIN)
    np.clip(sure, 0, 1, out=sure)
    sure *= sure
    return sure


def emptiness(position: Plane, prominence: Plane, frames: int) -> Plane:
    """Where nothing is to be seen but noise: 1, elsewhere 0; (h, w) float32. Arguments as for focus_map."""
    if frames < _LEAST_FRAMES:
        return np.zeros(position.shape, np.float16)  # pages that nobody writes take no memory
    chance = _scatter(position, frames)
    chance -= _ORDER
    chance /= _CHANCE - _ORDER
    np.clip(chance, 0, 1, out=chance)
    around = (_SCATTER_CELLS, _SCATTER_CELLS)
    faint: Plane = cv2.blur(prominence, around)
    np.subtract(_FULL, faint, out=faint)
    faint /= _FULL - _EMPTY
    np.clip(faint, 0, 1, out=faint)
    faint *= chance
    return np.asarray(cv2.erode(faint, np.ones((3, 3), np.uint8), dst=chance))


def orderliness(position: Plane, prominence: Plane, width: float, frames: int) -> Plane:
    """Where clear peaks agree with those around them, as a surface has them: 1, elsewhere 0; (h, w) float32.

    Nowhere where frames are so far apart that a ring of spilled light is as wide as a few cells, and not at the ends
    of the bracket, where peaks agree that are no peaks: light spilled from what lies beyond.
    Arguments as for focus_map.
    """
    dense = min(max((width - _FAR_APART[0]) / (_FAR_APART[1] - _FAR_APART[0]), 0.0), 1.0)
    if frames < _LEAST_FRAMES or not dense:
        return np.zeros(position.shape, np.float32)
    agreeing = _scatter(position, frames)
    np.subtract(_SURFACE[1], agreeing, out=agreeing)
    np.divide(agreeing, _SURFACE[1] - _SURFACE[0], out=agreeing)
    np.clip(agreeing, 0, dense, out=agreeing)
    factor = np.subtract(prominence, _CLEAR[0])
    np.divide(factor, _CLEAR[1] - _CLEAR[0], out=factor)
    agreeing *= np.clip(factor, 0, 1, out=factor)
    np.subtract(frames - 1, position, out=factor)
    np.minimum(position, factor, out=factor)
    np.multiply(factor, 2, out=factor)
    agreeing *= np.clip(np.subtract(factor, 1, out=factor), 0, 1, out=factor)
    return agreeing


def _scatter(position: Plane, frames: int) -> Plane:
    """Standard deviation of the places around each cell, by that of places drawn evenly from the bracket."""
    around = (_SCATTER_CELLS, _SCATTER_CELLS)
    mean: Plane = cv2.blur(position, around)
    np.square(mean, out=mean)
    variance: Plane = np.square(position)
    variance = cv2.blur(variance, around, dst=variance)
    variance -= mean
    np.maximum(variance, 0, out=variance)
    np.multiply(variance, np.float32(12 / frames**2), out=variance)
    return np.asarray(np.sqrt(variance, out=variance))


def spilled(strength: Plane, cells: int = _SPILL_CELLS) -> Plane:
    """Where a peak is probably light spilled from a stronger detail nearby: 1, elsewhere 0; (h, w) float32."""
    side = 2 * cells + 1
    over: Plane = cv2.dilate(strength, np.ones((side, side), np.uint8))
    over -= strength
    over -= np.float32(_SPILL)
    return np.asarray(np.clip(over, 0, 1, out=over))


def fill(values: Plane, confidence: Plane, floor: float = 0.05) -> Plane:
    """Values where they are sure, what their sure neighbourhood says elsewhere: push-pull interpolation.

    After S. J. Gortler et al., The Lumigraph (SIGGRAPH 1996), section 3.4. floor: confidence at which a value
    and its surroundings weigh alike.
    """
    pulled, weights = [values * confidence], [confidence]
    while min(pulled[-1].shape) > 4:
        pulled.append(cv2.pyrDown(pulled[-1]))
        weights.append(cv2.pyrDown(weights[-1]))
    total = float(weights[-1].sum())
    mean = float(pulled[-1].sum()) / total if total > 1e-6 else float(values.mean())
    filled = np.full_like(pulled[-1], mean)
    while pulled:
        value, weight = pulled.pop(), weights.pop()
        around = cv2.resize(filled, value.shape[::-1]) if filled.shape != value.shape else filled
        value += np.multiply(around, floor, out=around)
        filled = np.divide(value, np.add(weight, floor, out=around), out=value)
    return filled


def depth_edges(depth: Plane, step: float) -> Plane:
    """Where depths meet: 1 on and around jumps of step + 1, 0 on smooth ground, soft between; (h, w) float32."""
    cell = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    edge: Plane = cv2.dilate(depth, cell)
    edge -= cv2.erode(depth, cell)
    edge -= step
    np.clip(edge, 0, 1, out=edge)
    side = 2 * _REACH + 1
    edge = cv2.dilate(edge, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(cv2.GaussianBlur(edge, (0, 0), max(_REACH / 2, 0.8)))
