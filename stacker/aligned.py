"""A frame as the reference frame sees it: the picture that `--align-only` writes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from stacker.patches import Patch
from stacker.planes import Planes, neutral
from stacker.validarea import Rectangle
from stacker.view import AlignedFrame, FrameView, Plane

_ROWS = 256


def aligned_planes(frame: AlignedFrame, picture: tuple[int, int], area: Rectangle) -> Planes:
    """The part of a picture of (height, width) that area (x, y, width, height) is, as this frame shows it.

    Its brightness and colours are those of the reference frame too. x and y must be even where chroma has half the
    size; beyond the frame's outline its rim is repeated.
    """
    view = FrameView(frame, picture)
    dtype, shift = frame.planes.dtype, frame.planes.chroma_shift
    x, y, width, height = area
    half_up = (1 << shift) - 1
    luma = np.empty((height, width), dtype)
    chroma = [np.empty(((height + half_up) >> shift, (width + half_up) >> shift), dtype) for _ in range(2)]
    for top in range(0, height, _ROWS):
        rows = min(_ROWS, height - top)
        lit = view.luma(Patch(y + top, x, y + top + rows, x + width))
        luma[top : top + rows] = _coded(lit, dtype, 0)
        first, last = top >> shift, (top + rows + half_up) >> shift
        below = lit if not shift else cv2.resize(lit, (chroma[0].shape[1], last - first))
        left, above = x >> shift, y >> shift
        place = Patch(above + first, left, above + last, left + chroma[0].shape[1])
        for plane, tint in zip(chroma, view.chroma(place, below), strict=True):
            plane[first:last] = _coded(tint, dtype, neutral(dtype))
    return Planes(luma, chroma[0], chroma[1], shift)


def _coded(values: Plane, dtype: np.dtype[Any], centre: int) -> Plane:
    top = 255 if dtype == np.uint8 else 65535
    return np.rint(values * np.float32(top / 255) + centre).clip(0, top).astype(dtype)
