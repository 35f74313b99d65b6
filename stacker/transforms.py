"""Transforms: (2, 3) float64 matrices that map pixel coordinates, and what can be computed from them alone.

Pixel centres lie at integer coordinates, as cv2.warpAffine has them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Transform = NDArray[np.float64]


def identity() -> Transform:
    """The (2, 3) transform that moves nothing."""
    return np.eye(2, 3)


def similarity(
    scale: float = 1.0,
    angle_rad: float = 0.0,
    shift: tuple[float, float] = (0.0, 0.0),
    centre: tuple[float, float] = (0.0, 0.0),
) -> Transform:
    """Scale and turn about a centre (px), then shift by (x, y) px."""
    a, b = scale * np.cos(angle_rad), scale * np.sin(angle_rad)
    cx, cy = centre
    return np.array([[a, -b, cx - a * cx + b * cy + shift[0]], [b, a, cy - b * cx - a * cy + shift[1]]])


def compose(outer: Transform, inner: Transform) -> Transform:
    """The transform that does `inner` first, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    return np.column_stack([linear, outer[:, :2] @ inner[:, 2] + outer[:, 2]])


def invert(transform: Transform) -> Transform:
    """The transform back. Raises numpy.linalg.LinAlgError if there is none."""
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


def apply(transform: Transform, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map (..., 2) points (x, y)."""
    return points @ transform[:, :2].T + transform[:, 2]


def to_full(transform: Transform, scale: float) -> Transform:
    """The same mapping between full-size frames, for one estimated on copies `scale` times smaller.

    A low pixel is the mean of scale x scale full pixels, so x_full = (x_low + 0.5) * scale - 0.5.
    """
    up = np.array([[scale, 0, 0.5 * scale - 0.5], [0, scale, 0.5 * scale - 0.5]])
    return compose(up, compose(transform, invert(up)))


def to_low(transform: Transform, scale: float) -> Transform:
    """The same mapping between copies `scale` times smaller: the inverse of `to_full`."""
    return to_full(transform, 1.0 / scale)


def scale_of(transform: Transform) -> float:
    """By how much the transform enlarges (square root of the area ratio)."""
    return float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))


def angle_of(transform: Transform) -> float:
    """By how much the transform turns, radians."""
    return float(np.arctan2(transform[1, 0] - transform[0, 1], transform[0, 0] + transform[1, 1]))


def grid_points(shape: tuple[int, int], columns: int = 9, rows: int = 7) -> NDArray[np.float64]:
    """(rows * columns, 2) points spread evenly over a frame of (height, width) px, corners included."""
    height, width = shape
    x, y = np.meshgrid(np.linspace(0, width - 1, columns), np.linspace(0, height - 1, rows))
    return np.column_stack([x.ravel(), y.ravel()])


def distance(a: Transform, b: Transform, shape: tuple[int, int]) -> float:
    """Median distance (px) over a frame of (height, width) between where two transforms put a point."""
    points = grid_points(shape)
    return float(np.median(np.linalg.norm(apply(a, points) - apply(b, points), axis=1)))
