"""JPEGs into their planes at once: see jpeg.c. Built on its own, where libjpeg's headers are."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel import address

Plane = NDArray[np.uint8]
YCbCr = tuple[Plane, Plane, Plane]

_DONE, _ANOTHER_KIND = 0, 1  # as in jpeg.c
_TO_THE_END = 2**32 - 1
_LIBRARY = kernel.load("_jpeg", "fieldstack_jpeg_begin")

if _LIBRARY is not None:
    _LIBRARY.fieldstack_jpeg_begin.argtypes = [
        ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.c_char_p,
    ]  # fmt: skip
    _LIBRARY.fieldstack_jpeg_rows.argtypes = [
        ctypes.c_void_p, *[ctypes.c_void_p] * 3, ctypes.c_uint, ctypes.c_char_p,
    ]  # fmt: skip
    _LIBRARY.fieldstack_jpeg_end.argtypes = [ctypes.c_void_p]


def in_use() -> bool:
    """Whether this part of the kernel is there."""
    return _LIBRARY is not None


class Decoding:
    """A JPEG on its way into its planes, from the top; made by begin. One thread at a time."""

    def __init__(self, handle: ctypes.c_void_p, height: int, width: int) -> None:
        self._handle: ctypes.c_void_p | None = handle
        self._size = height, width

    def rows(self, planes: Iterable[Plane], end: int | None = None) -> None:
        """Decode on into Y, Cb and Cr, no row from `end` on; None: to the last one, after which nothing is left to do.

        planes: (height, width), and twice half of that, rounded up, without gaps. Raises ValueError, with what libjpeg
        says, if the picture is damaged.
        """
        assert _LIBRARY is not None
        height, width = self._size
        planes = tuple(planes)
        for plane, shape in zip(planes, ((height, width), *2 * (_half(height, width),)), strict=True):
            assert plane.shape == shape and plane.flags.c_contiguous and plane.flags.writeable
        if self._handle is None:
            return
        said = ctypes.create_string_buffer(_LIBRARY.fieldstack_message_length())
        places = (address(plane, np.uint8) for plane in planes)
        until = _TO_THE_END if end is None else min(end, height)
        done = _LIBRARY.fieldstack_jpeg_rows(self._handle, *places, until, said) == _DONE
        if end is None or not done:
            self.close()
        if not done:
            raise ValueError(_reason(said))

    def close(self) -> None:
        """Leave the rest."""
        if self._handle is not None:
            assert _LIBRARY is not None
            _LIBRARY.fieldstack_jpeg_end(self._handle)
            self._handle = None

    __del__ = close


def begin(path: Path, height: int, width: int, in_order: bool = False) -> Decoding | None:
    """Begin to decode a file whose picture has that size; None: not of the usual kind, or the kernel is missing.

    in_order: only where the rows can come one after the other, without the whole picture held in between, which a
    progressive one cannot. Raises OSError, ValueError as Decoding.rows does.
    """
    if _LIBRARY is None:
        return None
    handle = ctypes.c_void_p()
    said = ctypes.create_string_buffer(_LIBRARY.fieldstack_message_length())
    with path.open("rb") as file:
        result = _LIBRARY.fieldstack_jpeg_begin(
            file.fileno(), width, height, in_order, ctypes.byref(handle), said
        )
    if result == _ANOTHER_KIND:
        return None
    if result != _DONE:
        raise ValueError(_reason(said))
    return Decoding(handle, height, width)


def read_planes(path: Path, height: int, width: int) -> YCbCr | None:
    """Y, Cb and Cr as stored, chroma at half size; None and errors as of begin."""
    decoding = begin(path, height, width)
    if decoding is None:
        return None
    planes = (
        np.empty((height, width), np.uint8),
        np.empty(_half(height, width), np.uint8),
        np.empty(_half(height, width), np.uint8),
    )
    decoding.rows(planes)
    return planes


def _half(height: int, width: int) -> tuple[int, int]:
    return (height + 1) // 2, (width + 1) // 2


def _reason(said: ctypes.Array[ctypes.c_char]) -> str:
    return said.value.decode(errors="replace") or "out of memory"
