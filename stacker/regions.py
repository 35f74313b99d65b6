"""The source map as a retoucher wants it: large parts, outlined, and where none of the frames was sharp.

Small, and so carried within the depth map's file, as a PNG in a chunk of its own; programs that do not know the chunk
pass over it (ISO/IEC 15948, 5.4).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.result import FuseResult
from stacker.sourcemap import nearest_used

CHUNK = b"srCe"  # not needed for the picture, private, no longer true when the picture is changed
NOWHERE, OUTLINE = 0, 65535  # values of the map; of a part: number of its frame, from 1 in shot order
_WIDEST = 512  # pixels
_AROUND = 0.03  # of the width: what is sure of so little around it is so by chance
_SURE = 0.4  # mean confidence around, from which on a frame was sharp there


def regions(result: FuseResult) -> NDArray[np.uint16]:
    """From which frame each part of the picture comes: (h, w), the picture made small."""
    left, top, width, height = (side >> result.cell_level for side in result.report.area)
    rows, columns = slice(top, top + max(height, 1)), slice(left, left + max(width, 1))
    depth, confidence = result.depth[rows, columns], result.confidence[rows, columns]
    shrink = max(depth.shape[1] / _WIDEST, 1)
    size = max(round(depth.shape[1] / shrink), 1), max(round(depth.shape[0] / shrink), 1)
    small = np.asarray(cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST), np.float32)
    numbers = nearest_used(result, small) + np.uint16(1)
    for _ in range(3):
        numbers = np.asarray(cv2.medianBlur(numbers, 5), np.uint16)
    around = max(round(_AROUND * size[0]), 1)
    sure = cv2.blur(cv2.resize(confidence, size, interpolation=cv2.INTER_AREA), (around, around)) >= _SURE
    parts = np.where(sure, numbers, np.uint16(NOWHERE))
    across, down = parts[:, 1:] != parts[:, :-1], parts[1:] != parts[:-1]
    parts[:, 1:][across] = OUTLINE
    parts[1:][down] = OUTLINE
    return np.asarray(parts)


def regions_chunk(result: FuseResult) -> tuple[bytes, bytes]:
    """Name and content of the chunk that carries them."""
    return CHUNK, cv2.imencode(".png", regions(result))[1].tobytes()
