"""YUV 4:2:0 camera buffers as planes, and what is made of them: JPEG, small luma, BGR. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import simplejpeg

from rig.errors import CameraError
from rig.saying import say

Image = npt.NDArray[np.uint8]
SMALL = 8  # luma_small is one eighth of the frame


@dataclass(frozen=True)
class Planes:
    """Luma (h, w) and chroma (h/2, w/2), uint8, full range BT.601; views into the buffer where possible."""

    y: Image
    u: Image
    v: Image

    def crop(self, left: int, top: int, width: int, height: int) -> Planes:
        """The part that starts at even coordinates; views."""
        half = (slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2))
        return Planes(self.y[top : top + height, left : left + width], self.u[half], self.v[half])


def split_planes(buffer: Image, pixel_format: str, size: tuple[int, int]) -> Planes:
    """The planes of a mapped camera buffer.

    buffer: (h·3/2, stride) uint8, where stride ≥ w is what the hardware pads a row to: 4096 for 4056 on a
    Pi. pixel_format: YUV420 (three planes, chroma rows half a stride long) or NV12, NV21 (chroma
    interleaved; copied apart). size: width, height, both even. Raises CameraError for other formats.
    """
    width, height = size
    luma, chroma = buffer[:height, :width], buffer[height : height * 3 // 2]
    if pixel_format == "YUV420":
        u, v = chroma.reshape(2, height // 2, buffer.shape[1] // 2)[:, :, : width // 2]
        return Planes(luma, u, v)
    if pixel_format in ("NV12", "NV21"):
        first, second = (np.ascontiguousarray(chroma[:, offset:width:2]) for offset in (0, 1))
        return Planes(luma, first, second) if pixel_format == "NV12" else Planes(luma, second, first)
    raise CameraError(
        say(
            "camera.pixel_format",
            "the camera gives {format} frames; YUV420 or NV12 is needed",
            format=pixel_format,
        )
    )


def encode_jpeg(planes: Planes, quality: int) -> bytes:
    """The planes as JPEG, without a detour through RGB. quality: 1..100.

    The height must be even, as a camera's is: simplejpeg 1.9 reads beyond the planes of an odd one and dies.
    """
    return bytes(simplejpeg.encode_jpeg_yuv_planes(planes.y, planes.u, planes.v, quality))


def reduce_luma(luma: Image) -> Image:
    """(h/8, w/8): the mean of every 8 × 8 block; rows and columns beyond the last whole block are dropped."""
    height, width = luma.shape[0] // SMALL, luma.shape[1] // SMALL
    whole = luma[: height * SMALL, : width * SMALL]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def to_bgr(planes: Planes) -> Image:
    """(h, w, 3) BGR. By YCrCb, which is full range; OpenCV's I420 conversions expect video range."""
    height, width = planes.y.shape
    u, v = (
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in (planes.u, planes.v)
    )
    return np.asarray(cv2.cvtColor(cv2.merge([planes.y, v, u]), cv2.COLOR_YCrCb2BGR), np.uint8)


def even_box(roi: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """left, top, width, height in px of a part given in fractions: even, inside the frame, not empty."""
    left, width = _even_span(roi[0], roi[2], size[0])
    top, height = _even_span(roi[1], roi[3], size[1])
    return left, top, width, height


def _even_span(start: float, length: float, whole: int) -> tuple[int, int]:
    first = min(max(int(start * whole) // 2 * 2, 0), whole - 2)
    return first, min(max(int(length * whole) // 2 * 2, 2), whole - first)
