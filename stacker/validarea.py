"""The valid area: the rectangle of the reference frame that every aligned frame covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stacker.transforms import Transform, identity, invert

Rectangle = tuple[int, int, int, int]  # x, y, width, height in whole pixels

_INSIDE_PX = 1e-3  # a corner may lie this far outside: interpolation there takes nothing visible from beyond


def valid_area(transforms: Sequence[Transform], frame_shape: tuple[int, ...]) -> Rectangle:
    """The largest rectangle (x, y, w, h) that every aligned frame covers, in reference geometry.

    transforms: frame to reference. frame_shape: (height, width, ...). (0, 0, 0, 0) if nothing is in common.
    Every pixel of it, mapped back into any frame, lies between that frame's outermost pixel centres.
    """
    edges = _half_planes(transforms, frame_shape)
    centre = _point_inside(edges, frame_shape)
    if centre is None:
        return 0, 0, 0, 0
    return _whole_pixels(_largest_box(edges, centre), edges)


@dataclass(frozen=True)
class _HalfPlanes:
    """normal . point <= offset for every point inside; normal (n, 2) of length 1, offset (n,)."""

    normal: NDArray[np.float64]
    offset: NDArray[np.float64]

    def beyond(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """(m, n): how far each of (m, 2) points lies outside each half plane, px; negative inside."""
        return points @ self.normal.T - self.offset


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


def _point_inside(edges: _HalfPlanes, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    """A point well inside every half plane; None when less than a pixel lies in all of them.

    The frame is cut by one half plane after another. cv2.intersectConvexConvex would do it in one
    call, but finds nothing in common between outlines that nearly coincide, as those of one bracket do.
    """
    right, bottom = shape[1] - 1.0, shape[0] - 1.0
    polygon = np.array([[0, 0], [right, 0], [right, bottom], [0, bottom]])
    for normal, offset in zip(edges.normal, edges.offset, strict=True):
        polygon = _cut(polygon, polygon @ normal - offset)
    x, y = polygon.T
    area = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    return None if area < 1 else np.asarray(polygon.mean(axis=0))


def _cut(polygon: NDArray[np.float64], beyond: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of a convex polygon, (n, 2), where `beyond`, (n,) at its corners, is at most 0.

    I. E. Sutherland, G. W. Hodgman, Reentrant polygon clipping, CACM 17(1), 1974.
    """
    kept = []
    for here, there, a, b in zip(polygon, np.roll(polygon, -1, 0), beyond, np.roll(beyond, -1), strict=True):
        if a <= 0:
            kept.append(here)
        if a * b < 0:
            kept.append(here + (there - here) * a / (a - b))
    return np.array(kept).reshape(-1, 2)


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
