"""The depth map as it is shown: hairs as thin as they are, and smooth where the subject is.

A focus measure needs a window, and a window beside a hair sees the hair: in the focus map, hairs are as wide as the
window on either side. Stereo matching knows the same as foreground fattening (D. Scharstein, R. Szeliski: A taxonomy
and evaluation of dense two-frame stereo correspondence algorithms, IJCV 47, 2002). The fusion wants it so, for
contrast decides around hairs; the depth map is better off without.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]

_STEP = 1.0  # frames: what differs less from the ground behind it is of one piece with that
_FATTENED = 2.3  # cells by which the window widens everything, on either side
_THIN, _WIDEST = 4, 8  # cells: half the width of what is surely thin, and of what may be
_MANY = 1.5  # times as much thin structure on one side tells which side is in front
_ON_RIDGE = 0.9  # by how much the distance to the rim falls off on both sides of a middle line, in cells
_RIM = 1.2  # cells; on the rim itself every corner would be one
_NOISE, _SMOOTH_CELLS = 0.5, 4.0  # what the bilateral filter takes for noise, in frames, and how far it looks


def shown_depth(depth: Plane) -> Plane:
    """The depth of a focus map without fattening and without noise: (h, w) float32, frames, of the same."""
    return np.asarray(cv2.bilateralFilter(without_fattening(depth), -1, _NOISE, _SMOOTH_CELLS))


def without_fattening(depth: Plane) -> Plane:
    """Thin structures in front made thinner by what the measure's window added: (h, w) float32, frames.

    Which end of the bracket is in front is told by the thin structures themselves: there are many narrow things
    before a ground, and few narrow gaps. Where neither end has clearly more of them, the depth is returned as it is.
    """
    towards_first = float((ground_behind(depth, _THIN) - depth > _STEP).mean())
    towards_last = float((ground_behind(-depth, _THIN) + depth > _STEP).mean())
    if max(towards_first, towards_last) <= _MANY * min(towards_first, towards_last):
        return depth
    return _thinned(depth) if towards_first > towards_last else -_thinned(-depth)


def ground_behind(depth: Plane, half_width: int) -> Plane:
    """What depth would be without anything in front that is narrower: a grey-scale closing."""
    side = 2 * half_width + 1
    return cv2.morphologyEx(
        depth, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    )


def _thinned(depth: Plane) -> Plane:
    """In front is what has the lower depth."""
    ground = ground_behind(depth, _WIDEST)
    thin = ground - depth > _STEP
    to_rim = cv2.distanceTransform(thin.view(np.uint8), cv2.DIST_L2, 5)
    kept = (to_rim > _FATTENED) | (_middle_line(to_rim) & (to_rim > _RIM))
    return np.where(thin & ~kept, ground, depth)


def _middle_line(to_rim: Plane) -> Mask:
    """Where the distance to the rim falls off towards both sides of a line through the cell, in any of 4 directions."""
    height, width = to_rim.shape
    around = cv2.copyMakeBorder(to_rim, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    line = np.zeros(to_rim.shape, bool)
    for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = around[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        other = around[1 - down : 1 - down + height, 1 - right : 1 - right + width]
        line |= 2 * to_rim - one - other > _ON_RIDGE * np.hypot(down, right)
    return line
