"""The depth of each pixel: that of the layer which its colour says it shows. Made in tiles, for memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.depthmap import encode_depth
from stacker.layers import layers_of
from stacker.look import look_of
from stacker.matte import in_front
from stacker.patches import Patch, patches
from stacker.planes import Planes
from stacker.result import FuseResult

Plane = NDArray[Any]  # float32
Mask = NDArray[np.bool_]

_TILE_PX, _APRON_PX = (512, 256), 64  # width, height
_RADIUS_CELLS = 5  # the mask takes 2 to 3 cells around a hair for hair: twice that shows ground too
_COVERED = 0.3  # share of a pixel's surroundings from which it may be in front
_SPECK_CELLS = 2.5  # what is smaller in all has got its colour by chance


def depth_map(result: FuseResult, frames: int) -> Iterator[NDArray[np.uint16]]:
    """Depth of each pixel of the picture as it is written to a file, in bands of rows (n, w); see encode_depth."""
    return by_depth(result, lambda depth: encode_depth(depth, frames))


def by_depth(result: FuseResult, of: Callable[[Plane], NDArray[np.uint16]]) -> Iterator[NDArray[np.uint16]]:
    """What `of` makes of each pixel's depth, in bands of rows from the top, (n, w).

    of: gets a tile of depths, float32, in frames.
    """
    layers = layers_of(result.depth, result.confidence, lambda: look_of(result))
    thin = layers.thin.astype(np.float32)  # as it is enlarged: a share of each pixel's surroundings

    def made(tile: Patch) -> NDArray[np.uint16]:
        depth = result.enlarge(layers.ground, where=tile)
        front = _front_in(tile, result, thin)
        if front.any():
            np.copyto(depth, result.enlarge(layers.front, between=False, where=tile), where=front)
        return of(depth)

    tiles = patches(result.planes.shape, _TILE_PX)
    with ThreadPoolExecutor(result.threads) as pool:
        for _, band in groupby(tiles, lambda tile: tile.top):
            yield np.hstack(list(pool.map(made, band)))


def _front_in(tile: Patch, result: FuseResult, thin: Plane) -> Mask:
    """The pixels of a tile that show what is in front. thin: see Layers, 0..1."""
    around = tile.grown(_APRON_PX, result.planes.shape)
    near = result.enlarge(thin, where=around) > _COVERED
    if not near.any():
        return near[tile.within(around)]
    height, width = near.shape
    rest = (0, height % 2), (0, width % 2)
    luma, chroma = _colours(result.planes, around)
    found = in_front(luma, chroma, np.pad(near, rest), _RADIUS_CELLS << result.cell_level)
    return without_specks(found, int(_SPECK_CELLS * 4**result.cell_level))[tile.within(around)]


def _colours(planes: Planes, where: Patch) -> tuple[Plane, list[Plane]]:
    """Luma and chroma of half its size, float32, 0..1; both sides made even. where: its corner is even."""
    scale = np.float32(1 / np.iinfo(planes.dtype).max)
    luma = planes.y[where.rows, where.columns]
    height, width = luma.shape
    luma = np.pad(luma, ((0, height % 2), (0, width % 2)), "edge")
    half = Patch(where.top // 2, where.left // 2, (where.bottom + 1) // 2, (where.right + 1) // 2)
    chroma = []
    for plane in (planes.cb, planes.cr):
        if planes.chroma_shift:
            small = plane[half.rows, half.columns]
        else:
            small = cv2.resize(plane[where.rows, where.columns], half.size, interpolation=cv2.INTER_AREA)
        chroma.append(small * scale)
    return luma * scale, chroma


def without_specks(mask: Mask, least: int) -> Mask:
    """A mask without connected pieces of fewer than `least` pixels."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= least
    kept[0] = False  # what is not masked
    return np.asarray(kept[labels])
