"""The valid area: the rectangle of the reference frame that every aligned frame covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.transforms import Transform, apply, identity, invert

Rectangle = tuple[int, int, int, int]  # x, y, width, height in whole pixels

_INSIDE_PX = 1e-3  # a corner may lie this far outside: interpolation there takes nothing visible from beyond


def valid_area(transforms: Sequence[Transform], frame_shape: tuple[int, ...]) -> Rectangle:
    """The largest rectangle (x, y, w, h) that every aligned frame covers, in reference geometry.

    transforms: frame to reference. frame_shape: (height, width, ...). (0, 0, 0, 0) if nothing is in common.
    Every pixel of it, mapped back into any frame, lies between that frame's outermost pixel centres.
    """
    centre = _point_inside(transforms, frame_shape[:2])
    if centre is None:
        return 0, 0, 0, 0
    edges = _half_planes(transforms, frame_shape)
    return _whole_pixels(_largest_box(edges, centre), edges)


@dataclass(frozen=True)
class _HalfPlanes:
    """normal . point <= offset for every point inside; normal (n, 2) of length 1, offset (n,)."""

    normal: NDArray[np.float64]
    offset: NDArray[np.float64]

    def beyond(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, n): how far each of (m, 2) points lies outside each half plane, px; negative inside."""
        return points @ self.normal.T - self.offset


def _point_inside(transforms: Sequence[Transform], shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """A point well inside every frame's outline and the reference frame's own; None if there is none."""
    right, bottom = shape[1] - 1.0, shape[0] - 1.0
    outline = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]])
    polygon: NDArray[Any] = outline.astype(np.float32)
    for transform in transforms:
        area, clipped = cv2.intersectConvexConvex(polygon, apply(transform, outline).astype(np.float32))
        if area < 1:
            return None
        polygon = np.asarray(clipped, np.float32).reshape(-1, 2)
    return np.asarray(polygon.mean(axis=0), np.float64)


def _half_planes(transforms: Sequence[Transform], shape: tuple[int, ...]) -> _HalfPlanes:
    """The four sides of every frame's outline, and of the reference frame's own, in reference geometry."""
    normals, offsets = [], []
    for transform in [identity(), *transforms]:
        back = invert(transform)
        for axis, last in ((0, shape[1] - 1), (1, shape[0] - 1)):  # 0 <= back(point)[axis] <= last
            length = np.hypot(*back[axis, :2])
            normals += [-back[axis, :2] / length, back[axis, :2] / length]
            offsets += [back[axis, 2] / length, (last - back[axis, 2]) / length]
    return _HalfPlanes(np.array(normals), np.array(offsets))


def _largest_box(edges: _HalfPlanes, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(left, top, right, bottom) of the largest upright box within the half planes.

    log width + log height is concave and the conditions are linear, so a barrier method with Newton steps
    finds the one optimum (Boyd and Vandenberghe, Convex Optimization, 11.3).
    """
    normal, offset = edges.normal, edges.offset
    # A box satisfies normal . p <= offset everywhere if its farthest corner along the normal does.
    rows = np.column_stack(
        [
            np.minimum(normal[:, 0], 0),
            np.minimum(normal[:, 1], 0),
            np.maximum(normal[:, 0], 0),
            np.maximum(normal[:, 1], 0),
        ]
    )
    sides = np.array([[-1.0, 0, 1, 0], [0, -1, 0, 1]])  # width, height
    slack = float(np.min(offset - normal @ centre))
    box = np.array([*centre, *centre]) + 0.4 * slack * np.array([-1, -1, 1, 1])
    for sharpness in 10.0 ** np.arange(0, 9):
        for _ in range(60):
            size, room = sides @ box, offset - rows @ box
            gradient = -sharpness * sides.T @ (1 / size) + rows.T @ (1 / room)
            hessian = sharpness * (sides.T / size**2) @ sides + (rows.T / room**2) @ rows
            step = np.linalg.solve(hessian, -gradient)
            decrement = float(np.sqrt(max(-gradient @ step, 0.0)))
            box = box + step / (1 + decrement)  # the damping that cannot leave the region or diverge (9.6)
            if decrement < 1e-3:
                break
    return box


def _whole_pixels(box: NDArray[np.float64], edges: _HalfPlanes) -> Rectangle:
    """The box rounded inwards to pixels, whose centres all lie within the half planes."""
    slop = 0.02  # what the barrier leaves of the true optimum, so that an exact edge is not rounded away
    left, top = (int(v) for v in np.ceil(box[:2] - slop))
    right, bottom = (int(v) for v in np.floor(box[2:] + slop))
    while left <= right and top <= bottom:
        beyond = edges.beyond(
            np.array([[left, top], [right, top], [left, bottom], [right, bottom]], np.float64)
        )
        corner, edge = np.unravel_index(int(np.argmax(beyond)), beyond.shape)
        if beyond[corner, edge] <= _INSIDE_PX:
            return left, top, right - left + 1, bottom - top + 1
        x, y = edges.normal[edge]
        if abs(x) > abs(y):
            left, right = (left, right - 1) if x > 0 else (left + 1, right)
        else:
            top, bottom = (top, bottom - 1) if y > 0 else (top + 1, bottom)
    return 0, 0, 0, 0
