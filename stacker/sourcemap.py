"""The source map: from which frame each pixel comes, for the most part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stacker.result import FuseResult


def source_map(result: FuseResult) -> NDArray[np.uint16]:
    """(h, w) number of the frame, from 0 in shot order, that counts most at each pixel of the result.

    The frame nearest to the focus map's depth, on cells of 2**cell_level pixels: around hairs, where contrast decides
    pixel by pixel, and where nothing is sharp and frames are averaged, it is the best single answer, not the whole.
    """
    used = np.array([frame.index for frame in result.report.frames if frame.used])
    if len(used) == 1:
        return np.full(result.planes.shape, used[0], np.uint16)
    between = (used[:-1] + used[1:]) / 2
    nearest = used[np.searchsorted(between, result.depth)].astype(np.uint16)
    return np.asarray(result.enlarge(nearest, between=False), np.uint16)
