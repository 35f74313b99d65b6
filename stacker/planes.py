"""A picture the way the stacker holds it: one luma plane and two chroma planes, often at half size.

A JPEG of a camera carries its colour at half size anyway; keeping it so costs 1.5 bytes per pixel instead of
3, and every warp and pyramid works on the luma alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stacker.errors import FrameShapeError

Array = npt.NDArray[Any]

# Colour is converted in bands of rows: these stay in cache, and no frame-sized buffer is needed.
STRIP_ROWS = 256

# BT.601, full range, as in JFIF 1.02. Rows give Y, Cb, Cr from B, G, R.
_FROM_BGR = np.array(
    [
        [0.114, 0.587, 0.299],
        [0.5, -0.587 / 1.772, -0.299 / 1.772],
        [-0.114 / 1.402, -0.587 / 1.402, 0.5],
    ]
)
_TO_BGR = np.linalg.inv(_FROM_BGR)


@dataclass(frozen=True, eq=False)
class Planes:
    """Luma and chroma of one picture, BT.601 full range; chroma is centred on 128, or on 32768 in 16 bit.

    y: (h, w); cb, cr: (ceil(h / 2**s), ceil(w / 2**s)) with s = chroma_shift, sited in the middle of the
    pixels they stand for; all uint8 or all uint16, C-contiguous. Raises FrameShapeError when the planes do
    not fit.
    """

    y: Array
    cb: Array
    cr: Array
    chroma_shift: int = 0

    def __post_init__(self) -> None:
        if self.chroma_shift not in (0, 1):
            raise FrameShapeError(f"chroma_shift {self.chroma_shift} is not 0 or 1")
        if self.y.ndim != 2 or self.y.dtype not in (np.uint8, np.uint16):
            raise FrameShapeError(
                f"luma of shape {self.y.shape}, {self.y.dtype} is not (h, w) of uint8 or uint16"
            )
        expected = chroma_shape(self.y.shape, self.chroma_shift)
        for name, plane in (("cb", self.cb), ("cr", self.cr)):
            if plane.shape != expected or plane.dtype != self.y.dtype:
                raise FrameShapeError(
                    f"{name} of shape {plane.shape}, {plane.dtype} does not fit luma of {self.y.shape}, "
                    f"{self.y.dtype}: it should be {expected}"
                )

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the picture in pixels."""
        return int(self.y.shape[0]), int(self.y.shape[1])

    @property
    def dtype(self) -> np.dtype[Any]:
        """uint8 or uint16."""
        return self.y.dtype

    @property
    def bit_depth(self) -> int:
        """8 or 16."""
        return 8 * self.y.dtype.itemsize

    def __iter__(self) -> Iterator[Array]:
        return iter((self.y, self.cb, self.cr))


def chroma_shape(shape: tuple[int, ...], chroma_shift: int) -> tuple[int, int]:
    """(h, w) of a chroma plane for a luma plane of this shape: halves are rounded up."""
    half_up = (1 << chroma_shift) - 1
    return (shape[0] + half_up) >> chroma_shift, (shape[1] + half_up) >> chroma_shift


def outline_of(planes: Planes) -> Planes:
    """Black planes of the same shapes, which take no memory."""
    y, cb, cr = (np.broadcast_to(plane.dtype.type(0), plane.shape) for plane in planes)
    return Planes(y, cb, cr, planes.chroma_shift)


def neutral(dtype: npt.DTypeLike) -> int:
    """Value of a chroma plane where there is no colour: 128 or 32768."""
    return 1 << (8 * np.dtype(dtype).itemsize - 1)


def from_bgr(image: Array, chroma_shift: int = 0) -> Planes:
    """Planes of a picture: (h, w, 3) BGR, or (h, w) grey, uint8 or uint16.

    Half-size chroma is the mean of the 2×2 pixels it stands for; the last row and column of an odd size are
    repeated. Raises FrameShapeError for any other array.
    """
    if image.dtype not in (np.uint8, np.uint16):
        raise FrameShapeError(f"an array of {image.dtype} is not a picture of uint8 or uint16")
    if image.ndim == 2:
        return _from_gray(image, chroma_shift)
    if image.ndim != 3 or image.shape[2] != 3:
        raise FrameShapeError(f"an array of shape {image.shape} is not (h, w, 3) BGR or (h, w) grey")
    height, width = image.shape[:2]
    y = np.empty((height, width), image.dtype)
    cb, cr = (np.empty(chroma_shape(image.shape, chroma_shift), image.dtype) for _ in range(2))
    for top in range(0, height, STRIP_ROWS):
        rows = slice(top, min(top + STRIP_ROWS, height))
        luma, blue, red = cv2.split(_ycc_from_bgr(image[rows]))
        y[rows] = luma
        chroma_rows = slice(rows.start >> chroma_shift, (rows.stop + chroma_shift) >> chroma_shift)
        cb[chroma_rows] = _halve(blue) if chroma_shift else blue
        cr[chroma_rows] = _halve(red) if chroma_shift else red
    return Planes(y, cb, cr, chroma_shift)


def to_bgr(planes: Planes) -> Array:
    """The picture as (h, w, 3) BGR of the same dtype; half-size chroma is interpolated linearly."""
    out = np.empty((*planes.shape, 3), planes.dtype)
    for rows, strip in bgr_strips(planes):
        out[rows] = strip
    return out


