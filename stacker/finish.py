"""The end of a fusion: the bands put together into a picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import pyramid
from stacker.methods import Method
from stacker.patches import Patch, patches
from stacker.planes import Planes, neutral
from stacker.prior import Prior, blended_frames
from stacker.state import CONTRAST_STEPS, FINE_LEVELS, Band, RunningFusion, enlarge, reduce
from stacker.validarea import Rectangle

Plane = NDArray[Any]  # float32

_APRON_PX = 8
_PATCH_PX = 512, 512
_MOST_RESTORED = 2.0  # contrast is never given back more than twofold


def finish(
    running: RunningFusion,
    method: Method,
    prior: Prior | None,
    area: Rectangle,
    coarse: list[Plane] | None = None,
) -> Planes:
    """The fused picture, cropped to area (x, y, width, height). The running result stays as it is.

    x and y must be even where chroma has half the size. A running result that holds only some rows of the finest
    levels must hold parts.OVERLAP_PX more than the area has above and below, as far as the canvas goes. Returns
    planes of uint8, or uint16 for exact means. coarse: what `put_coarse_together` gave, to save doing it again.
    """
    dtype = np.uint16 if running.exact else np.uint8
    planes = put_coarse_together(running, method, prior) if coarse is None else list(coarse)
    shift = running.chroma_shift
    first_row = 0  # of the planes
    for level in reversed(range(FINE_LEVELS)):
        band = running.bands[level]
        done = [level == 0, level == shift, level == shift][: len(band.means)]
        crop, needed = _crop(area, level), _needed(area, level, running.canvas)
        above: list[NDArray[Any]] = [
            np.empty(part.size[::-1], dtype if is_done else np.float32)
            for is_done, part in ((is_done, crop if is_done else needed) for is_done in done)
        ]
        for patch in patches((needed.bottom - needed.top, needed.right), _PATCH_PX):
            patch = patch.raised(-needed.top)
            joined = _joined(running, method, prior, level, patch, planes, first_row)
            for index, plane in enumerate(joined):
                if done[index]:
                    here, there = patch.common(crop).within(patch), patch.common(crop).within(crop)
                    above[index][there] = _coded(plane[here], dtype, neutral(dtype) if index else 0)
                else:
                    above[index][patch.within(needed)] = plane
        planes, first_row = above + planes[len(above) :], needed.top
    luma, blue, red = planes
    return Planes(luma, blue, red, shift)


def small_picture(running: RunningFusion, method: Method, prior: Prior | None) -> Planes:
    """The fused picture at a quarter of its size (or as near as its levels allow), quickly, for a preview."""
    planes = put_coarse_together(running, method, prior)
    height, width = (max(side >> FINE_LEVELS, 1) for side in running.shape)
    y, cb, cr = (
        _coded(plane[:height, :width], np.uint8, 128 if index else 0) for index, plane in enumerate(planes)
    )
    return Planes(y, cb, cr, 0)


def put_coarse_together(running: RunningFusion, method: Method, prior: Prior | None) -> list[Plane]:
    """Luma and chroma (about 0), float32, at the finest of the levels that are put together whole."""
    base = running.bands[-1]
    planes = [mean.astype(np.float32) / base.steps for mean in base.means]
    for level in reversed(range(FINE_LEVELS, running.levels)):
        planes = _joined(running, method, prior, level, Patch(0, 0, *running.bands[level].shape), planes, 0)
    return planes


def _joined(
    running: RunningFusion,
    method: Method,
    prior: Prior | None,
    level: int,
    place: Patch,
    lower: list[Plane],
    first_row: int,
) -> list[Plane]:
    """One band on top of what lies below it, in one place: luma, and chroma where the level has it.

    lower: the next level from its first_row on.
    """
    band = running.bands[level]
    held = place.grown(_APRON_PX, (running.canvas[0] >> level, running.canvas[1] >> level))
    below, inner = held.at(1).raised(first_row), place.within(held)
    gains = _restoring(band, method, prior, level, held.at(2))
    if level < FINE_LEVELS and prior is not None:
        gains *= _without_noise(running, prior, level, held)
    gain = enlarge(gains, held.size[::-1])[inner] / band.steps
    stored = place.raised(band.first_row)
    out = []
    for mean, plane in zip(band.means, lower[: len(band.means)], strict=True):
        detail = cv2.multiply(mean[stored.rows, stored.columns], gain, dtype=cv2.CV_32F)
        out.append(cv2.add(detail, pyramid.up(plane[below.rows, below.columns])[inner]))
    return out


def _restoring(band: Band, method: Method, prior: Prior | None, level: int, cells: Patch) -> Plane:
    """By how much to multiply a band for the contrast that its most contrasty frame has, per cell of 4x4."""
    stored = cells.raised(band.first_row >> 2)
    here = stored.rows, stored.columns
    mean = np.maximum(band.mean_contrast[here], 1).astype(np.float32)
    ratio = np.clip(band.top_contrast[here] / mean, 1.0, _MOST_RESTORED)
    if prior is None:
        return np.asarray(ratio**method.restore, np.float32)
    mixed = prior.patch(level, level + 2, cells).mixed
    return np.asarray(ratio ** (method.restore * mixed), np.float32)


def _without_noise(running: RunningFusion, prior: Prior, level: int, held: Patch) -> Plane:
    """By how much to multiply a fine band where no frame shows any detail, per cell of 4x4.

    The mean of n frames keeps what they share and 1/n of their noise's energy, so the energies of the band in the
    frames and in the mean tell the two apart. What noise is left is weighed down by the signal's share of the energy
    (N. Wiener: Extrapolation, Interpolation, and Smoothing of Stationary Time Series, 1949).
    """
    cells = held.at(2)
    empty = prior.empty(level + 2, cells)
    if not empty.any():
        return np.ones(empty.shape, np.float32)
    band = running.bands[level]
    pixels = held.raised(band.first_row)
    means = [mean[pixels.rows, pixels.columns].astype(np.float32) for mean in band.means]
    in_mean = np.sum([reduce(reduce(np.square(mean))) for mean in means], axis=0) / np.float32(band.steps**2)
    in_frames = _energy(band, cells)
    if level:  # a frame's contrast counts that of the next finer band
        in_frames -= reduce(_energy(running.bands[level - 1], cells.finer()))
    in_mean, in_frames = cv2.blur(in_mean, (3, 3)), cv2.blur(in_frames, (3, 3))
    averaged = np.minimum(blended_frames(prior.patch(level, level + 2, cells).sharpness), running.frames)
    noise = np.maximum(in_frames - in_mean, 0) / np.maximum(averaged - 1, 1)
    signal = np.maximum(in_mean - noise, 0) / np.maximum(in_mean, np.float32(1e-6))
    return np.asarray(1 - empty * (1 - signal), np.float32)


def _energy(band: Band, cells: Patch) -> Plane:
    """Of the frames' details, squares of levels of 255, per cell of 4x4."""
    stored = cells.raised(band.first_row >> 2)
    contrast = band.mean_contrast[stored.rows, stored.columns]
    return np.square(contrast / np.float32(CONTRAST_STEPS))


