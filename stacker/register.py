"""Registration of one low copy against another: tile-wise least squares, coarse to fine.

Per tile the moving picture is explained as `contrast * (template shifted)`: contrast takes up the difference in
blur, and what remains unexplained is the tile's noise. So tiles with the same texture in both speak loudest; a tile
that is sharp in only one, covered by a blurred hair or moving says little. A similarity is fitted to all, robustly.
Lucas and Kanade 1981; inverse-compositional update: Baker and Matthews, IJCV 56 (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.lowcopy import LowCopy, Plane
from stacker.transforms import Transform, compose, invert

Floats = NDArray[Any]  # float64

_FLOOR_PX = 0.05  # at the level's own size: what a tile may be wrong by for reasons its noise does not show
_CORRELATED_PIXELS = 6.0  # neighbours in a band are alike: that many pixels count as one observation
_MIN_STD = 0.25  # levels of 255: less is JPEG and sensor noise, not texture


@dataclass(frozen=True)
class Tiles:
    """What each tile of one level says, in level-0 pixels. All arrays (n, ...)."""

    centre: Floats  # (n, 2)
    shift: Floats  # (n, 2): template to moving, still to be undone
    information: Floats  # (n, 2, 2): inverse covariance of shift; zero where the tile says nothing
    correlation: Floats  # (n,) of the two pictures as they now lie
    texture: Floats  # (n,) standard deviation, levels of 255, of the less contrasty picture


@dataclass(frozen=True)
class Registration:
    """How a template's pixels map into the moving picture, and how far to believe it."""

    transform: Transform  # template to moving, level-0 pixels
    covariance: Floats  # (4, 4) of (scale, turn, x, y) about the centre of the picture
    correlation: float  # 0..1, of textured tiles after alignment
    textured: float  # share of tiles that have texture at all
    agreeing: float  # share of textured tiles that lie where the transform says


def register(
    template: LowCopy, moving: LowCopy, guess: Transform, coarsest: int, finest: int = 0
) -> Registration:
    """Refine `guess` (template to moving, level-0 px) from level `coarsest` down to `finest`."""
    transform = guess
    for level in range(min(coarsest, len(template.bands) - 1), finest - 1, -1):
        last = level == finest
        levels = [n for n in (level, level + 1, level + 2) if n < len(template.bands)]
        for _ in range(2 if last else 3):
            tiles = _gather([_measure(template.bands[n], moving.bands[n], transform, n) for n in levels])
            step, covariance, weight = _fit(tiles, template.shape)
            transform = compose(transform, invert(_as_transform(step, template.shape)))
            if np.abs(_as_transform(step, template.shape) - np.eye(2, 3)).max() < 0.02 * 2**level:
                break
    return _judge(transform, covariance, tiles, weight)


def _measure(template: Plane, moving: Plane, transform: Transform, level: int) -> Tiles:
    """Shift of every tile of one level. transform: template to moving in level-0 px."""
    factor = 2.0**level
    height, width = template.shape
    here = transform.copy()
    here[:, 2] /= factor
    warped = cv2.warpAffine(moving, here, (width, height), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    side = _tile_side(width)
    columns, rows = width // side, height // side
    x0, y0 = (width - columns * side) // 2, (height - rows * side) // 2
    cut = np.s_[y0 : y0 + rows * side, x0 : x0 + columns * side]

    def mean(a: Plane, b: Plane) -> Floats:
        product = cv2.multiply(a[cut], b[cut])
        return np.asarray(
            cv2.resize(product, (columns, rows), interpolation=cv2.INTER_AREA), np.float64
        ).ravel()

    gx, gy = (
        cv2.Sobel(template, cv2.CV_32F, 1, 0, ksize=1, scale=0.5),
        cv2.Sobel(template, cv2.CV_32F, 0, 1, ksize=1, scale=0.5),
    )
    tt, tm, mm = mean(template, template), mean(template, warped), mean(warped, warped)
    xx, xy, yy = mean(gx, gx), mean(gx, gy), mean(gy, gy)
    xt, yt, xm, ym = mean(gx, template), mean(gy, template), mean(gx, warped), mean(gy, warped)

    tiny = 1e-6
    correlation = tm / np.sqrt(tt * mm + tiny)
    texture = np.sqrt(np.minimum(tt, mm))
    contrast = np.maximum(tm / (tt + tiny), tiny)
    noise = (
        np.maximum(mm - contrast * tm, 0) + 0.02 * mm + 0.05
    )  # 2 %: interpolation; 0.05: rounding of 8-bit code values
    right = np.stack([xm / contrast - xt, ym / contrast - yt], axis=-1)
    matrix = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2) + tiny * np.eye(2)
    shift = np.linalg.solve(matrix, right[..., None])[..., 0]
    shift = np.clip(shift, -2, 2)  # a linear estimate is worth nothing beyond the size of the detail

    column, row = np.meshgrid(np.arange(columns), np.arange(rows))
    centre = np.stack(
        [x0 + (column.ravel() + 0.5) * side - 0.5, y0 + (row.ravel() + 0.5) * side - 0.5], axis=-1
    )
    inside = _fully_inside(centre, side, here, (height, width))
    good = inside & (correlation > 0.2) & (texture > _MIN_STD)
    count = side * side / _CORRELATED_PIXELS
    information = matrix * (contrast**2 * count / noise * good)[:, None, None]
    covariance = np.linalg.inv(information + 1e-9 * np.eye(2)) + _FLOOR_PX**2 * np.eye(2)
    information = np.linalg.inv(covariance) * good[:, None, None]
    correlation = np.where(inside, correlation, np.nan)
    return Tiles(
        centre * factor, shift * factor, information / factor**2, correlation, np.where(inside, texture, 0)
    )


