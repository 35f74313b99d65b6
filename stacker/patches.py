"""Patches: the rectangles of the picture that the finest levels are fused in, one after another or side by side.

A patch and all its intermediate planes stay in the processor's cache, and memory does not grow with the frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker.transforms import Transform

PATCH_PX = 256, 256  # width, height
# What the bands of two levels and their smoothed energies reach beyond a patch.
APRON_PX = 16


@dataclass(frozen=True)
class Patch:
    """Rows top..bottom and columns left..right of a level; both ends halve exactly."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def rows(self) -> slice:
        """As an index."""
        return slice(self.top, self.bottom)

    @property
    def columns(self) -> slice:
        """As an index."""
        return slice(self.left, self.right)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as OpenCV wants it."""
        return self.right - self.left, self.bottom - self.top

    def at(self, level: int) -> Patch:
        """The same patch on a level that many times halved."""
        return Patch(self.top >> level, self.left >> level, self.bottom >> level, self.right >> level)

    def finer(self) -> Patch:
        """The same patch on the next finer level."""
        return Patch(2 * self.top, 2 * self.left, 2 * self.bottom, 2 * self.right)

    def grown(self, by: int, canvas: tuple[int, int]) -> Patch:
        """With an apron, as far as the canvas goes."""
        return Patch(
            max(self.top - by, 0),
            max(self.left - by, 0),
            min(self.bottom + by, canvas[0]),
            min(self.right + by, canvas[1]),
        )

    def raised(self, rows: int) -> Patch:
        """The same patch in an array that begins with that row."""
        return Patch(self.top - rows, self.left, self.bottom - rows, self.right)

    def common(self, other: Patch) -> Patch:
        """What lies in both; empty, not negative, if nothing does."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Patch(top, left, max(bottom, top), max(right, left))

    def within(self, other: Patch) -> tuple[slice, slice]:
        """Where this patch lies in an array that holds `other`."""
        return (
            slice(self.top - other.top, self.bottom - other.top),
            slice(self.left - other.left, self.right - other.left),
        )


def whole(canvas: tuple[int, int]) -> Patch:
    """The canvas as one patch."""
    return Patch(0, 0, *canvas)


def patches(canvas: tuple[int, int], size: tuple[int, int] = PATCH_PX) -> Iterator[Patch]:
    """The canvas (height, width) in patches of at most size (width, height), row by row."""
    width, height = size
    for top in range(0, canvas[0], height):
        for left in range(0, canvas[1], width):
            yield Patch(top, left, min(top + height, canvas[0]), min(left + width, canvas[1]))


def apart(in_rows: Sequence[Patch], at_once: int) -> list[Patch]:
    """The same patches, still row by row, but so many that follow one another lie far apart.

    Made side by side by several threads, neighbours would be in each other's way: right of its own patch a processor
    fetches ahead what another one is writing (a tenth of the time that fusing takes).
    """
    ordered: list[Patch] = []
    for _, of_row in groupby(in_rows, key=lambda patch: patch.top):
        row = list(of_row)
        length = -(-len(row) // at_once)
        ordered += [patch for first in range(length) for patch in row[first::length]]
    return ordered


def outline(
    transform: Transform, left: float, top: float, right: float, bottom: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Where a rectangle comes to lie: the least (x, y) of its corners, and the largest.

    For the thousands of patches of a frame, whose four corners cost numpy more than all else that is known of them.
    """
    least, most = [], []
    for along_x, along_y, constant in transform.tolist():
        ends_x, ends_y = (along_x * left, along_x * right), (along_y * top, along_y * bottom)
        least.append(min(ends_x) + min(ends_y) + constant)
        most.append(max(ends_x) + max(ends_y) + constant)
    return (least[0], least[1]), (most[0], most[1])


def seen_by(patch: Patch, to_plane: Transform, plane: tuple[int, ...]) -> Patch:
    """The pixels of a plane of (height, width) that a warped patch is made from, its outermost ones at least.

    to_plane: patch's pixels to those of the plane.
    """
    reach = 3  # of cubic interpolation, and what rounding adds
    (x0, y0), (x1, y1) = outline(to_plane, patch.left, patch.top, patch.right - 1, patch.bottom - 1)
    left, top, right, bottom = (
        floor(x0) - reach,
        floor(y0) - reach,
        ceil(x1) + reach + 1,
        ceil(y1) + reach + 1,
    )
    height, width = plane[0], plane[1]
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return Patch(top, left, min(max(bottom, top + 1), height), min(max(right, left + 1), width))


def margin_inside(
    patch: Patch, step: int, to_frame: Transform, picture: tuple[int, int], frame: tuple[int, int]
) -> NDArray[Any] | None:
    """How far (px) cells of a patch lie inside a frame's outline; negative outside; None if all do by far.

    step: cells are step x step pixels. to_frame: picture to frame pixels. Cells beyond the picture (of the
    canvas only) answer for the picture's nearest pixel.
    """
    far_inside = 16.0
    most = picture[1] - 1, picture[0] - 1
    edges = (
        min(patch.left, most[0]),
        min(patch.top, most[1]),
        min(patch.right, most[0]),
        min(patch.bottom, most[1]),
    )
    (x0, y0), (x1, y1) = outline(to_frame, *edges)
    limits = frame[1] - 1, frame[0] - 1
    if min(x0, y0, limits[0] - x1, limits[1] - y1) > far_inside:
        return None
    half = (step - 1) / 2
    x = np.minimum(np.arange(patch.left, patch.right, step) + half, picture[1] - 1)
    y = np.minimum(np.arange(patch.top, patch.bottom, step) + half, picture[0] - 1)[:, None]
    fx = to_frame[0, 0] * x + to_frame[0, 1] * y + to_frame[0, 2]
    fy = to_frame[1, 0] * x + to_frame[1, 1] * y + to_frame[1, 2]
    inside_x = np.minimum(fx, limits[0] - fx)
    inside_y = np.minimum(fy, limits[1] - fy)
    return np.asarray(np.minimum(inside_x, inside_y), np.float32)
