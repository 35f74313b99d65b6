"""A similarity (scale, turn, shift) fitted to the shifts of many tiles, so that odd ones do not pull it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker.middle import median
from stacker.tiles import TileShifts
from stacker.transforms import Transform

_ROUNDS = 6
# Errors against known transforms are so many times what the noise of the tiles lets expect: blur differs
# across a tile, and tiles along an edge in depth err to the same side.
_MODEL_ERROR = 3.0
# A weak pull towards "no change" decides what no tile speaks about.
# Standard deviations of scale, turn (rad), x and y (px)
_PRIOR = np.array([0.02, 0.02, 20.0, 20.0])


@dataclass(frozen=True)
class Fit:
    """The similarity, how sure it is, and what became of each tile."""

    step: Transform  # (2, 3)
    largest_move_px: float  # of any corner of the picture
    variance: float  # expected squared error, px, mean over the picture
    weight: NDArray[Any]  # (n,) 0..1; 0 for tiles that say nothing


def fit_similarity(tiles: TileShifts, shape: tuple[int, int]) -> Fit:
    """Iteratively reweighted least squares; shape: (height, width) of the picture, px."""
    centre = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    matrices, rights, squares = _normal_equations(tiles, *centre)
    prior = np.diag(_PRIOR**-2.0)
    speaks = tiles.xx + tiles.yy > 0
    weight = speaks.astype(np.float64)
    typical = 1.0
    for _ in range(_ROUNDS):
        matrix = (weight @ matrices).reshape(4, 4) + prior
        step = np.linalg.solve(matrix, weight @ rights)
        distance2 = np.maximum(squares - 2 * rights @ step + matrices @ np.outer(step, step).ravel(), 0)
        if speaks.any():
            typical = max(1.0, median(distance2[speaks]) / 1.39)  # 1.39: the median of chi-squared, 2 dof
        weight = speaks / (1 + distance2 / (4 * typical)) ** 2  # Geman and McClure
    scale, turn, x, y = np.diag(np.linalg.inv(matrix)) * typical
    mean_distance2 = (shape[0] ** 2 + shape[1] ** 2) / 12  # from the centre
    reach = np.hypot(*centre)
    largest = float(np.hypot(step[0], step[1]) * reach + np.hypot(step[2], step[3]))
    return Fit(
        _transform(step, *centre),
        largest,
        _MODEL_ERROR**2 * float((scale + turn) * mean_distance2 + x + y),
        weight,
    )


def _normal_equations(
    tiles: TileShifts, cx: float, cy: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Per tile Jᵀ A J (n, 16), Jᵀ A d (n, 4) and dᵀ A d (n,) for scale, turn, x, y about the centre."""
    x, y = tiles.x - cx, tiles.y - cy
    one, zero = np.ones_like(x), np.zeros_like(x)
    along_x, along_y = np.stack([x, -y, one, zero], axis=1), np.stack([y, x, zero, one], axis=1)
    weighted_x = tiles.xx[:, None] * along_x + tiles.xy[:, None] * along_y
    weighted_y = tiles.xy[:, None] * along_x + tiles.yy[:, None] * along_y
    matrices = along_x[:, :, None] * weighted_x[:, None, :] + along_y[:, :, None] * weighted_y[:, None, :]
    rights = weighted_x * tiles.dx[:, None] + weighted_y * tiles.dy[:, None]
    squares = tiles.xx * tiles.dx**2 + 2 * tiles.xy * tiles.dx * tiles.dy + tiles.yy * tiles.dy**2
    return matrices.reshape(len(x), 16), rights, squares


def _transform(step: NDArray[Any], cx: float, cy: float) -> Transform:
    scale, turn, x, y = step
    a = 1 + scale
    return np.array([[a, -turn, x + cx - a * cx + turn * cy], [turn, a, y + cy - turn * cx - a * cy]])