def _tile_side(width: int) -> int:
    return 32 if width >= 640 else 24 if width >= 320 else 16 if width >= 100 else 10


def _fully_inside(centre: Floats, side: int, here: Transform, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Which tiles the moving picture covers wholly, with the pixel that interpolation needs."""
    mapped = centre @ here[:, :2].T + here[:, 2]
    reach = side / 2 * np.abs(here[:, :2]).sum(axis=1) + 1
    limit = np.array([shape[1] - 1, shape[0] - 1])
    return np.asarray(((mapped - reach >= 0) & (mapped + reach <= limit)).all(axis=1))


def _gather(parts: list[Tiles]) -> Tiles:
    return Tiles(
        *(
            np.concatenate([getattr(p, name) for p in parts])
            for name in ("centre", "shift", "information", "correlation", "texture")
        )
    )


def _fit(tiles: Tiles, shape: tuple[int, int]) -> tuple[Floats, Floats, Floats]:
    """Robust weighted similarity: (4,) step, its (4, 4) covariance, (n,) weights of the tiles."""
    jacobian = _jacobian(tiles.centre, shape)
    # A weak pull to "no change" keeps what no tile speaks about where it was: 2 % scale, 1 degree, 20 px
    prior = np.diag(1 / np.array([0.02, 0.02, 20.0, 20.0]) ** 2)
    weight = np.ones(len(tiles.shift))
    for _ in range(6):
        matrix = (
            np.einsum("nij,nik,nkl,n->jl", jacobian, tiles.information, jacobian, weight, optimize=True)
            + prior
        )
        right = np.einsum("nij,nik,nk,n->j", jacobian, tiles.information, tiles.shift, weight, optimize=True)
        step = np.linalg.solve(matrix, right)
        error = tiles.shift - jacobian @ step
        distance2 = np.einsum("ni,nij,nj->n", error, tiles.information, error, optimize=True)
        speaking = np.trace(tiles.information, axis1=1, axis2=2) > 0
        typical = max(1.0, float(np.median(distance2[speaking])) / 1.4) if speaking.any() else 1.0
        weight = 1 / (1 + distance2 / (4 * typical)) ** 2  # Geman and McClure
    return step, np.linalg.inv(matrix) * typical, weight * speaking


def _jacobian(centre: Floats, shape: tuple[int, int]) -> Floats:
    """(n, 2, 4): how the shift at each centre changes with (scale, turn, x, y)."""
    x, y = centre[:, 0] - (shape[1] - 1) / 2, centre[:, 1] - (shape[0] - 1) / 2
    one, zero = np.ones_like(x), np.zeros_like(x)
    return np.stack([np.stack([x, -y, one, zero], -1), np.stack([y, x, zero, one], -1)], -2)


def _as_transform(step: Floats, shape: tuple[int, int]) -> Transform:
    scale, turn, x, y = step
    cx, cy = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    return np.array(
        [[1 + scale, -turn, x - scale * cx + turn * cy], [turn, 1 + scale, y - turn * cx - scale * cy]]
    )


def _judge(transform: Transform, covariance: Floats, tiles: Tiles, weight: Floats) -> Registration:
    seen = np.isfinite(tiles.correlation)
    textured = seen & (tiles.texture > 2 * _MIN_STD)
    if not textured.any():
        return Registration(transform, covariance, 0.0, 0.0, 0.0)
    strength = np.minimum(tiles.texture[textured], 20)
    correlation = float(np.average(tiles.correlation[textured], weights=strength))
    return Registration(
        transform,
        covariance,
        max(correlation, 0.0),
        float(textured.sum() / max(seen.sum(), 1)),
        float((weight[textured] > 0.25).mean()),
    )