def _coded(values: Plane, dtype: type, centre: int) -> NDArray[Any]:
    """Levels of 255 about 0 as code values, rounded; centre: where 0 lies."""
    top = np.iinfo(dtype).max
    depth = cv2.CV_16U if dtype == np.uint16 else cv2.CV_8U
    if not values.size:
        return np.empty(values.shape, dtype)
    return np.asarray(cv2.addWeighted(values, top / 255, values, 0, centre, dtype=depth))


def _needed(area: Rectangle, level: int, canvas: tuple[int, int]) -> Patch:
    """The rows of a level, of full width, that the area is put together from."""
    height, width = canvas
    rows = Patch(area[1], 0, area[1] + area[3], width)
    for number in range(level + 1):
        rows = _on_a_grid(rows.grown(_APRON_PX if number else 0, (height, width)).at(min(number, 1)))
        height, width = height >> min(number, 1), width >> min(number, 1)
    return Patch(rows.top, 0, min(rows.bottom, height), width)


def _on_a_grid(rows: Patch, step: int = 8) -> Patch:
    return Patch(rows.top // step * step, rows.left, -(-rows.bottom // step) * step, rows.right)


def _crop(area: Rectangle, level: int) -> Patch:
    """The part of a level that area is, its last pixels included."""
    x, y, width, height = area
    last = (1 << level) - 1
    return Patch(y >> level, x >> level, (y + height + last) >> level, (x + width + last) >> level)
