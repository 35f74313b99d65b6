"""What the kernel's functions are given: the structures of kernel.h, patch.c and survey.c, field by field.

Rows count samples from one row of an array to the next.
"""

from __future__ import annotations

import ctypes

_Pointer, _Row, _Int, _Float = ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int32, ctypes.c_float

_VERSION = 4  # as in kernel.h


class Channel(ctypes.Structure):
    """As in kernel.h."""

    _fields_ = (
        *((name, _Pointer) for name in ("plane", "lower", "mean")),
        *((name, _Row) for name in ("plane_row", "lower_row", "mean_row")),
    )


class Band(ctypes.Structure):
    """As in kernel.h."""

    _fields_ = (
        *((name, _Int) for name in ("width", "height", "left", "top", "right", "bottom")),
        *((name, _Int) for name in ("channels", "exact", "fine")),
        ("steps", _Float),
        ("channel", Channel * 3),
        *((name, _Pointer) for name in ("finer", "energy", "weight", "mean_contrast", "top_contrast")),
        *((name, _Pointer) for name in ("depth", "sharpness", "mixed", "strength")),
        *((name, _Int) for name in ("doubled", "map_width", "map_height", "map_left", "map_top")),
        ("cover", _Pointer),
        *((f"{name}_row", _Row) for name in ("finer", "weight", "mean_contrast", "top_contrast")),
        *((f"{name}_row", _Row) for name in ("depth", "sharpness", "mixed", "strength")),
        *((name, _Float) for name in ("slot", "typical", "exponent", "tilt")),
        ("scratch", _Pointer),
    )


class Warp(ctypes.Structure):
    """As in kernel.h."""

    _fields_ = (
        ("source", _Pointer),
        ("source_row", _Row),
        *((name, _Int) for name in ("source_width", "source_height", "wide", "cubic")),
        ("matrix", ctypes.c_double * 6),
        ("gain", _Float),
        ("offset", _Float),
        ("seen", _Pointer),
        ("width", _Int),
        ("height", _Int),
        ("scratch", _Pointer),
    )


class Frame(ctypes.Structure):
    """As in patch.c."""

    _fields_ = (
        ("seen", Warp * 3),
        ("by_light", _Float * 2),
        *((name, _Int) for name in ("chroma_shift", "width", "height", "picture_width", "picture_height")),
        ("band", Band * 2),
        ("small", _Pointer * 3),
        ("small_row", _Row),
    )


class Measure(ctypes.Structure):
    """As in survey.c."""

    _fields_ = (
        ("bgr", _Pointer),
        ("bgr_row", _Row),
        ("width", _Int),
        ("height", _Int),
        *((name, _Pointer) for name in ("planes", "raw", "rows", "energy")),
    )


class Peaks(ctypes.Structure):
    """As in survey.c."""

    _fields_ = (
        *((name, _Pointer) for name in ("energy", "covered")),
        *((name, _Pointer) for name in ("slot", "best", "before", "after", "lowest", "seen", "here", "last")),
        ("total", _Pointer),
        ("cells", _Row),
        ("number", _Int),
    )


LAYOUT = 1000 * _VERSION + ctypes.sizeof(Frame)  # fieldstack_layout in patch.c
