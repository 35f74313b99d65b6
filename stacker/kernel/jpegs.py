"""JPEGs into their planes at once: see jpeg.c. Built on its own, where libjpeg's headers are."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel import address

Plane = NDArray[np.uint8]

_DONE, _ANOTHER_KIND = 0, 1  # as in jpeg.c
_LIBRARY = kernel.load("_jpeg", "fieldstack_read_jpeg")

if _LIBRARY is not None:
    _LIBRARY.fieldstack_read_jpeg.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_uint, *[ctypes.c_void_p] * 3, ctypes.c_char_p,
    ]  # fmt: skip


def in_use() -> bool:
    """Whether this part of the kernel is there."""
    return _LIBRARY is not None


def read_planes(data: bytes, height: int, width: int) -> tuple[Plane, Plane, Plane] | None:
    """Y, Cb and Cr as stored, chroma at half size; None when it is not of the usual kind, or the kernel is missing.

    data: a whole file, whose picture has that size. Raises ValueError, with what libjpeg says, if it is damaged.
    """
    if _LIBRARY is None:
        return None
    luma = np.empty((height, width), np.uint8)
    blue, red = (np.empty(((height + 1) // 2, (width + 1) // 2), np.uint8) for _ in range(2))
    said = ctypes.create_string_buffer(_LIBRARY.fieldstack_message_length())
    places = (address(plane, np.uint8) for plane in (luma, blue, red))
    result = _LIBRARY.fieldstack_read_jpeg(data, len(data), width, height, *places, said)
    if result == _ANOTHER_KIND:
        return None
    if result != _DONE:
        raise ValueError(said.value.decode(errors="replace") or "out of memory")
    return luma, blue, red
