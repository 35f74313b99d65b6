"""The compiled kernel, where there is one: what OpenCV and numpy calls do, in a fraction of the time.

It is C without Python, built when the package is installed on a computer with a C compiler; beside each C file lies the
module that calls it. Where it is missing, all is done by the calls, the reference that the kernel is tested against.
"""

from __future__ import annotations

import ctypes
import os
import sysconfig
import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stacker.kernel.structures import LAYOUT

__all__ = ["LIBRARY", "SWITCH", "address", "in_use", "row", "scratch"]

SWITCH = "FIELDSTACK_KERNEL"  # variable of the environment that leaves the kernel out when it is "off"
_of_thread = threading.local()


def load(name: str, function: str, folder: Path = Path(__file__).parent) -> ctypes.CDLL | None:
    """A library of the kernel that has a function; None where it was not built, or for another computer or version."""
    if os.environ.get(SWITCH) == "off":
        return None
    try:
        library = ctypes.CDLL(str(folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"))
    except OSError:
        return None
    return library if hasattr(library, function) else None


LIBRARY = load("_kernel", "fieldstack_layout")
if LIBRARY is not None and LIBRARY.fieldstack_layout() != LAYOUT:
    LIBRARY = None  # left over from another version of the program


def in_use() -> bool:
    """Whether the kernel is there."""
    return LIBRARY is not None


def address(array: npt.NDArray[Any] | None, dtype: npt.DTypeLike = np.float32) -> int | None:
    """Where an array begins, for the kernel; its rows must be gap-less. None stays None."""
    if array is None:
        return None
    assert array.dtype == dtype, f"{array.dtype} is not {dtype}"
    assert not array.size or array.strides[-1] == array.itemsize, "the samples of a row must lie side by side"
    return array.ctypes.data


def row(array: npt.NDArray[Any] | None) -> int:
    """How many samples lie from one row of an array to the next."""
    return 0 if array is None else array.strides[0] // array.itemsize


def scratch(floats: int) -> int:
    """Address of memory of this thread for intermediate rows, at least so many float32; what it holds is lost."""
    held: npt.NDArray[np.float32] | None = getattr(_of_thread, "scratch", None)
    if held is None or held.size < floats:
        held = _of_thread.scratch = np.empty(floats, np.float32)
    return held.ctypes.data
