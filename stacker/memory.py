"""Memory: how much a job needs, how much there is, and giving back what was freed."""

from __future__ import annotations

import ctypes
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from stacker import pyramid
from stacker.errors import MemoryLimitError
from stacker.freememory import free_mb, kernel_figure
from stacker.parts import OVERLAP_PX, most_bands
from stacker.patches import PATCH_PX
from stacker.saying import say

# Measured, in MB: Python with numpy and OpenCV loaded and used, and what one thread's patches take.
_PROGRAM_MB = 77
_THREAD_MB = 4
_DECODING = 0.2  # of the time that fusing a frame takes
# Bytes. What a patch needs stays in the heap: mapping it anew, or growing the heap again for it, costs more than the
# work (0.3 s of a 12 MP frame's 0.9 when the heap was trimmed from 2 MB on).
_MMAP_FROM, _TRIM_FROM = 2 * 1024 * 1024, 6 * 1024 * 1024
# The survey of 12 MP frames is far from the peak, and its planes of 3 MB, mapped anew each, took a tenth of its time.
_SURVEY_MMAP_FROM, _SURVEY_TRIM_FROM = 8 * 1024 * 1024, 24 * 1024 * 1024


@dataclass(frozen=True)
class Plan:
    """How a stack is fused: by so many threads, its finest levels in so many bands of rows."""

    threads: int
    bands: int


def plan_within(
    limit_mb: int | None, shape: tuple[int, int], chroma_shift: int, sample_bytes: int, threads: int
) -> Plan:
    """The fastest way to fuse frames of (height, width) within limit_mb; None: within what is free.

    threads: at most so many. sample_bytes: 1 or 2. Raises MemoryLimitError, naming the figure that would do.
    """
    canvas = pyramid.padded_shape(shape, pyramid.level_count(shape))
    plans = [
        Plan(count, bands) for bands in range(1, most_bands(canvas) + 1) for count in range(threads, 0, -1)
    ]
    plans.sort(key=_cost)
    available = free_mb() if limit_mb is None else limit_mb
    if available is None:
        return plans[0]
    needs = [needed_mb(shape, chroma_shift, sample_bytes, plan.threads, plan.bands) for plan in plans]
    for plan, need in zip(plans, needs, strict=True):
        if need <= available:
            return plan
    size, least = f"{shape[1]}×{shape[0]}", min(needs)
    if limit_mb is None:
        raise MemoryLimitError(
            say(
                "stacker.memory_free",
                "frames of {size} pixels need {least} MB and only {free} MB are free; close other programs, "
                "or give --memory-limit {least} to try nevertheless",
                size=size,
                least=least,
                free=available,
            )
        )
    raise MemoryLimitError(
        say(
            "stacker.memory_limit",
            "frames of {size} pixels cannot be stacked within {limit} MB; {least} MB would do",
            size=size,
            limit=limit_mb,
            least=least,
        )
    )


def _cost(plan: Plan) -> float:
    """Time by a plan, in that of fusing one frame on one thread: every run over the frames decodes them anew."""
    runs = 1 if plan.bands == 1 else 1 + plan.bands
    return 1 / plan.threads + _DECODING * runs


