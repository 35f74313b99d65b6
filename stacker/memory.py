"""Memory: how much a job needs, how much there is, and giving back what was freed."""

from __future__ import annotations

import ctypes
import resource
from pathlib import Path

from stacker import pyramid
from stacker.errors import MemoryLimitError

# Measured, in MB: Python with numpy and OpenCV loaded, and what one thread's patches take.
_PROGRAM_MB = 72
_THREAD_MB = 8
_MMAP_FROM = (
    4 * 1024 * 1024
)  # bytes; what a patch needs stays in the heap, mapping it anew costs more than the work


def needed_mb(shape: tuple[int, int], chroma_shift: int, sample_bytes: int, threads: int) -> int:
    """Peak memory (MB) of fusing frames of (height, width); constant in their number.

    sample_bytes: 1 or 2.
    """
    height, width = pyramid.padded_shape(shape, pyramid.level_count(shape))
    pixels = height * width
    chroma = 2 / 4**chroma_shift
    mean = 2 if sample_bytes == 1 else 4
    running = pixels * (mean * (1 + chroma) + 2) * 4 / 3  # weights and contrasts: 8 bytes per 4 pixels
    planes = pixels * sample_bytes * (1 + chroma)
    file = pixels * 0.35
    focus_map = pixels / 16 * 4 * 6
    return int(_PROGRAM_MB + threads * _THREAD_MB + (running + planes + file + focus_map) / 1e6)


def threads_within(
    limit_mb: int | None, shape: tuple[int, int], chroma_shift: int, sample_bytes: int, threads: int
) -> int:
    """How many of that many threads keep a job within limit_mb; all of them without a limit.

    Raises MemoryLimitError, naming the figure that would do.
    """
    if limit_mb is None:
        return threads
    for count in range(threads, 0, -1):
        if needed_mb(shape, chroma_shift, sample_bytes, count) <= limit_mb:
            return count
    least = needed_mb(shape, chroma_shift, sample_bytes, 1)
    raise MemoryLimitError(
        f"frames of {shape[1]}×{shape[0]} pixels cannot be stacked within {limit_mb} MB; {least} MB would do"
    )


def free_mb() -> int | None:
    """Memory the system could give to a new job (MemAvailable), MB; None where that is not known."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    except (OSError, ValueError, IndexError):
        return None
    return None


def trim() -> None:
    """Give back what lies freed in the heap; between two stages of a job. Does nothing without glibc."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return


def peak_mb() -> float:
    """The most memory this process has had resident, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def return_freed_memory() -> None:
    """Have large arrays mapped on their own, so that freeing one gives its memory back at once.

    glibc raises that limit by itself up to 32 MB as arrays are freed, and then keeps them in the heap: the peak
    would grow by whole frames. Does nothing where there is no mallopt.
    """
    m_mmap_threshold, m_trim_threshold, m_arena_max = -3, -1, -8  # malloc.h
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(m_mmap_threshold, _MMAP_FROM)
        libc.mallopt(m_trim_threshold, _MMAP_FROM)
        libc.mallopt(m_arena_max, 1)  # each thread's own heap would keep what its patches took
    except (OSError, AttributeError):
        return
