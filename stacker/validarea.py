"""The valid area: the rectangle of the reference frame that every aligned frame covers."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.transforms import Transform, apply

Rectangle = tuple[int, int, int, int]  # x, y, width, height in whole pixels

_INSIDE_PX = 1e-3  # a corner may lie this far outside: interpolation there takes nothing visible from beyond


def valid_area(transforms: Sequence[Transform], frame_shape: tuple[int, ...]) -> Rectangle:
    """The largest rectangle (x, y, w, h) that every aligned frame covers, in reference geometry.

    transforms: frame to reference. frame_shape: (height, width, ...). (0, 0, 0, 0) if nothing is common to all.
    Every pixel of it, mapped back into any frame, lies between that frame's outermost pixel centres.
    """
    edges = _half_planes(_common_polygon(transforms, frame_shape[:2]))
    if edges is None:
        return 0, 0, 0, 0
    left, top, right, bottom = _largest_box(*edges)
    return _whole_pixels(left, top, right, bottom, edges, frame_shape)


def _common_polygon(transforms: Sequence[Transform], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """(n, 2) corners of the part of the reference frame inside every frame's outline; empty if none."""
    height, width = shape[0] - 1.0, shape[1] - 1.0
    outline = np.array([[0, 0], [width, 0], [width, height], [0, height]])
    polygon = outline
    for transform in transforms:
        # OpenCV clips polygons in float32, good to 1/4000 px at this size; _whole_pixels has the last word.
        area, clipped = cv2.intersectConvexConvex(
            polygon.astype(np.float32), apply(transform, outline).astype(np.float32)
        )
        if area < 1 or clipped is None:
            return np.empty((0, 2))
        polygon = np.asarray(clipped, np.float64).reshape(-1, 2)
    return polygon


def _half_planes(
    polygon: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
    """Outward unit normals (n, 2), offsets (n,) with normal . p <= offset inside, and an inner point."""
    if len(polygon) < 3:
        return None
    step = np.roll(polygon, -1, axis=0) - polygon
    length = np.hypot(*step.T)
    keep = length > 1e-3
    normal = np.column_stack([step[:, 1], -step[:, 0]])[keep] / length[keep, None]
    centre = polygon.mean(axis=0)
    offset = np.einsum("ij,ij->i", normal, polygon[keep])
    flip = np.where(normal @ centre > offset, -1.0, 1.0)
    return normal * flip[:, None], offset * flip, centre


def _largest_box(
    normal: NDArray[np.float64], offset: NDArray[np.float64], centre: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(left, top, right, bottom) of the largest upright box within the half planes.

    log width + log height is concave and the conditions are linear, so a barrier method with Newton steps finds
    the one optimum (Boyd and Vandenberghe, Convex Optimization, 11.3).
    """
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
    weight = 1.0
    while weight > 1e-7:
        for _ in range(20):
            size, room = sides @ box, offset - rows @ box
            gradient = -sides.T @ (1 / size) + weight * rows.T @ (1 / room)
            hessian = (sides.T / size**2) @ sides + weight * (rows.T / room**2) @ rows
            step = np.linalg.solve(hessian, -gradient)
            shrink = np.max(np.concatenate([-(sides @ step) / size, (rows @ step) / room]))
            box = box + step * min(1.0, 0.95 / max(shrink, 1e-9))
            if -gradient @ step < 1e-9:
                break
        weight *= 0.1
    return box


def _whole_pixels(
    left: float,
    top: float,
    right: float,
    bottom: float,
    edges: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    shape: tuple[int, ...],
) -> Rectangle:
    """The box rounded inwards to pixels, whose centres all lie within the half planes."""
    normal, offset, _ = edges
    slop = 0.02  # what the barrier leaves of the true optimum, so that an exact edge is not rounded away
    x0, y0 = int(np.ceil(left - slop)), int(np.ceil(top - slop))
    x1, y1 = int(np.floor(right + slop)), int(np.floor(bottom + slop))
    while x0 <= x1 and y0 <= y1:
        corners = np.array([[x0, y0], [x1, y0], [x0, y1], [x1, y1]], np.float64)
        beyond = (corners @ normal.T - offset).max(axis=1)
        worst = int(np.argmax(beyond))
        if beyond[worst] <= _INSIDE_PX:
            return (
                max(x0, 0),
                max(y0, 0),
                min(x1, shape[1] - 1) - max(x0, 0) + 1,
                min(y1, shape[0] - 1) - max(y0, 0) + 1,
            )
        x_gives = abs(normal[np.argmax(corners[worst] @ normal.T - offset)][0]) > 0.5
        if x_gives:
            x0, x1 = (x0 + 1, x1) if worst in (0, 2) else (x0, x1 - 1)
        else:
            y0, y1 = (y0 + 1, y1) if worst in (0, 1) else (y0, y1 - 1)
    return 0, 0, 0, 0
