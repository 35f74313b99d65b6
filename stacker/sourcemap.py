"""The source map: from which frame each pixel comes, for the most part."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from stacker.pixeldepth import by_depth
from stacker.result import FuseResult


def source_map(result: FuseResult) -> Iterator[NDArray[np.uint16]]:
    """Number of the frame, from 0 in shot order, that counts most at each pixel of the result, in bands of rows (n, w).

    The frame nearest to the pixel's depth: where contrast decides, and where nothing is sharp and frames are averaged,
    it is the best single answer, not the whole.
    """
    return by_depth(result, lambda depth: nearest_used(result, depth))


def nearest_used(result: FuseResult, depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Numbers, from 0 in shot order, of the frames that went into a result and lie nearest to these depths."""
    used = np.array([frame.index for frame in result.report.frames if frame.used], np.uint16)
    between = (used[:-1] + used[1:].astype(np.float32)) / 2
    return np.asarray(used[np.searchsorted(between, depth)])
