"""The survey's passes by the kernel: see survey.c."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel import address, row
from stacker.kernel.structures import Measure, Peaks

Array = NDArray[Any]

_LEAST_SIDE = 16  # pixels; smaller ones are all edge
_BAND_ROWS, _BAND_APRON = 256, 8  # rows measured at once, and those around them: more than the blurs reach

_measure = _add_peaks = _tile_means = None
if kernel.LIBRARY is not None:
    _measure, _add_peaks = kernel.LIBRARY.fieldstack_measure, kernel.LIBRARY.fieldstack_add_peaks
    _tile_means = kernel.LIBRARY.fieldstack_tile_means
    _tile_means.argtypes = [
        *(ctypes.c_void_p, ctypes.c_ssize_t) * 2, *[ctypes.c_int] * 3, *[ctypes.c_void_p] * 2,
    ]  # fmt: skip
    _tile_means.restype = None
    _measure.argtypes, _measure.restype = [ctypes.POINTER(Measure)], None
    _add_peaks.argtypes, _add_peaks.restype = [ctypes.POINTER(Peaks)], None


def can_measure(low: Array) -> bool:
    """Whether the kernel is there, and takes small copies of that kind."""
    return kernel.in_use() and low.dtype == np.uint8 and min(low.shape[:2]) >= _LEAST_SIDE


def measure(low: Array) -> Array:
    """The focus measure of a small copy, (h, w, 3) BGR uint8, both even; see stacker.survey.energy_of.

    In bands of rows, whose planes stay in the cache and take a megabyte instead of eight.
    """
    assert _measure is not None
    height, width = low.shape[:2]
    assert low.strides[1:] == (3, 1), "the samples of a row must lie side by side"
    energy = np.empty((height // 2, width // 2), np.float32)
    most = min(_BAND_ROWS + 2 * _BAND_APRON, height)
    measured, raw = (np.empty((most // 2, width // 2), np.float32) for _ in range(2))
    planes, rows = np.empty(most * width * 3 // 2, np.uint8), np.empty(4 * (width + 16), np.float32)
    for top in range(0, height, _BAND_ROWS):
        bottom = min(top + _BAND_ROWS, height)
        start, end = max(top - _BAND_APRON, 0), min(bottom + _BAND_APRON, height)
        if end - start < _LEAST_SIDE:
            start = max(end - _LEAST_SIDE, 0)
        call = Measure(
            low[start:].ctypes.data, low.strides[0], width, end - start,
            address(planes, np.uint8), address(raw), address(rows), address(measured),
        )  # fmt: skip
        _measure(ctypes.byref(call))
        energy[top // 2 : bottom // 2] = measured[(top - start) // 2 : (bottom - start) // 2]
    return energy


def add_peaks(number: int, energy: Array, covered: Array, last: Array, into: dict[str, Array]) -> Array:
    """Take one frame's measures into running peaks; returns their logarithms. See stacker.focuspeaks.

    energy: (h, w) float32. covered: 255 where the frame has looked, uint8. last: logarithms of the frame before.
    into: slot, best, before, after, lowest and seen, int16, and total, float32; all contiguous.
    """
    assert _add_peaks is not None
    here = np.empty(energy.shape, np.int16)
    names = ("slot", "best", "before", "after", "lowest", "seen")
    assert all(row(array) == energy.shape[1] for array in (energy, covered, last, into["total"]))
    assert all(row(into[name]) == energy.shape[1] for name in names)
    call = Peaks(
        address(energy), address(covered, np.uint8), *(address(into[name], np.int16) for name in names),
        address(here, np.int16), address(last, np.int16), address(into["total"]), energy.size, number,
    )  # fmt: skip
    _add_peaks(ctypes.byref(call))
    return here


def tile_means(a: Array, b: Array, side: int) -> Array:
    """Means of the product of two planes over tiles of side x side pixels, row by row: (n,) float64.

    a, b: (rows * side, columns * side) float32. Needs kernel.in_use().
    """
    assert _tile_means is not None
    rows, columns = a.shape[0] // side, a.shape[1] // side
    means = np.empty(rows * columns)
    room = kernel.scratch(side * columns)
    _tile_means(address(a), row(a), address(b), row(b), side, columns, rows, room, address(means, np.float64))
    return means
