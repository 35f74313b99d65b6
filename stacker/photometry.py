"""Photometry: how many times brighter a frame must become to be as bright, and as white, as another.

Exposure, flash and white balance multiply light. Code values follow the sRGB curve, nearly
light ** (1 / 2.4) * 1.055 - 0.055, so a change of light multiplies code + 0.055. Gains are stated for that,
and `apply_gain` does it. Multiplying plain code values errs by less than a level of 255 at 5 % flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.light import EXPONENT, PIVOT, light_of
from stacker.middle import median
from stacker.transforms import Transform, invert, to_low

__all__ = ["PIVOT", "Gain", "Tones", "apply_gain", "estimate_gain", "gain_table", "measure_tones"]

Array = NDArray[Any]
Gain = NDArray[np.float64]

_CELL_PX = 16  # low pixels a cell is wide: defocus of any usable frame moves little light across it
_CLIPPED = 250  # of 255: JPEG leaves the end of the scale a few levels wide
_MIN_CELLS = 12
_ENOUGH_CELLS = 0.1  # of the picture
_DARK = 0.5  # light, white = 255: below, black level and noise decide, not exposure
_CLIPPED_SHARE = 0.01  # of a cell
_MOSTLY_CLIPPED = 0.2  # of a cell: glints so dense say little even where nothing else does
_BLOCK_CELLS = 4  # a block: wide enough that little light of a defocused edge leaves it
_COLOUR_SPREAD = 0.08  # of light; blocks that differ so much among themselves tell little about white balance
_LUMA = np.array([0.114, 0.587, 0.299])  # B, G, R; BT.601
_GAIN_LIMITS = (0.25, 4.0)  # two stops; more is another picture


@dataclass(frozen=True)
class Tones:
    """How bright the cells of a frame are. All arrays (rows, columns, 3), B, G, R."""

    light: Array  # mean light, white = 255
    clipped: Array  # share of the cell's pixels at the end of the scale, 0..1
    cell_px: int


def measure_tones(low: Array) -> Tones:
    """Mean light per cell of a (h, w, 3) BGR or (h, w) low copy of any usual depth.

    Averaged as light, not as code values: blur conserves light, so a contrasty texture keeps its mean when it
    goes out of focus.
    """
    codes = _as_bytes(low)
    height, width = codes.shape[:2]
    cell = min(_CELL_PX, max(1, min(height, width) // 8))
    columns, rows = width // cell, height // cell
    cut = codes[: rows * cell, : columns * cell]
    # A channel at a time: three of them as float would be the largest array of the whole alignment.
    light = cv2.merge(
        [
            cv2.resize(light_of(channel), (columns, rows), interpolation=cv2.INTER_AREA)
            for channel in cv2.split(cut)
        ]
    )
    over = cv2.threshold(cut, _CLIPPED - 1, 255, cv2.THRESH_BINARY)[1]
    clipped = cv2.resize(over, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    # Smooth cells lose nothing when they are interpolated; rough ones would all come out a little darker.
    return Tones(cv2.GaussianBlur(light, (5, 5), 0), clipped, cell)


def _as_bytes(low: Array) -> Array:
    """8-bit BGR: cell means need no more depth than that, their noise is far below a level."""
    if low.dtype == np.uint16:
        low = cv2.convertScaleAbs(low, alpha=1 / 257.0)
    elif low.dtype != np.uint8:
        low = cv2.convertScaleAbs(low.astype(np.float32), alpha=255.0)
    return np.asarray(cv2.cvtColor(low, cv2.COLOR_GRAY2BGR) if low.ndim == 2 else low, np.uint8)


def estimate_gain(reference: Tones, frame: Tones, frame_to_reference: Transform) -> Gain:
    """(3,) factors B, G, R that bring `frame` to the brightness of `reference`; 1 where nothing can be said.

    frame_to_reference: transform between the low copies the tones were measured on. Cells clipped in either
    frame do not count, nor do their neighbours; blocks that changed for another reason are outvoted.
    """
    light, clipped, inside = _on_grid_of(reference, frame, frame_to_reference)
    usable = _away_from_highlights(inside, np.maximum(clipped, reference.clipped).max(axis=2))
    count = _block_sums(usable.astype(np.float32))
    logarithm, trust = np.zeros(3), np.zeros(3)
    for channel in range(3):
        ours = _block_sums(reference.light[..., channel] * usable)
        theirs = _block_sums(light[..., channel] * usable)
        bright = (count > 0) & (np.minimum(ours, theirs) > _DARK * count)
        if count[bright].sum() >= _MIN_CELLS:
            ratio, spread = _robust_ratio(ours[bright], theirs[bright])
            logarithm[channel], trust[channel] = np.log(ratio), 1 / (1 + (spread / _COLOUR_SPREAD) ** 2)
    return np.clip(np.exp(_colour_if_sure(logarithm, trust) / EXPONENT), *_GAIN_LIMITS)


def _away_from_highlights(inside: Array, clipped: Array) -> Array:
    """Cells to measure on: not clipped nor beside a clipped one; if glints are everywhere, as far as possible.

    Light that a blurred highlight has spilled beside it is missing in the frame where it is sharp.
    """
    over = clipped > _CLIPPED_SHARE
    beside = cv2.dilate(over.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for usable in (inside & ~beside, inside & ~over):
        if usable.sum() >= max(_MIN_CELLS, _ENOUGH_CELLS * inside.sum()):
            return np.asarray(usable)
    return np.asarray(inside & (clipped < _MOSTLY_CLIPPED))


def _colour_if_sure(logarithm: Array, trust: Array) -> Array:
    """Every channel's own change, drawn towards the common one where its blocks disagree about it.

    A change of exposure or white balance is the same everywhere. Where it is not (another tone curve, blur
    that mixes colours), a gain per channel would tint the frame: worse than a little too bright.
    """
    weight = _LUMA * (trust > 0)
    if not weight.any():
        return np.zeros(3)
    common = float(weight @ logarithm / weight.sum())
    return np.asarray(common + trust * (logarithm - common))


def _on_grid_of(reference: Tones, frame: Tones, frame_to_reference: Transform) -> tuple[Array, Array, Array]:
    """Light and clipping of the frame's cells moved onto the reference's cells, and where they are known."""
    # A cell is a pixel of a copy cell_px times smaller.
    back = invert(to_low(frame_to_reference, frame.cell_px))
    rows, columns = reference.light.shape[:2]

    def moved(cells: Array) -> Array:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(cells, back, (columns, rows), flags=flags))

    return moved(frame.light), moved(frame.clipped), moved(np.ones(frame.light.shape[:2], np.float32)) > 0.999


def _block_sums(cells: Array) -> Array:
    """Sums over blocks of cells; those at the far edges may be smaller."""
    rows = np.add.reduceat(cells, np.arange(0, cells.shape[0], _BLOCK_CELLS), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, cells.shape[1], _BLOCK_CELLS), axis=1))


def _robust_ratio(ours: Array, theirs: Array) -> tuple[float, float]:
    """Sum of ours over sum of theirs without outliers, and how much the blocks differ (deviation).

    A ratio of sums, not a mean of ratios: what blur carries from a bright block to a dark one cancels. From
    the median on, with Tukey's biweight at 4.7 deviations.
    """
    logarithm = np.log(ours / theirs)
    ratio = float(np.exp(median(logarithm)))
    for _ in range(8):
        off = np.abs(logarithm - np.log(ratio))
        spread = 1.4826 * median(off) + 2e-3
        keep = np.clip(1 - (off / (4.7 * spread)) ** 2, 0, None) ** 2
        ratio = float((keep * ours).sum() / (keep * theirs).sum())
    return ratio, spread


def gain_table(gain: Gain, depth: type[np.uint8] | type[np.uint16] = np.uint8) -> Array:
    """(256, 3) or (65536, 3) table of corrected code values for each old one, B, G, R."""
    top = np.iinfo(depth).max
    code = np.arange(top + 1, dtype=np.float64)[:, None] / top
    corrected = (code + PIVOT) * np.asarray(gain, np.float64) - PIVOT
    corrected[0] = 0  # black stays black
    return np.rint(np.clip(corrected, 0, 1) * top).astype(depth)


def apply_gain(image: Array, gain: Gain) -> Array:
    """`gain` applied to (h, w, 3) BGR of uint8, uint16 or float in 0..1; the same array if the gain is 1."""
    if np.allclose(gain, 1.0, atol=1e-4):
        return image
    if image.dtype == np.uint8:
        return np.asarray(cv2.LUT(image, gain_table(gain).reshape(1, 256, 3)))
    if image.dtype == np.uint16:
        table = gain_table(gain, np.uint16)
        return np.stack([np.take(table[:, c], image[..., c]) for c in range(3)], axis=-1)
    return np.asarray(np.clip((image + PIVOT) * np.asarray(gain, image.dtype) - PIVOT, 0, 1), image.dtype)
