"""Photometry: how many times brighter a frame must become to be as bright, and as white, as another.

Exposure, flash and white balance multiply light. Code values follow the sRGB curve, nearly
light ** (1 / 2.4) * 1.055 - 0.055, so a change of light multiplies code + 0.055. Gains are stated for that, and
`apply_gain` does it. Multiplying plain code values errs by less than a level of 255 at 5 % flicker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.light import PIVOT, light_of, shifted_code_of
from stacker.transforms import Transform, invert

Array = NDArray[Any]
Gain = NDArray[np.float64]

_CELL_PX = 16  # low pixels a cell is wide: defocus of any usable frame moves little light across it
_CLIPPED = 250  # of 255: JPEG leaves the end of the scale a few levels wide
_MIN_CELLS = 12
_DARK = 0.03  # of full scale: below, black level and noise decide, not exposure
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
    light = cv2.resize(light_of(cut), (columns, rows), interpolation=cv2.INTER_AREA)
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

    frame_to_reference: transform between the low copies the tones were measured on. Cells that are clipped or
    dark in either frame do not count; cells that changed for another reason (something moved) are outvoted.
    """
    moved = _on_grid_of(reference, frame, frame_to_reference)
    light, clipped, inside = moved
    gain = np.ones(3)
    for channel in range(3):
        # Encoded last: interpolated codes would be too dark in every contrasty cell, 0.1 % more with each frame.
        ours, theirs = shifted_code_of(reference.light[..., channel]), shifted_code_of(light[..., channel])
        usable = inside & (clipped[..., channel] < 0.01) & (reference.clipped[..., channel] < 0.01)
        usable &= np.minimum(ours, theirs) > _DARK + PIVOT
        if usable.sum() >= _MIN_CELLS:
            ratio = np.log(ours[usable] / theirs[usable])
            gain[channel] = np.exp(_robust_mean(ratio, np.minimum(ours[usable], 0.5) ** 2))
    return np.clip(gain, *_GAIN_LIMITS)


def _on_grid_of(
    reference: Tones, frame: Tones, frame_to_reference: Transform
) -> tuple[Any, Any, NDArray[np.bool_]]:
    """Values and clipping of the frame's cells moved onto the reference's cells, and where that is known."""
    cell = frame.cell_px
    # cell centre c lies on low pixel (c + 0.5) * cell - 0.5
    scale = np.array([[cell, 0, 0.5 * cell - 0.5], [0, cell, 0.5 * cell - 0.5]])
    back = invert(frame_to_reference)
    linear = back[:, :2]
    shift = (linear @ scale[:, 2] + back[:, 2] - scale[:, 2]) / cell
    to_frame = np.column_stack([linear, shift])
    rows, columns = reference.light.shape[:2]
    stacked = np.concatenate([frame.light, frame.clipped], axis=2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    parts = [
        cv2.warpAffine(
            np.ascontiguousarray(stacked[..., n : n + 3]),
            to_frame,
            (columns, rows),
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for n in (0, 3)
    ]
    inside = (
        cv2.warpAffine(np.ones(frame.light.shape[:2], np.float32), to_frame, (columns, rows), flags=flags)
        > 0.999
    )
    return parts[0], parts[1], inside


def _robust_mean(values: Array, weight: Array) -> float:
    """Weighted mean that outliers cannot pull: from the median, Tukey's biweight at 4.7 robust deviations."""
    centre = float(np.median(values))
    for _ in range(5):
        spread = 1.4826 * float(np.median(np.abs(values - centre))) + 1e-4
        keep = np.clip(1 - ((values - centre) / (4.7 * spread)) ** 2, 0, None) ** 2 * weight
        centre = float(np.average(values, weights=keep))
    return centre


def gain_table(gain: Gain, depth: type[np.uint8] | type[np.uint16] = np.uint8) -> Array:
    """(256, 3) or (65536, 3) table of corrected code values for each old one, B, G, R."""
    top = np.iinfo(depth).max
    code = np.arange(top + 1, dtype=np.float64)[:, None] / top
    corrected = (code + PIVOT) * np.asarray(gain, np.float64) - PIVOT
    corrected[0] = 0  # black stays black
    return np.rint(np.clip(corrected, 0, 1) * top).astype(depth)


def apply_gain(image: Array, gain: Gain) -> Array:
    """`gain` applied to (h, w, 3) BGR of uint8, uint16 or float in 0..1; the image itself if the gain is 1."""
    if np.allclose(gain, 1.0, atol=1e-4):
        return image
    if image.dtype == np.uint8:
        return np.asarray(cv2.LUT(image, gain_table(gain).reshape(1, 256, 3)))
    if image.dtype == np.uint16:
        table = gain_table(gain, np.uint16)
        return np.stack([np.take(table[:, c], image[..., c]) for c in range(3)], axis=-1)
    return np.asarray(np.clip((image + PIVOT) * np.asarray(gain, image.dtype) - PIVOT, 0, 1), image.dtype)
