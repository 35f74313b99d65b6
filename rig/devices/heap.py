"""The C library's heap: pictures come and go by the megabyte, and what was theirs is to go back to the system."""

from __future__ import annotations

import contextlib
import ctypes

M_ARENA_MAX = -8  # malloc.h


def keep_one_heap() -> None:
    """Let all threads share one heap: else each one's own keeps what its pictures took. Nothing without glibc.

    Larger arrays are not mapped one by one, as they could be: the strips of a frame, fresh from the system each
    time, then take twice as long.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_back_memory() -> None:
    """Hand freed memory back to the system, which the C library otherwise keeps. Nothing without glibc."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
