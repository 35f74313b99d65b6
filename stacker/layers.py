"""The depth map in two layers: thin things in front, and the ground that goes on behind them.

A focus measure needs a window, and a window beside a hair sees the hair: in the focus map, hairs are as wide as the
window on either side. Stereo matching knows the same as foreground fattening (D. Scharstein, R. Szeliski: A taxonomy
and evaluation of dense two-frame stereo correspondence algorithms, IJCV 47, 2002). The fusion wants it so, for
contrast decides around hairs. In the depth map each pixel is to have the depth of what it shows, so that both depths
are kept here; which of them a pixel shows is told by its colour (stacker.matte).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.look import Look
from stacker.palette import Palette

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]

_STEP = 1.0  # frames: what differs less from the ground behind it is of one piece with that
_THIN, _WIDEST = 4, 24  # cells: half the width of what is surely thin, and of what may be
# So many times as much thin structure on one side, or so much more of the picture, tells which side is in front.
_MANY, _MUCH = 1.5, 0.02
_LEAST = 0.003  # of the picture must be thin
_BESIDE = 2  # cells around what is in front whose depth is drawn towards it
# Wide things are too wide at their rim as well: by so many cells, seen where they stand out by so many frames.
_RIM, _RIM_STEP = 10, 2.0
_KNOWN = 0.1  # confidence from which a cell may say how deep the ground is
_ROUNDS = 3  # of taking from what is in front what looks like the ground beside it
# By so much the square of its colour's distance, in standard deviations, must be less as ground.
_SURELY = 1.0
_NOISE = 0.5  # frames: what the bilateral filters take for noise
# How many cells they look around: little where hairs are, far on a ground without them, between where all is one layer.
_FRONT_CELLS, _GROUND_CELLS, _ONLY_CELLS = 2.0, 8.0, 4.0
_UNKNOWN = np.float32(-1e6)


@dataclass(frozen=True)
class Layers:
    """Depth of the ground and of what is in front of it, frames; both (h, w) float32.

    thin: where something thin is in front, with a little of the ground around it.
    """

    ground: Plane
    front: Plane
    thin: Mask


def layers_of(depth: Plane, confidence: Plane, look: Callable[[], Look]) -> Layers:
    """The layers of a focus map: depth in frames, and confidence 0..1, both (h, w) float32.

    Which end of the bracket is in front is told by the thin structures themselves: there are many narrow things
    before a ground, and few narrow gaps. Where neither end has clearly more of them, everything is ground. look: gives
    the look of the cells, where it is needed.
    """
    front = _smooth(depth, _FRONT_CELLS)
    known = confidence > _KNOWN
    first, last = (float(_before_ground(side, known, _THIN)[1].mean()) for side in (front, -front))
    more, fewer = max(first, last), min(first, last)
    if more < _LEAST or (more <= _MANY * fewer and more - fewer < _MUCH):
        return Layers(_smooth(depth, _ONLY_CELLS), front, np.zeros(depth.shape, np.bool_))
    sign = np.float32(1 if first > last else -1)
    nearness = sign * front
    seen = look()
    for _ in range(_ROUNDS):
        nearness, known = _without_what_looks_like_ground(nearness, known, seen)
    ground, thin = _before_ground(nearness, known, _WIDEST)
    return Layers(_smooth(sign * _behind(nearness, ground, thin), _GROUND_CELLS), front, thin)


def _without_what_looks_like_ground(depth: Plane, known: Mask, look: Look) -> tuple[Plane, Mask]:
    """A depth map, less being nearer, in which things are less too wide; and where it is known.

    Where the ground has little contrast, the measure of a sharp edge drowns it for 30 pixels and more. What lies there
    has no detail of its own, and its colour is that of the ground beside it rather than that of what is in front.
    """
    rim, beyond = _rim(np.where(known, depth, _UNKNOWN), depth)
    ground, thin = _before_ground(depth, known, _WIDEST)
    target = np.where(rim & ~thin, beyond, _behind(depth, ground, thin))
    del ground, beyond
    doubtful = thin | rim
    palette = Palette(look.colours, depth, ~doubtful | look.sharp)
    is_ground = palette.nearer(doubtful & ~look.sharp, target, depth, _SURELY)
    return np.where(is_ground, target, depth), known | is_ground


def _rim(known: Plane, depth: Plane) -> tuple[Mask, Plane]:
    """Where a thing is close to its rim, beyond which it is much deeper; and how deep that is."""
    jump = cv2.dilate(known, _disk(1)) - depth > _RIM_STEP
    beyond = cv2.dilate(known, _disk(_RIM))
    close = cv2.dilate(jump.view(np.uint8), _disk(_RIM - 1)).view(np.bool_)
    return close & (beyond - depth > _RIM_STEP), beyond


def _behind(depth: Plane, ground: Plane, thin: Mask) -> Plane:
    """The depth of the ground, everywhere."""
    side = 2 * _BESIDE + 1
    around = cv2.dilate(thin.view(np.uint8), np.ones((side, side), np.uint8)).view(np.bool_)
    return np.where(around & (ground > _UNKNOWN / 2), ground, depth)


def _before_ground(depth: Plane, known: Mask, half_width: int) -> tuple[Plane, Mask]:
    """What the depth would be without anything in front that is narrower, and where that is; less is nearer.

    A grey-scale closing in which only known depths speak; _UNKNOWN where there are too few around. Noise between the
    specks of a smooth surface would else be taken for a ground far behind them.
    """
    ground = cv2.morphologyEx(np.where(known, depth, _UNKNOWN), cv2.MORPH_CLOSE, _disk(half_width))
    return ground, ground - depth > _STEP


def _disk(radius: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)))


def _smooth(depth: Plane, cells: float) -> Plane:
    return np.asarray(cv2.bilateralFilter(np.ascontiguousarray(depth, np.float32), -1, _NOISE, cells))
