"""The depth map in two layers: thin things in front, and the ground that goes on behind them.

A focus measure needs a window, and a window beside a hair sees the hair: in the focus map, hairs are as wide as the
window on either side. Stereo matching knows the same as foreground fattening (D. Scharstein, R. Szeliski: A taxonomy
and evaluation of dense two-frame stereo correspondence algorithms, IJCV 47, 2002). The fusion wants it so, for
contrast decides around hairs. In the depth map each pixel is to have the depth of what it shows, so that both depths
are kept here; which of them a pixel shows is told by its colour (stacker.matte).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]

_STEP = 1.0  # frames: what differs less from the ground behind it is of one piece with that
_THIN, _WIDEST = 4, 24  # cells: half the width of what is surely thin, and of what may be
# So many times as much thin structure on one side, or so much more of the picture, tells which side is in front.
_MANY, _MUCH = 1.5, 0.02
_LEAST = 0.003  # of the picture must be thin
_BESIDE = 2  # cells around what is in front whose depth is drawn towards it
# Wide things are too wide at their rim as well: by so many cells, seen where they stand out by so many frames.
_RIM, _RIM_STEP = 3, 2.0
_INSIDE, _ONE_DEPTH = 4.5, 0.5  # cells from the rim; frames
_KNOWN = 0.1  # confidence from which a cell may say how deep the ground is
_NOISE = 0.5  # frames: what the bilateral filters take for noise
# How many cells they look around: little where hairs are, far on a ground without them, between where all is one layer.
_FRONT_CELLS, _GROUND_CELLS, _ONLY_CELLS = 2.0, 8.0, 4.0
_UNKNOWN = np.float32(-1e6)


@dataclass(frozen=True)
class Layers:
    """Depth of the ground and of what is in front of it, frames; both (h, w) float32.

    thin: where something thin is in front, with the part of the ground around it that the focus map takes for it.
    solid: where no ground can be seen in between.
    """

    ground: Plane
    front: Plane
    thin: Mask
    solid: Mask


def layers_of(depth: Plane, confidence: Plane) -> Layers:
    """The layers of a focus map: depth in frames, and confidence 0..1, both (h, w) float32.

    Which end of the bracket is in front is told by the thin structures themselves: there are many narrow things
    before a ground, and few narrow gaps. Where neither end has clearly more of them, everything is ground.
    """
    front = _smooth(depth, _FRONT_CELLS)
    known = confidence > _KNOWN
    first, last = (float(_before_ground(side, known, _THIN)[1].mean()) for side in (front, -front))
    more, fewer = max(first, last), min(first, last)
    if more < _LEAST or (more <= _MANY * fewer and more - fewer < _MUCH):
        nothing = np.zeros(depth.shape, np.bool_)
        return Layers(_smooth(depth, _ONLY_CELLS), front, nothing, nothing)
    sign = np.float32(1 if first > last else -1)
    ground, thin = _before_ground(sign * front, known, _WIDEST)
    side = 2 * _BESIDE + 1
    around = cv2.dilate(thin.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)
    beyond = cv2.dilate(np.where(known, sign * front, _UNKNOWN), _disk(_RIM))
    rim = (beyond - sign * front > _RIM_STEP) & ~thin
    ground = np.where(around & (ground > _UNKNOWN / 2), ground, sign * front)
    ground = sign * np.where(rim, beyond, ground)
    return Layers(_smooth(ground, _GROUND_CELLS), front, thin | rim, _solid(front, thin))


def _before_ground(depth: Plane, known: Mask, half_width: int) -> tuple[Plane, Mask]:
    """What the depth would be without anything in front that is narrower, and where that is; less is nearer.

    A grey-scale closing in which only known depths speak; _UNKNOWN where there are too few around. Noise between the
    specks of a smooth surface would else be taken for a ground far behind them.
    """
    ground = cv2.morphologyEx(np.where(known, depth, _UNKNOWN), cv2.MORPH_CLOSE, _disk(half_width))
    return ground, ground - depth > _STEP


def _solid(front: Plane, thin: Mask) -> Mask:
    """Where what is in front has one depth, farther from its rim than the measure's window reaches: no hairs."""
    to_rim = cv2.distanceTransform(thin.view(np.uint8), cv2.DIST_L2, 5)
    around = _disk(_BESIDE)
    depths = cv2.dilate(front, around) - cv2.erode(front, around)
    return np.asarray((to_rim > _INSIDE) & (depths < _ONE_DEPTH))


def _disk(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))


def _smooth(depth: Plane, cells: float) -> Plane:
    return np.asarray(cv2.bilateralFilter(np.ascontiguousarray(depth, np.float32), -1, _NOISE, cells))
