"""The finest levels by the kernel: see patch.c, and Fuser._add_fine in stacker/fusion.py, which does the same."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel import address, row
from stacker.kernel.structures import Band, Channel, Frame, Warp
from stacker.transforms import Transform

Plane = NDArray[Any]

_APRON_PX = 16  # as in patch.c

_add_patch = _reweigh_patch = None
if kernel.LIBRARY is not None:
    _reweigh_patch = kernel.LIBRARY.fieldstack_reweigh_patch
    _reweigh_patch.argtypes = [
        ctypes.POINTER(Frame), *[ctypes.c_int] * 4, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p,
    ]  # fmt: skip
    _reweigh_patch.restype = None
    _add_patch = kernel.LIBRARY.fieldstack_add_patch
    _add_patch.argtypes = [ctypes.POINTER(Frame), *[ctypes.c_int] * 5, ctypes.c_void_p]
    _add_patch.restype = None


@dataclass(frozen=True)
class SeenPlane:
    """One plane of a frame, seen from the canvas: gain * plane + offset + by_light * luma."""

    plane: Plane  # uint8 or uint16
    to_plane: Transform
    gain: float
    offset: float
    by_light: float = 0.0


@dataclass(frozen=True)
class FineBand:
    """A band of the running result, and what the focus map says on its weight grid; see stacker.state.Band.

    focus: depth, sharpness and mixed of the whole canvas on the weight grid, or at half its size when doubled; None
    where contrast alone decides.
    """

    means: Sequence[Plane]
    weight: Plane
    mean_contrast: Plane
    top_contrast: Plane
    first_row: int
    steps: float
    focus: tuple[Plane, Plane, Plane] | None
    doubled: bool


@dataclass(frozen=True)
class Weights:
    """How frames are weighed: see stacker.prior and stacker.methods."""

    slot: int
    exponent: float
    typical: float
    tilt: float


class FinestLevels:
    """One frame on its way into the finest levels of a running result.

    luma, blue, red: the frame's planes. canvas, picture: (height, width). small: what the coarse levels will be made
    from, on the canvas halved once per band; empty if they will not. Needs kernel.in_use(), and can_warp of the
    transforms.
    """

    def __init__(
        self,
        planes: Sequence[SeenPlane],
        chroma_shift: int,
        canvas: tuple[int, int],
        picture: tuple[int, int],
        bands: Sequence[FineBand],
        weights: Weights,
        small: Sequence[Plane],
    ) -> None:
        self._held = planes, bands, small  # the kernel is given their addresses only
        self._canvas, self._chroma_shift = canvas, chroma_shift
        self._scale = max(abs(float(seen.to_plane[0, 0])) for seen in planes)
        frame = self._frame = Frame()
        for index, seen in enumerate(planes):
            frame.seen[index] = _warp(seen, cubic=index == 0)
            if index:
                frame.by_light[index - 1] = seen.by_light
        frame.chroma_shift, (frame.height, frame.width) = chroma_shift, canvas
        frame.picture_height, frame.picture_width = picture
        for index, band in enumerate(bands):
            frame.band[index] = _band(band, weights)
        for index, plane in enumerate(small):
            frame.small[index], frame.small_row = address(plane, plane.dtype), row(plane)

    def add(self, top: int, left: int, bottom: int, right: int, adds: bool) -> None:
        """Take in a rectangle, in pixels of the canvas; adds: else only `small` is made. Several threads may do it."""
        assert _add_patch is not None
        width, height = (
            min(end + _APRON_PX, most) - max(start - _APRON_PX, 0)
            for start, end, most in ((left, right, self._canvas[1]), (top, bottom, self._canvas[0]))
        )
        room = kernel.scratch(_floats_needed(width, height, self._chroma_shift, self._scale))
        _add_patch(ctypes.byref(self._frame), top, left, bottom, right, adds, room)


class FinestWeights:
    """The weights of the finest levels of a running result, to be made those of another focus map.

    bands: with that map. Needs kernel.in_use().
    """

    def __init__(self, canvas: tuple[int, int], bands: Sequence[FineBand], weights: Weights) -> None:
        self._bands, self._weights = bands, weights  # the kernel is given their addresses only
        self._frame = Frame()
        self._frame.height, self._frame.width = canvas
        for index, band in enumerate(bands):
            self._frame.band[index] = _band(band, weights)

    def weigh_anew(
        self, top: int, left: int, bottom: int, right: int, before: Sequence[Sequence[Plane]], last: int
    ) -> None:
        """In a rectangle, in pixels of the canvas. One thread at a time.

        before: depth, sharpness and mixed of the rectangle for each band by the map they were weighed by, on the grids
        of the new one. last: slot of the last frame that went in.
        """
        assert _reweigh_patch is not None
        for band in self._frame.band:
            band.slot = last
        planes = [np.ascontiguousarray(plane, np.float32) for of_band in before for plane in of_band]
        addresses = (ctypes.c_void_p * len(planes))(*(address(plane) for plane in planes))
        room = kernel.scratch(_floats_to_reweigh(right - left, bottom - top))
        _reweigh_patch(ctypes.byref(self._frame), top, left, bottom, right, addresses, room)


def _floats_to_reweigh(width: int, height: int) -> int:
    """For the energies of two levels, and what a row of cells takes besides."""
    return ceil(0.375 * width * height) + 10 * width + 8


def _floats_needed(width: int, height: int, chroma_shift: int, scale: float) -> int:
    """For the planes of three levels, energies, cover, and what the band of one level takes besides."""
    size, channels = width * height, 1 if chroma_shift else 3
    return ceil((channels + 2 + channels + 0.5) * size) + max(16 * width, ceil(scale * width) + 8)


def _warp(seen: SeenPlane, cubic: bool) -> Warp:
    height, width = seen.plane.shape
    return Warp(
        source=address(seen.plane, seen.plane.dtype),
        source_row=row(seen.plane),
        source_width=width,
        source_height=height,
        wide=seen.plane.dtype == np.uint16,
        cubic=cubic,
        matrix=(ctypes.c_double * 6)(*seen.to_plane.ravel().tolist()),
        gain=seen.gain,
        offset=seen.offset,
    )


def _band(band: FineBand, weights: Weights) -> Band:
    exact = band.means[0].dtype == np.float32
    channels = (Channel * 3)()
    for channel, mean in zip(channels, band.means, strict=False):
        channel.mean = _begin(mean, band.first_row, np.float32 if exact else np.int16)
        channel.mean_row = row(mean)
    depth, sharpness, mixed = band.focus or (None, None, None)
    map_height, map_width = (0, 0) if depth is None else depth.shape
    return Band(
        channels=len(band.means),
        exact=exact,
        fine=True,
        steps=band.steps,
        channel=channels,
        weight=_begin(band.weight, band.first_row >> 1, np.float32),
        mean_contrast=_begin(band.mean_contrast, band.first_row >> 2, np.uint16),
        top_contrast=_begin(band.top_contrast, band.first_row >> 2, np.uint16),
        depth=address(depth),
        sharpness=address(sharpness),
        mixed=address(mixed),
        doubled=band.doubled,
        map_width=map_width,
        map_height=map_height,
        weight_row=row(band.weight),
        mean_contrast_row=row(band.mean_contrast),
        top_contrast_row=row(band.top_contrast),
        depth_row=row(depth),
        sharpness_row=row(sharpness),
        mixed_row=row(mixed),
        slot=weights.slot,
        typical=weights.typical,
        exponent=weights.exponent,
        tilt=weights.tilt,
    )


def _begin(array: Plane, first_row: int, dtype: type) -> int:
    """Where an array would begin whose rows before the first one were held too."""
    start = address(array, dtype)
    assert start is not None
    return start - first_row * array.strides[0]
