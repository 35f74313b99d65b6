"""A frame seen from the reference frame: any rectangle of it, aligned and as bright as the reference."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.kernel.finest import SeenPlane
from stacker.kernel.warps import can_warp, warp
from stacker.light import PIVOT
from stacker.patches import Patch, margin_inside, seen_by
from stacker.photometry import Gain
from stacker.planes import Planes, neutral, outline_of
from stacker.transforms import Transform, invert, to_low

Plane = NDArray[Any]  # float32, levels of 255

_RIM_PX = 6.0  # a frame fades in over so many pixels from its outline: no step where frames end
_PIVOT = 255 * PIVOT


@dataclass(frozen=True)
class AlignedFrame:
    """A frame and how it lies on the reference frame."""

    planes: Planes
    transform: Transform  # frame pixels to reference pixels
    gain: Gain  # (3,) B, G, R, to the reference; see stacker.photometry
    slot: int  # its place among the frames of the focus map


def reduced_rows(planes: Planes, level: int, first: int, end: int) -> list[NDArray[Any]]:
    """Rows first..end of the planes, all of one size, reduced to a level; first: a multiple of its pixels."""
    step = 1 << level
    size = max(planes.shape[1] // step, 1), max((end - first) // step, 1)
    out = []
    for plane, per_pixel in zip(planes, (step, *2 * (step >> planes.chroma_shift,)), strict=True):
        top = first // step * per_pixel
        cut = plane[top : top + size[1] * per_pixel, : size[0] * per_pixel]
        out.append(cv2.resize(cut, size, interpolation=cv2.INTER_AREA))
    return out


class FrameView:
    """A frame in the geometry of a picture of (height, width); rectangles may reach beyond it."""

    def __init__(self, frame: AlignedFrame, picture: tuple[int, int]) -> None:
        self.slot = frame.slot
        self._planes = frame.planes
        self._picture = picture
        self._scale = 1.0 if frame.planes.dtype == np.uint8 else 1 / 257.0
        self._to_frame = invert(frame.transform)
        self._to_chroma = to_low(self._to_frame, 1 << frame.planes.chroma_shift)
        blue, green, red = (float(gain) for gain in frame.gain)
        self._gain = 0.114 * blue + 0.587 * green + 0.299 * red
        self._blue, self._red = blue, red
        self._as_bright = bool(np.allclose(frame.gain, 1.0, atol=1e-4))

    @property
    def height(self) -> int:
        """Rows of the frame."""
        return self._planes.shape[0]

    def without_pixels(self) -> FrameView:
        """What is left to be known of the frame when its planes are not needed any more: where it reaches."""
        outline = copy(self)
        outline._planes = outline_of(self._planes)
        return outline

    def luma(self, patch: Patch) -> Plane:
        """(h, w) of a rectangle in full-size pixels."""
        return self._cut(self._planes.y, self._to_frame, patch, 0)

    def chroma(self, patch: Patch, luma: Plane) -> list[Plane]:
        """Cb and Cr about 0, each (h, w), of a rectangle in chroma pixels; luma: (h, w), as lit."""
        centre = neutral(self._planes.dtype) * self._scale
        blue, red = (
            self._cut(plane, self._to_chroma, patch, centre) for plane in (self._planes.cb, self._planes.cr)
        )
        return self._balanced(blue, red, luma)

    def reduced(self, level: int) -> list[NDArray[Any]]:
        """The frame's planes, all of one size, reduced to a level: what `small` is made from."""
        return reduced_rows(self._planes, level, 0, self._planes.shape[0])

    def small(self, level: int, patch: Patch, reduced: list[NDArray[Any]]) -> list[Plane]:
        """Luma, Cb and Cr of a rectangle on a level, from a reduced copy: for where the frame hardly counts."""
        to_small = to_low(self._to_frame, 1 << level)
        centre = neutral(self._planes.dtype) * self._scale
        cuts = [
            self._cut(plane, to_small, patch, middle)
            for plane, middle in zip(reduced, (0, centre, centre), strict=True)
        ]
        return [cuts[0], *self._balanced(cuts[1], cuts[2], cuts[0])]

    def rows_of(self, patch: Patch) -> tuple[int, int]:
        """The first row of the frame, and the end of those, that are needed for a rectangle in full-size pixels."""
        shift = self._planes.chroma_shift
        luma = seen_by(patch, self._to_frame, self._planes.y.shape)
        chroma = seen_by(patch.at(shift), self._to_chroma, self._planes.cb.shape)
        end = min(max(luma.bottom, chroma.bottom << shift), self._planes.shape[0])
        return min(luma.top, chroma.top << shift), end

    def cover(self, cells: Patch, grid_level: int) -> Plane | None:
        """0 where the frame does not reach, rising to 1 inside its outline; None where it is 1 everywhere.

        cells: a rectangle of cells 2**grid_level px wide.
        """
        step = 1 << grid_level
        pixels = Patch(cells.top * step, cells.left * step, cells.bottom * step, cells.right * step)
        margin = margin_inside(pixels, step, self._to_frame, self._picture, self._planes.shape)
        return None if margin is None else np.clip((margin + 1) / _RIM_PX, 0, 1)

    def _cut(self, plane: NDArray[Any], to_frame: Transform, patch: Patch, centre: float) -> Plane:
        """A rectangle of one plane, in levels of 255: luma as bright as the reference, or chroma about 0."""
        gain, offset = (self._scale, -centre) if centre else self._light()
        # The eye sees chroma less sharply than a camera stores it, and cubic interpolation costs three times linear.
        cubic = not centre
        shifted = to_frame.copy()
        shifted[:, 2] += to_frame[:, :2] @ (patch.left, patch.top)
        if can_warp(to_frame):
            return warp(plane, shifted, patch.size, cubic, gain, offset)
        source = seen_by(patch, to_frame, plane.shape)
        shifted[:, 2] -= source.left, source.top
        # float32 is warped in two thirds of the time of uint8, and not rounded.
        cut = plane[source.rows, source.columns].astype(np.float32)
        kind = cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
        out: Plane = cv2.warpAffine(
            cut, shifted, patch.size, flags=kind | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        if gain != 1.0:
            out *= np.float32(gain)
        if offset:
            out += np.float32(offset)
        return out

    def seen_planes(self) -> list[SeenPlane] | None:
        """The frame for the kernel, which sees it as `luma` and `chroma` do; None where it cannot."""
        if not can_warp(self._to_frame):
            return None
        gain, offset = self._light()
        centre = neutral(self._planes.dtype) * self._scale
        planes = [SeenPlane(self._planes.y, self._to_frame, gain, offset)]
        for plane, (tint, by_light) in zip((self._planes.cb, self._planes.cr), self._tints(), strict=True):
            offset = by_light * _PIVOT - tint * centre
            planes.append(SeenPlane(plane, self._to_chroma, tint * self._scale, offset, by_light))
        return planes

    def _light(self) -> tuple[float, float]:
        """What luma is multiplied by, and what is added then."""
        if self._as_bright:
            return self._scale, 0.0
        return self._scale * self._gain, _PIVOT * (self._gain - 1)

    def _tints(self) -> list[tuple[float, float]]:
        """For Cb and Cr: what chroma about 0 is multiplied by, and by how much the luma in light goes into it.

        B' - Y' = gB (B + p) - gY (Y + p) where gains differ by channel, and so for red; luma is lit already.
        """
        if self._as_bright:
            return [(1.0, 0.0), (1.0, 0.0)]
        return [
            (gain, (gain - self._gain) / self._gain / per_level)
            for gain, per_level in ((self._blue, 1.772), (self._red, 1.402))
        ]

    def _balanced(self, blue: Plane, red: Plane, luma: Plane) -> list[Plane]:
        """Chroma under the light of the reference frame."""
        if self._as_bright:
            return [blue, red]
        return [
            np.asarray(cv2.addWeighted(plane, tint, luma, by_light, by_light * _PIVOT))
            for plane, (tint, by_light) in zip((blue, red), self._tints(), strict=True)
        ]
