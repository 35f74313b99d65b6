"""What colours lie around a place at a depth: a bilateral grid of normal distributions.

The grid is that of J. Chen, S. Paris, F. Durand: Real-time edge-aware image processing with the bilateral grid
(SIGGRAPH 2007), with depth in place of brightness. Each of its nodes holds the mean and the covariance of the colours
of the cells near it and near its depth, so that any cell may ask how far its colour is from those here, at any depth.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]

_NODE_CELLS, _NODES = 8, 64  # from a node of the grid to the next, at least; nodes across, about
_REACH = 1  # nodes around, twice: what counts lies within two and a half
_NODE_FRAMES, _MOST_DEPTHS = 1.5, 32  # from a depth to the next, at least; and how many there are
_NOISE = 4.0**2  # variance that no colour is without, levels of 255
_FEW = 0.005  # share of the cells around; fewer say nothing

_BAND_ROWS = 64  # of cells, counted at once: for memory

_PAIRS = tuple(combinations_with_replacement(range(3), 2))


class Palette:
    """The colours of some cells of a map, by place and depth.

    colours: three planes of (h, w), levels of 255. depth: (h, w) float32, frames. of: which cells count.
    """

    def __init__(self, colours: tuple[Plane, Plane, Plane], depth: Plane, of: Mask) -> None:
        self._colours = colours
        self._node_cells = max(_NODE_CELLS, -(-depth.shape[1] // _NODES))
        self._first = float(depth.min(initial=np.inf, where=of)) if of.any() else 0.0
        span = float(depth.max(initial=self._first, where=of)) - self._first
        self._step = max(_NODE_FRAMES, span / (_MOST_DEPTHS - 1))
        height, width = (-(-side // self._node_cells) for side in depth.shape)
        self._shape = int(span / self._step) + 1, height, width
        sums = np.zeros((1 + 3 + len(_PAIRS), int(np.prod(self._shape))))
        for first in range(0, len(depth), _BAND_ROWS):
            rows, columns, each = self._cells(of, first)
            nodes = self._nodes(rows, columns, depth[rows, columns])
            weights = [np.ones(len(rows)), *each, *(each[i] * each[j] for i, j in _PAIRS)]
            for total, weight in zip(sums, weights, strict=True):
                total += np.bincount(nodes, weight, len(total))
        self._moments = [self._around(total).astype(np.float32) for total in sums]

    def _cells(self, which: Mask, first: int) -> tuple[Index, Index, list[Plane]]:
        """Some of the cells in the band of rows that begins there: rows, columns and colours, (n,) each."""
        rows, columns = np.nonzero(which[first : first + _BAND_ROWS])
        rows = rows + first
        return rows, columns, [colour[rows, columns].astype(np.float32) for colour in self._colours]

    def _nodes(self, rows: Index, columns: Index, depths: Plane) -> Index:
        """The flat index of the node nearest to each of some places."""
        layers, height, width = self._shape
        layer = np.clip(np.rint((depths - self._first) / self._step), 0, layers - 1).astype(np.intp)
        return np.asarray((layer * height + rows // self._node_cells) * width + columns // self._node_cells)

    def _around(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Each node with its neighbours in place and in depth; flat."""
        side = 2 * _REACH + 1
        sums = sums.reshape(self._shape)
        for layer in sums:
            for _ in range(2):
                layer[...] = cv2.blur(layer, (side, side), borderType=cv2.BORDER_CONSTANT)
        near = sums.copy()
        near[1:] += sums[:-1]
        near[:-1] += sums[1:]
        return near.ravel()

    def nearer(self, cells: Mask, there: Plane, here: Plane, by: float) -> Mask:
        """Which of some cells have a colour nearer to those at the depth `there` than to those at the depth `here`.

        by: so much less must the square of Mahalanobis' distance be. Where no colours are known, all are far.
        """
        found = np.zeros(cells.shape, np.bool_)
        for first in range(0, len(cells), _BAND_ROWS):
            rows, columns, colours = self._cells(cells, first)
            away = [self._distance(rows, columns, colours, depth[rows, columns]) for depth in (there, here)]
            found[rows, columns] = away[0] + by < away[1]
        return found

    def _distance(self, rows: Index, columns: Index, colours: list[Plane], depths: Plane) -> Plane:
        """How far colours are from those around: Mahalanobis' distance, squared, (n,); infinite without any."""
        nodes = self._nodes(rows, columns, depths)
        share = self._moments[0][nodes] / self._node_cells**2
        counted = np.maximum(self._moments[0][nodes], 1e-6)
        means = [moment[nodes] / counted for moment in self._moments[1:4]]
        covariance = {
            (i, j): moment[nodes] / counted - means[i] * means[j] + (_NOISE if i == j else 0.0)
            for (i, j), moment in zip(_PAIRS, self._moments[4:], strict=True)
        }
        away = [colour - mean for colour, mean in zip(colours, means, strict=True)]
        # The covariance as L D L'.
        first = covariance[0, 0]
        to_second, to_third = covariance[0, 1] / first, covariance[0, 2] / first
        second = np.maximum(covariance[1, 1] - to_second * covariance[0, 1], _NOISE / 2)
        between = (covariance[1, 2] - to_third * covariance[0, 1]) / second
        third = covariance[2, 2] - to_third * covariance[0, 2] - between * between * second
        along = away[1] - to_second * away[0]
        rest = away[2] - to_third * away[0] - between * along
        squared = away[0] ** 2 / first + along**2 / second + rest**2 / np.maximum(third, _NOISE / 2)
        return np.where(share < _FEW, np.inf, squared)
