"""Small JPEGs made from large ones: thumbnails, screen copies, live pictures cut to what a phone shows."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.camera import Image, Roi
from rig.errors import StoreError
from rig.saying import say
from rig.sharpness import luma_of

FRAME_THUMB_PX = 480
RESULT_THUMB_PX = 320
SCREEN_PX = 1600
SMALL_QUALITY = 80
SCREEN_QUALITY = 88


def shrink(image: Image, width: int) -> Image:
    """The picture no wider than width px, by area averaging; unchanged when it is narrow enough."""
    h, w = image.shape[:2]
    if w <= width:
        return image
    small = cv2.resize(image, (width, max(1, round(h * width / w))), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def crop(image: Image, roi: Roi | None) -> Image:
    """The part of the picture within roi, at least 8 px each way; fractions outside 0..1 are clamped."""
    if roi is None:
        return image
    h, w = image.shape[:2]
    x, y = (min(max(value, 0.0), 1.0) for value in roi[:2])
    left, top = min(round(x * w), w - 8), min(round(y * h), h - 8)
    right = min(w, left + max(8, round(roi[2] * w)))
    bottom = min(h, top + max(8, round(roi[3] * h)))
    return image[top:bottom, left:right]


def encode_jpeg(image: Image, quality: int = SMALL_QUALITY) -> bytes:
    """A (h, w, 3) BGR or (h, w) grey picture as JPEG."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise StoreError(
            say("picture.not_encoded", "a picture of {size} px cannot be encoded as JPEG", size=image.shape)
        )
    return data.tobytes()


def small_copy(jpeg: bytes, width: int) -> Image | None:
    """(h, w, 3) BGR no wider than width, decoded at the largest reduction that still holds it.

    None when the data are no picture.
    """
    flags = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
    full_width = jpeg_size(jpeg)[0]
    scale = next((scale for scale in flags if full_width // scale >= width), 1)
    data: npt.NDArray[np.uint8] = np.frombuffer(jpeg, np.uint8)
    image = cv2.imdecode(data, flags.get(scale, cv2.IMREAD_COLOR)) if data.size else None
    return None if image is None else shrink(np.asarray(image, dtype=np.uint8), width)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height in px from the JPEG's frame header, (0, 0) when there is none."""
    at = 2
    while at + 9 < len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = jpeg[at + 5 : at + 7], jpeg[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + length
    return 0, 0


def small_jpeg(path: Path, width: int, quality: int = SMALL_QUALITY) -> bytes:
    """A smaller copy of the JPEG under path. Raises StoreError when it is missing or damaged."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StoreError(
            say("store.not_read", "{path} cannot be read: {why}", path=path, why=error.strerror)
        ) from error
    image = small_copy(data, width)
    if image is None:
        raise StoreError(say("picture.not_shown", "{path} is no picture that can be shown", path=path))
    return encode_jpeg(image, quality)


def focus_score(image: Image) -> float:
    """How sharp a picture is, 0..1: strength of fine detail against brightness, compressed into a range.

    image: (h, w) or (h, w, 3) uint8. Comparable between pictures of one scene at equal size.
    """
    grey = luma_of(image)
    detail = cv2.Laplacian(grey, cv2.CV_32F, ksize=1)
    contrast = float(np.std(detail)) / (float(np.mean(grey)) + 1.0)
    return contrast / (contrast + 0.25)
