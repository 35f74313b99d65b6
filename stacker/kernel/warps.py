"""Warps by the kernel: see warp.c."""

from __future__ import annotations

import ctypes
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel.structures import Warp
from stacker.transforms import Transform

# What the matrix of a transform may be off the identity: pictures turned further cannot go through columns and rows.
_MOST_TURNED, _MOST_SCALED = 0.2, 0.3

_warp = None
if kernel.LIBRARY is not None:
    _warp = kernel.LIBRARY.fieldstack_warp
    _warp.argtypes, _warp.restype = [ctypes.POINTER(Warp)], None


def can_warp(to_source: Transform) -> bool:
    """Whether the kernel is there, and the transform near enough to a shift for it."""
    (along_x, turned_x, _), (turned_y, along_y, _) = to_source.tolist()
    scaled = max(abs(along_x - 1), abs(along_y - 1))
    return kernel.in_use() and scaled <= _MOST_SCALED and max(abs(turned_x), abs(turned_y)) <= _MOST_TURNED


def warp(
    source: NDArray[Any],
    to_source: Transform,
    size: tuple[int, int],
    cubic: bool,
    gain: float = 1.0,
    offset: float = 0.0,
) -> NDArray[Any]:
    """A rectangle of `size` (width, height) as `source` shows it: gain * source + offset, float32.

    source: (h, w) uint8 or uint16; beyond its edges these are repeated. to_source: pixels of the rectangle to those of
    the source. cubic: else linear. Needs can_warp(to_source).
    """
    assert _warp is not None
    width, height = size
    seen = np.empty((height, width), np.float32)
    reached = ceil(abs(to_source[0, 0]) * width) + 8
    call = Warp(
        kernel.address(source, source.dtype), kernel.row(source), source.shape[1], source.shape[0],
        source.dtype == np.uint16, cubic, (ctypes.c_double * 6)(*to_source.ravel().tolist()), gain, offset,
        kernel.address(seen), width, height, kernel.scratch(reached),
    )  # fmt: skip
    _warp(ctypes.byref(call))
    return seen
