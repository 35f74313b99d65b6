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
from stacker.prior import Prior
from stacker.state import Band, RunningFusion, enlarge
from stacker.validarea import Rectangle

Plane = NDArray[Any]  # float32

_WHOLE_BELOW = 2  # bands from this level on are put together whole, the finer ones in patches
_APRON_PX = 8
_PATCH_PX = 512, 512
_MOST_RESTORED = 2.0  # contrast is never given back more than twofold


def finish(running: RunningFusion, method: Method, prior: Prior | None, area: Rectangle) -> Planes:
    """The fused picture, cropped to area (x, y, width, height). The running result stays as it is.

    x and y must be even where chroma has half the size. Returns planes of uint8, or uint16 for exact means.
    """
    dtype = np.uint16 if running.exact else np.uint8
    planes = _coarse(running, method, prior)
    shift = running.chroma_shift
    for level in reversed(range(min(_WHOLE_BELOW, running.levels))):
        band = running.bands[level]
        done = [level == 0, level == shift, level == shift][: len(band.means)]
        crop = _crop(area, level)
        above: list[NDArray[Any]] = [
            np.empty((crop.bottom - crop.top, crop.right - crop.left), dtype)
            if is_done
            else np.empty(band.shape, np.float32)
            for is_done in done
        ]
        for patch in patches(band.shape, _PATCH_PX):
            joined = _joined(running, method, prior, level, patch, planes)
            for index, plane in enumerate(joined):
                if done[index]:
                    here, there = patch.common(crop).within(patch), patch.common(crop).within(crop)
                    above[index][there] = _coded(plane[here], dtype, neutral(dtype) if index else 0)
                else:
                    above[index][patch.rows, patch.columns] = plane
        planes = above + planes[len(above) :]
    luma, blue, red = planes
    return Planes(luma, blue, red, shift)


def small_picture(running: RunningFusion, method: Method, prior: Prior | None) -> Planes:
    """The fused picture at a quarter of its size (or as near as its levels allow), quickly, for a preview."""
    planes = _coarse(running, method, prior)
    level = min(_WHOLE_BELOW, running.levels)
    height, width = (max(side >> level, 1) for side in running.shape)
    y, cb, cr = (
        _coded(plane[:height, :width], np.uint8, 128 if index else 0) for index, plane in enumerate(planes)
    )
    return Planes(y, cb, cr, 0)


def _coarse(running: RunningFusion, method: Method, prior: Prior | None) -> list[Plane]:
    """Luma and chroma (about 0), float32, at the finest of the levels that are put together whole."""
    base = running.bands[-1]
    planes = [mean.astype(np.float32) / base.steps for mean in base.means]
    for level in reversed(range(min(_WHOLE_BELOW, running.levels), running.levels)):
        planes = _joined(running, method, prior, level, Patch(0, 0, *running.bands[level].shape), planes)
    return planes


def _joined(
    running: RunningFusion,
    method: Method,
    prior: Prior | None,
    level: int,
    place: Patch,
    lower: list[Plane],
) -> list[Plane]:
    """One band on top of what lies below it, in one place: luma, and chroma where the level has it."""
    band = running.bands[level]
    held = place.grown(_APRON_PX, band.shape)
    below, inner = held.at(1), place.within(held)
    gain = enlarge(_restoring(band, method, prior, level, place.at(2)), place.size[::-1]) / band.steps
    out = []
    for mean, plane in zip(band.means, lower[: len(band.means)], strict=True):
        detail = cv2.multiply(mean[place.rows, place.columns], gain, dtype=cv2.CV_32F)
        out.append(cv2.add(detail, pyramid.up(plane[below.rows, below.columns])[inner]))
    return out


def _restoring(band: Band, method: Method, prior: Prior | None, level: int, cells: Patch) -> Plane:
    """By how much to multiply a band for the contrast that its most contrasty frame has, per cell of 4x4."""
    here = cells.rows, cells.columns
    mean = np.maximum(band.mean_contrast[here], 1).astype(np.float32)
    ratio = np.clip(band.top_contrast[here] / mean, 1.0, _MOST_RESTORED)
    if prior is None:
        return np.asarray(ratio**method.restore, np.float32)
    mixed = prior.patch(level, level + 2, cells).mixed
    return np.asarray(ratio ** (method.restore * mixed), np.float32)


def _coded(values: Plane, dtype: type, centre: int) -> NDArray[Any]:
    """Levels of 255 about 0 as code values, rounded; centre: where 0 lies."""
    top = np.iinfo(dtype).max
    depth = cv2.CV_16U if dtype == np.uint16 else cv2.CV_8U
    if not values.size:
        return np.empty(values.shape, dtype)
    return np.asarray(cv2.addWeighted(values, top / 255, values, 0, centre, dtype=depth))


def _crop(area: Rectangle, level: int) -> Patch:
    """The part of a level that area is, its last pixels included."""
    x, y, width, height = area
    last = (1 << level) - 1
    return Patch(y >> level, x >> level, (y + height + last) >> level, (x + width + last) >> level)
