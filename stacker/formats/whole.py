"""Shared by the kinds of picture that are decoded in one piece by OpenCV: PNG, BMP and some TIFFs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stacker.errors import FrameError
from stacker.saying import say

Array = npt.NDArray[Any]

# OpenCV prints what it finds wrong with a file and then returns None. We say it once, with the frame's name.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def read_with_opencv(path: Path) -> Array:
    """The picture as stored (orientation not applied). Raises FrameError if OpenCV cannot decode all."""
    return _decoded(lambda: cv2.imread(str(path), cv2.IMREAD_UNCHANGED))


def decode_with_opencv(data: bytearray) -> Array:
    """The same from a file's bytes."""
    return _decoded(lambda: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))


def _decoded(decode: Callable[[], Array | None]) -> Array:
    try:
        image = decode()
    except cv2.error as error:
        raise FrameError(
            say("frame.undecodable", "the picture is damaged (OpenCV cannot decode it)")
        ) from error
    if image is None:
        raise FrameError(
            say("frame.unusual", "the picture is damaged or of an unusual kind (OpenCV cannot decode it)")
        )
    return as_bgr_or_grey(np.asarray(image))


def with_red_and_blue_exchanged(image: Array) -> Array:
    """(h, w, 3) RGB -> BGR, in the array itself where it is contiguous: a frame of 16 bits is large enough once."""
    image = np.ascontiguousarray(image)
    for top in range(0, image.shape[0], 64):
        band = image[top : top + 64]
        band[...] = band[..., ::-1].copy()
    return image


def as_bgr_or_grey(image: Array) -> Array:
    """(h, w, 1..4) or (h, w) -> (h, w, 3) BGR or (h, w) grey; transparency is dropped.

    Raises FrameError when the values are neither uint8 nor uint16.
    """
    if image.dtype not in (np.uint8, np.uint16):
        raise FrameError(
            say(
                "frame.bits",
                "a {kind} of {sample} cannot be stacked; save it with 8 or 16 bits per channel",
                kind="picture",
                sample=image.dtype,
            )
        )
    if image.ndim == 2:
        return image
    return image[..., 0] if image.shape[2] < 3 else image[..., :3]