def bgr_strips(
    planes: Planes, strip_rows: int = STRIP_ROWS, bit_depth: int | None = None
) -> Iterator[tuple[slice, Array]]:
    """The picture in bands of rows from the top: (rows, (n, w, 3) BGR), so that no frame-sized copy is made.

    strip_rows must be even. bit_depth: 8, 16, or None for that of the planes.
    """
    height, width = planes.shape
    depth = bit_depth or planes.bit_depth
    for top in range(0, height, strip_rows):
        rows = slice(top, min(top + strip_rows, height))
        luma = _in_bits(planes.y[rows], depth, 0)
        if planes.chroma_shift:
            blue, red = (_double(plane, rows, width, depth) for plane in (planes.cb, planes.cr))
        else:
            blue, red = (_in_bits(plane[rows], depth, 128) for plane in (planes.cb, planes.cr))
        yield rows, _bgr_from_ycc(cv2.merge([luma, blue, red]))


def low_from_planes(planes: Planes, scale: int) -> Array:
    """A copy `scale` times smaller: (h // scale, w // scale, 3) BGR, means of scale×scale pixels.

    scale: 1, 2, 4 or 8. Rows and columns that do not fill a pixel are left off at the bottom and at the
    right, so low pixel (r, c) always stands for the pixels [r·scale, (r + 1)·scale) of the frame. Raises
    FrameShapeError when nothing would be left.
    """
    if scale == 1:
        return to_bgr(planes)
    height, width = planes.shape[0] // scale, planes.shape[1] // scale
    if height == 0 or width == 0:
        raise FrameShapeError(
            f"a picture of {planes.shape[1]}×{planes.shape[0]} pixels cannot be made {scale} times smaller"
        )
    step = scale >> planes.chroma_shift
    low = [_shrink(planes.y, height, width, scale)]
    low += [_shrink(plane, height, width, step) for plane in (planes.cb, planes.cr)]
    return _bgr_from_ycc(cv2.merge(low))


def with_chroma_shift(planes: Planes, chroma_shift: int) -> Planes:
    """The same picture with its chroma at full (0) or half (1) size; itself when nothing is to do."""
    if chroma_shift == planes.chroma_shift:
        return planes
    if chroma_shift:
        return Planes(planes.y, _halve(planes.cb), _halve(planes.cr), 1)
    height, width = planes.shape
    full = [_double(plane, slice(0, height), width, planes.bit_depth) for plane in (planes.cb, planes.cr)]
    return Planes(planes.y, full[0], full[1], 0)


def with_bit_depth(planes: Planes, bit_depth: int) -> Planes:
    """The same picture in 8 or 16 bit, rounded; black stays 0 and white becomes the largest value."""
    if bit_depth == planes.bit_depth:
        return planes
    y, cb, cr = (
        _in_bits(plane, bit_depth, centre) for plane, centre in zip(planes, (0, 128, 128), strict=True)
    )
    return Planes(y, cb, cr, planes.chroma_shift)


def _from_gray(image: Array, chroma_shift: int) -> Planes:
    chroma = np.full(chroma_shape(image.shape, chroma_shift), neutral(image.dtype), image.dtype)
    return Planes(np.ascontiguousarray(image), chroma, chroma.copy(), chroma_shift)


def _ycc_from_bgr(image: Array) -> Array:
    centre = neutral(image.dtype)
    return cv2.transform(image, np.column_stack([_FROM_BGR, [0, centre, centre]]))


def _bgr_from_ycc(image: Array) -> Array:
    centre = neutral(image.dtype)
    return cv2.transform(image, np.column_stack([_TO_BGR, _TO_BGR @ [0, -centre, -centre]]))


def _halve(plane: Array) -> Array:
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return cv2.resize(plane, (plane.shape[1] // 2, plane.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _double(plane: Array, rows: slice, width: int, bit_depth: int) -> Array:
    """Rows `rows` of a half-size chroma plane at full size; an apron of one half-size row makes bands seamless."""
    top, bottom = rows.start // 2, (rows.stop + 1) // 2
    apron_top, apron_bottom = max(top - 1, 0), min(bottom + 1, plane.shape[0])
    band = _in_bits(plane[apron_top:apron_bottom], bit_depth, 128)
    full = cv2.resize(band, (band.shape[1] * 2, band.shape[0] * 2), interpolation=cv2.INTER_LINEAR)
    start = 2 * (top - apron_top)
    return np.ascontiguousarray(full[start : start + rows.stop - rows.start, :width])


def _shrink(plane: Array, height: int, width: int, scale: int) -> Array:
    if scale == 1:
        return plane[:height, :width]
    return cv2.resize(plane[: height * scale, : width * scale], (width, height), interpolation=cv2.INTER_AREA)


def _in_bits(plane: Array, bit_depth: int, centre: int) -> Array:
    """A plane with samples of 8 or 16 bit. centre: the 8-bit value that stays in the middle of its 257 values."""
    if bit_depth == 8 * plane.dtype.itemsize:
        return plane
    if bit_depth == 8:
        return cv2.convertScaleAbs(plane, alpha=1 / 257, beta=centre - 256 * centre / 257)
    # Through the 256 possible values: exact and cheap; 128 has to land on 32768, so the darkest chroma would
    # be -128.
    table = (np.arange(256) - centre) * 257 + 256 * centre
    return np.asarray(table.clip(0, 65535).astype(np.uint16)[plane])
