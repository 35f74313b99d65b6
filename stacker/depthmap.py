"""Depth maps: as numbers in a file, and as pictures of them. Near is the first frame, far the last."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stacker.errors import FrameShapeError

Array = npt.NDArray[Any]

FAR = 65535  # value of the last frame in a depth map file; the first has 0
_STRIP_ROWS = 256
_PARALLAX_WIDTH = 500  # pixels


def encode_depth(index: Array, frames: int) -> Array:
    """Frame indices as a depth map: (h, w) of 0..frames - 1, integers or floats -> (h, w) uint16.

    The value is round(index / (frames - 1) · 65535), so that viewers show the full range whatever the count.
    With a single frame everything is 0.
    """
    if frames <= 1:
        return np.zeros(index.shape, np.uint16)
    scaled = np.multiply(index, FAR / (frames - 1), dtype=np.float32)
    return np.rint(scaled, out=scaled).clip(0, FAR).astype(np.uint16)


def decode_depth(depth: Array, frames: int) -> Array:
    """The inverse of encode_depth: (h, w) uint16 -> (h, w) float32 frame indices."""
    return np.asarray(depth, np.float32) * np.float32(max(frames - 1, 0) / FAR)


def encode_confidence(confidence: Array, bit_depth: int = 8) -> Array:
    """(h, w) float in [0, 1] -> (h, w) uint8 or uint16, white where the sharpest frame won clearly."""
    white, dtype = (FAR, np.uint16) if bit_depth == 16 else (255, np.uint8)
    return np.asarray(np.rint(confidence.clip(0, 1) * white), dtype)


def false_colour(depth: Array, confidence: Array | None = None) -> Array:
    """Near red, over yellow and green, far blue: (h, w) uint16 depth -> (h, w, 3) BGR uint8.

    confidence: (h, w) uint8 or uint16; where it is low, the colour fades to dark grey.
    """
    _check_map(depth, depth.shape)
    near_high = 255 - (depth >> 8).astype(np.uint8)
    colours = cv2.applyColorMap(near_high, cv2.COLORMAP_TURBO)
    if confidence is None:
        return colours
    _check_map(confidence, depth.shape)
    certain = (confidence.astype(np.float32) / np.iinfo(confidence.dtype).max)[..., np.newaxis]
    return np.rint(40 + (colours - np.float32(40)) * certain).astype(np.uint8)


def anaglyph(image: Array, depth: Array, strength_percent: float = 2.0) -> Array:
    """For red-cyan glasses: (h, w, 3) BGR uint8 and its depth -> (h, w, 3) BGR uint8.

    Half-colour: the red eye sees luma instead of red, so that red and blue subjects do not flicker between
    the eyes. strength_percent: parallax between nearest and farthest, of the width.
    """
    out = view_from(image, depth, 0.5, strength_percent)
    left = view_from(image, depth, -0.5, strength_percent)
    out[..., 2] = cv2.cvtColor(left, cv2.COLOR_BGR2GRAY)
    return out


def wiggle_frames(image: Array, depth: Array, count: int = 12, strength_percent: float = 2.0) -> list[Array]:
    """A parallax animation of `count` views, swaying to and fro once, its end meeting its start.

    image: (h, w, 3) BGR uint8; depth: (h, w) uint16. Returns pictures like the image.
    """
    eyes = 0.5 * np.sin(2 * np.pi * np.arange(count) / count)
    return [view_from(image, depth, float(eye), strength_percent) for eye in eyes]


def view_from(image: Array, depth: Array, eye: float, strength_percent: float = 2.0) -> Array:
    """The subject seen a little from the side: eye in -0.5 (left) .. 0.5 (right); the middle depth stays.

    From the right, what is near moves to the left against what is far. The picture is warped, not modelled:
    what comes out from behind an edge is stretched background, so keep the parallax to a few percent of the
    width.
    """
    if image.ndim != 3:
        raise FrameShapeError(f"an image of shape {image.shape} is not (h, w, 3)")
    _check_map(depth, image.shape[:2])
    height, width = depth.shape
    disparity = _nearness(depth) * np.float32(eye * strength_percent / 100 * width)
    columns = np.arange(width, dtype=np.float32)[np.newaxis]
    out = np.empty_like(image)
    for top in range(0, height, _STRIP_ROWS):
        strip = disparity[top : top + _STRIP_ROWS]
        rows = np.arange(top, top + strip.shape[0], dtype=np.float32)[:, np.newaxis]
        source_rows = np.repeat(rows, width, axis=1)
        out[top : top + _STRIP_ROWS] = cv2.remap(
            image, columns + strip, source_rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
    return out


def _nearness(depth: Array) -> Array:
    """(h, w) float32, 0.5 nearest .. -0.5 farthest; without specks, its soft edges outside the foreground.

    Parallax forgives a coarse depth map but not a ragged one: it is cleaned at a few hundred pixels. An edge
    of it that lay within the foreground would tear it, so what is near is grown a little.
    """
    height, width = depth.shape
    shrink = max(width / _PARALLAX_WIDTH, 1.0)
    size = (max(round(width / shrink), 1), max(round(height / shrink), 1))
    small: Array = cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
    near = 255 - (small // 256).astype(np.uint8)
    clean = cv2.medianBlur(cv2.medianBlur(near, 9), 9)
    grown = cv2.dilate(clean, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5)))
    soft = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 2)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR) / np.float32(255) - np.float32(
        0.5
    )


def _check_map(values: Array, shape: tuple[int, ...]) -> None:
    if values.ndim != 2 or values.shape != tuple(shape):
        raise FrameShapeError(
            f"a depth or confidence map of shape {values.shape} does not fit {tuple(shape)}"
        )
    if values.dtype not in (np.uint8, np.uint16):
        raise FrameShapeError(f"a depth or confidence map of {values.dtype} is not uint8 or uint16")
