"""Which pixels show what is in front: hairs told from the ground between them by their colour.

All that is known at first is a mask in which the hairs lie, too wide by some pixels. The ground is seen outside of it
too, the hairs are not. So in a window around each pixel the mask is predicted from colour by linear regression, as in
a guided filter (K. He, J. Sun, X. Tang: Guided Image Filtering, IEEE PAMI 35(6), 2013); pixels that are predicted well
are hairs. From those the prediction is made anew, and again: by then it is a linear discriminant of the two colours.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]

_ROUNDS = 5
_HAIR = 0.35  # of a mask is hair, about: where to part hair and ground before anything else is known
_NOISE = 1e-6  # added to the variance of colour, whose levels are 0..1
_PART = 0.55  # of the way from ground to hair lies the limit: at a half, hairs were a pixel too wide
_COARSE = 4  # samples from one regression to the next
_FEW = 1e-4  # share of a window: less is nothing


def in_front(luma: Plane, chroma: list[Plane], near: Mask, radius: int) -> Mask:
    """The pixels of a mask that show something thin in front.

    luma: (h, w) float32, 0..1, even sides. chroma: two planes of half the size. near: (h, w), where it may be
    seen. radius: pixels around a pixel that are looked at, more than the mask is too wide by. Returns (h, w).
    """
    may_be = near[::2, ::2]
    windows = _Windows([np.ascontiguousarray(luma[::2, ::2]), *chroma], max(radius // 2, 1))
    label = may_be.astype(np.float32)
    factors = windows.regression(label)
    limit = _first_limit(windows.mean(label))
    for _ in range(_ROUNDS - 1):
        label = (may_be & (windows.predicted(factors) > limit)).astype(np.float32)
        factors = windows.regression(label)
        limit = windows.half_way(windows.predicted(factors), label)
    rest = limit - factors[1] * chroma[0] - factors[2] * chroma[1] - factors[3]
    size = luma.shape[1], luma.shape[0]
    return np.asarray(near & (luma * cv2.resize(factors[0], size) > cv2.resize(rest, size)))


def _first_limit(share: Plane) -> Plane:
    """Half way between what is predicted of hair, 1, and of ground, part of which the mask takes for hair.

    share: of the mask in each window.
    """
    ground = (1 - _HAIR) * share / (1 - _HAIR * share)
    return (1 + ground) / 2


class _Windows:
    """A window around each pixel of three colours: (2 * reach + 1) pixels square."""

    def __init__(self, colours: list[Plane], reach: int) -> None:
        self._colours, self._reach = colours, reach
        self._means = [self._sampled(colour) for colour in colours]
        a, b, c, e, f, i = (
            self._sampled(colours[m] * colours[n]) - self._means[m] * self._means[n]
            for m, n in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
        )
        # Their covariance as L D L', for the systems of three equations that regression leads to.
        self._first = a + _NOISE
        self._lower = b / self._first, c / self._first
        self._second = e + _NOISE - self._lower[0] * b
        self._last = (f - self._lower[1] * b) / self._second
        self._third = i + _NOISE - self._lower[1] * c - self._last * self._last * self._second

    def mean(self, plane: Plane) -> Plane:
        """Around each pixel."""
        side = 2 * self._reach + 1
        return np.asarray(cv2.blur(plane, (side, side)))

    def _sampled(self, plane: Plane) -> Plane:
        return np.ascontiguousarray(self.mean(plane)[::_COARSE, ::_COARSE])

    def regression(self, label: Plane) -> list[Plane]:
        """A label as a linear function of the colours: three factors and a constant for each pixel.

        The mean of the functions of all windows that a pixel lies in.
        """
        mean = self._sampled(label)
        one, two, three = (
            self._sampled(colour * label) - of * mean
            for colour, of in zip(self._colours, self._means, strict=True)
        )
        two -= self._lower[0] * one
        three -= self._lower[1] * one + self._last * two
        z = three / self._third
        y = two / self._second - self._last * z
        x = one / self._first - self._lower[0] * y - self._lower[1] * z
        constant = mean - x * self._means[0] - y * self._means[1] - z * self._means[2]
        size = label.shape[1], label.shape[0]
        side = 2 * (self._reach // _COARSE) + 1
        return [cv2.resize(cv2.blur(plane, (side, side)), size) for plane in (x, y, z, constant)]

    def predicted(self, factors: list[Plane]) -> Plane:
        """What a regression says of each pixel."""
        total = factors[-1].copy()
        for factor, colour in zip(factors, self._colours, strict=False):
            total += factor * colour
        return total

    def half_way(self, found: Plane, label: Plane) -> Plane:
        """Between what is predicted of hair and of ground around a pixel: neither is lost where it is rare."""
        share, hairs = self.mean(label), self.mean(found * label)
        hair = hairs / (share + _FEW)
        ground = (self.mean(found) - hairs) / (1 - share + _FEW)
        return ground + _PART * (hair - ground)
