"""Bands by the kernel: see band.c, and Fuser._add_band in stacker/fusion.py, which does the same."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel import address, row
from stacker.kernel.structures import Band, Channel

Plane = NDArray[Any]  # float32

_add_band = None
if kernel.LIBRARY is not None:
    _add_band = kernel.LIBRARY.fieldstack_add_band
    _add_band.argtypes, _add_band.restype = [ctypes.POINTER(Band)], None


@dataclass(frozen=True)
class Weighing:
    """What weighs a frame on the cells of a place, see PriorPatch. depth: None where contrast alone decides."""

    exponent: float
    typical: float
    slot: int = 0
    depth: Plane | None = None
    sharpness: Plane | None = None
    mixed: Plane | None = None
    strength: Plane | None = None  # None where it is typical
    tilt: float = 0.0
    cover: Plane | None = None  # None where the frame covers everything


@dataclass(frozen=True)
class Target:
    """The part of a running band that a place is: see stacker.state.Band."""

    means: Sequence[NDArray[Any]]
    weight: Plane
    mean_contrast: NDArray[np.uint16]
    top_contrast: NDArray[np.uint16]
    steps: float
    fine: bool  # every cell speaks for its own pixels, see stacker.state.shares


def add_band(
    planes: Sequence[Plane],
    lower: Sequence[Plane],
    place: tuple[slice, slice],
    finer: Plane | None,
    weighing: Weighing,
    target: Target,
) -> Plane:
    """Take in one band in one place; returns its energy on the weight grid, apron included.

    planes, lower: what is held of the level and of the next one, (h, w) and (h / 2, w / 2) float32, one at least for
    every mean of the target. place: where in it the target lies, multiples of 4. finer: energy of the next finer band
    on the same grid. Needs kernel.in_use().
    """
    assert _add_band is not None
    height, width = planes[0].shape
    rows, columns = place
    energy = np.empty((height // 2, width // 2), np.float32)
    exact = target.means[0].dtype == np.float32
    kind = np.float32 if exact else np.int16
    channels = (Channel * 3)()
    for channel, plane, low, mean in zip(channels, planes, lower, target.means, strict=False):
        channel.plane, channel.lower, channel.mean = address(plane), address(low), address(mean, kind)
        channel.plane_row, channel.lower_row, channel.mean_row = row(plane), row(low), row(mean)
    band = Band(
        width, height, columns.start, rows.start, columns.stop, rows.stop,
        len(target.means), exact, target.fine,
        target.steps,
        channels,
        address(finer), address(energy), address(target.weight),
        address(target.mean_contrast, np.uint16), address(target.top_contrast, np.uint16),
        address(weighing.depth), address(weighing.sharpness), address(weighing.mixed),
        address(weighing.strength), False, 0, 0, 0, 0, address(weighing.cover),
        row(finer), row(target.weight), row(target.mean_contrast), row(target.top_contrast),
        row(weighing.depth), row(weighing.sharpness), row(weighing.mixed), row(weighing.strength),
        weighing.slot, weighing.typical, weighing.exponent, weighing.tilt,
        kernel.scratch(len(target.means) * height * width + height * width // 2 + 16 * width),
    )  # fmt: skip
    _add_band(ctypes.byref(band))
    return energy
