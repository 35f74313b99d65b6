"""Premultiplied light and the ways two lots of it come together; OpenCV's arithmetic, for speed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from rig.devices.scenes.blur import Blur
from rig.devices.scenes.surface import F32, Mip, decode

Weights = list[tuple[Blur, F32]]
VEIL, DENSE = 0.12, 0.40  # coverage up to which a surface counts as strewn, and from which as closed


@dataclass(frozen=True)
class Light:
    """Premultiplied light with its coverage, and what an unbroken surface would cover."""

    bgra: F32  # (h, w, 4)
    whole: F32 | None  # (h, w); None for a flat surface, where it is 1

    def plus(self, other: Light | None) -> Light:
        """Both, from different parts of one surface."""
        if other is None:
            return self
        if self.whole is None or other.whole is None:
            return Light(_f32(cv2.add(self.bgra, other.bgra)), None)
        return Light(_f32(cv2.add(self.bgra, other.bgra)), _f32(cv2.add(self.whole, other.whole)))

    def over(self, behind: Light | None) -> Light:
        """The light when this hides what lies behind it."""
        if behind is None:
            return self
        bgra = lay(behind.bgra, self.bgra)
        if self.whole is None or behind.whole is None:
            return Light(bgra, None)
        return Light(bgra, self.whole + behind.whole * (1 - np.minimum(self.whole, 1)))

    def normal(self) -> F32:
        """The light with the unevenness of overlapping discs divided out where the surface is dense.

        A lone hair's veil is left as it is: the depths around it, which `whole` needs, are only guessed.
        """
        if self.whole is None:
            return self.bgra
        cover = cv2.extractChannel(self.bgra, 3)
        dense = np.clip((cover - VEIL) / (DENSE - VEIL), 0, 1)
        whole = 1 + dense * (np.maximum(self.whole, np.float32(VEIL)) - 1)
        return _f32(cv2.multiply(self.bgra, _four(_f32(1 / whole))))

    def cut(self, rows: slice, columns: slice) -> Light:
        """A part of it."""
        return Light(self.bgra[rows, columns], None if self.whole is None else self.whole[rows, columns])

    def resized(self, size: tuple[int, int]) -> Light:
        """At another size (width, height), linearly interpolated."""
        whole = None if self.whole is None else _f32(cv2.resize(self.whole, size))
        return Light(_f32(cv2.resize(self.bgra, size)), whole)


def lay(picture: F32, bgra: F32) -> F32:
    """Premultiplied light over a picture, both (h, w, 4)."""
    hidden = _four(1 - np.minimum(cv2.extractChannel(bgra, 3), 1))
    return _f32(cv2.add(cv2.multiply(picture, hidden), bgra))


def scatter(copy: Mip, weights: Weights, flat: bool) -> Light | None:
    """Each pixel's light spread over the disc its depth asks for, added up; None where there is none."""
    total: Light | None = None
    light = four_depths = None
    for blur, lut in weights:
        share = _f32(cv2.LUT(copy.depth, lut))
        if not share.any():
            continue
        if light is None:
            light, four_depths = decode(copy.bgra), cv2.merge([copy.depth] * 4)
        part = light if flat else _f32(cv2.multiply(light, cv2.LUT(four_depths, lut)))  # type: ignore[arg-type]
        if blur.kernel.size > 1:
            part = _f32(cv2.filter2D(part, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE))
            if not flat:
                share = _f32(cv2.filter2D(share, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE))
        total = Light(part, None if flat else share).plus(total)
    return total


def _four(plane: F32) -> F32:
    return _f32(cv2.merge([plane, plane, plane, plane]))


def _f32(array: object) -> F32:
    return np.asarray(array, np.float32)