def needed_mb(
    shape: tuple[int, int], chroma_shift: int, sample_bytes: int, threads: int, bands: int = 1
) -> int:
    """Peak memory (MB) of stacking frames of (height, width) so; constant in their number.

    sample_bytes: 1 or 2. bands: see Plan.
    """
    height, width = pyramid.padded_shape(shape, pyramid.level_count(shape))
    pixels = height * width
    chroma = 2 / 4**chroma_shift
    mean = 2 if sample_bytes == 1 else 4
    grids = 1.25  # bytes per pixel of a level: weights and contrasts
    colour = mean * (1 + 2) + grids
    fine = (mean * (1 + (0 if chroma_shift else 2)) + grids) + colour / 4
    coarse = colour / 12
    planes = sample_bytes * (1 + chroma)
    # A JPEG is decoded into its planes; any other kind as one picture, from which the planes are made.
    file = (0.35 if chroma_shift else 3.6) * sample_bytes
    focus = 4 / 16 * 6.0
    share, between, ready = 1.0, max(file, 0.5), 0.3  # fine rows are given back as they are ready
    if bands > 1:
        rows = -(-most_bands((height, width)) // bands) * PATCH_PX[1] + 2 * OVERLAP_PX
        share, between, ready = min(rows / height, 1.0), file + 0.3, 0.0
    fusing = share * fine + planes + between
    finishing = share * fine + 12 / 16 + ready
    at_the_end = 2 * planes - coarse - focus / 2  # the picture, and the pieces it is joined from
    surveying = (5.3 if chroma_shift else 2 + 6.0 * sample_bytes) + (threads > 1)  # the next small copy
    peak = max(coarse + focus + max(fusing, finishing, at_the_end), surveying)
    return int(_PROGRAM_MB + threads * _THREAD_MB + peak * pixels / 1e6)


def live_needed_mb(
    shape: tuple[int, int], chroma_shift: int, sample_bytes: int, threads: int, whole: bool
) -> int:
    """The same of fusing while frames are still to come: the survey stays at hand.

    whole: frames are decoded as a whole; otherwise a few rows at a time.
    """
    survey = 1.5 + 0.5  # bytes per pixel: peaks of focus, copies to align with
    weighed = 0.4  # what was weighed by earlier maps
    planes = 0.0 if whole else sample_bytes * (1 + 2 / 4**chroma_shift)
    pixels = shape[0] * shape[1]
    more = (survey + weighed - planes) * pixels / 1e6
    return needed_mb(shape, chroma_shift, sample_bytes, threads) + int(more)


def trim() -> None:
    """Give back what lies freed in the heap; between two stages of a job. Does nothing without glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def forget(array: NDArray[Any]) -> None:
    """Give the memory of an array back that nobody reads any more: it stays allocated, what it holds is lost.

    array: a contiguous piece of one that has been mapped on its own. Does nothing where there is no madvise.
    """
    page, dont_need = resource.getpagesize(), 4  # mman.h
    start = -(-array.ctypes.data // page) * page
    length = (array.ctypes.data + array.nbytes) // page * page - start
    if length > 0 and sys.platform == "linux":
        ctypes.CDLL(None).madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), dont_need)


def forget_start(maps: Path = Path("/proc/self/maps")) -> None:
    """Give back the libraries' code that only the start has needed: 5 MB of 27; to be called when the work begins.

    What is needed again comes back from the file's pages. Does nothing where there is no such table.
    """
    try:
        mapped = [line.split() for line in maps.read_text().splitlines()]
        madvise = ctypes.CDLL(None).madvise
    except (OSError, AttributeError):
        return
    dont_need = 4  # mman.h
    for span, kind, _, _, inode, *_ in mapped:
        if kind == "r-xp" and inode != "0":  # of a file, and never written to
            start, end = (int(side, 16) for side in span.split("-"))
            madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), dont_need)


def peak_mb() -> float:
    """The most memory this process has had resident, MB."""
    peak_kb = kernel_figure(Path("/proc/self/status"), "VmHWM:")
    if peak_kb is None:  # less exact: under Linux it begins with what the starting process had
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak_kb * 1024 / 1e6


def return_freed_memory(surveying: bool = False, heaps: int = 1) -> None:
    """Have large arrays mapped on their own, so that freeing one gives its memory back at once.

    surveying: only the largest ones. glibc raises that limit by itself up to 32 MB as arrays are freed, and then keeps
    them in the heap: the peak would grow by whole frames. heaps: a thread with one of its own is not handed what
    another core has just written (a tenth of the time of two threads), but keeps about a megabyte. Does nothing where
    there is no mallopt.
    """
    m_mmap_threshold, m_trim_threshold, m_arena_max = -3, -1, -8  # malloc.h
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, _SURVEY_MMAP_FROM if surveying else _MMAP_FROM)
        libc.mallopt(m_trim_threshold, _SURVEY_TRIM_FROM if surveying else _TRIM_FROM)
        libc.mallopt(m_arena_max, heaps)
    except (OSError, AttributeError):
        return
