"""Premultiplied light and the ways two lots of it come together; OpenCV's arithmetic, for speed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.blur import Blur
from rig.devices.scenes.surface import F32, Mip, decode

Half = npt.NDArray[np.float16]
Weights = list[tuple[Blur, F32]]
LEFT = np.array([[0, 0, 0, -1, 1]] * 4, np.float32)  # 1 - coverage, in every channel
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
    return _f32(cv2.add(cv2.multiply(picture, left_by(bgra)), bgra))


def left_by(bgra: F32) -> F32:
    """(h, w, 4) share of the light behind that premultiplied light lets through, the same four times."""
    return np.maximum(_f32(cv2.transform(bgra, LEFT)), np.float32(0))


def scatter(copy: Mip, weights: Weights, flat: bool) -> Light | None:
    """Each pixel's light spread over the disc its depth asks for, added up; None where there is none."""
    total: Light | None = None
    nearest, farthest, _, _ = cv2.minMaxLoc(copy.depth)
    there = slice(int(nearest), int(farthest) + 1)
    light = None
    for blur, lut in weights:
        if not lut[0, there].any():
            continue
        if light is None:
            light = decode(copy.bgra)
        share = None if flat else _f32(cv2.LUT(copy.depth, lut))
        if share is not None and not share.any():
            continue
        part = light if share is None else _f32(cv2.multiply(light, _four(share)))
        if blur.kernel.size > 1:
            part = _f32(cv2.filter2D(part, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE))
            if share is not None:
                share = _f32(cv2.filter2D(share, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE))
        total = Light(part, share).plus(total)
    return total


def to_half(array: F32) -> Half:
    """Half precision, to save memory. OpenCV's, for numpy takes ten times as long over very small numbers."""
    return np.asarray(cv2.multiply(array, 1.0, dtype=cv2.CV_16F), np.float16)  # type: ignore[call-overload]


def from_half(array: Half) -> F32:
    """The same at full precision."""
    return _f32(cv2.multiply(array, 1.0, dtype=cv2.CV_32F))  # type: ignore[call-overload]


def _four(plane: F32) -> F32:
    return _f32(cv2.merge([plane, plane, plane, plane]))


def _f32(array: object) -> F32:
    return np.asarray(array, np.float32)
