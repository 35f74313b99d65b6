"""Tiles of a low copy: by how much each has shifted against the same tile of another, and how surely."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import kernel
from stacker.kernel.surveys import tile_means
from stacker.lowcopy import Plane
from stacker.transforms import Transform

Numbers = NDArray[Any]  # (n,) float64, one per tile
Flags = NDArray[np.bool_]

# All measured in light, white = 255, and pixels of the level at hand.
_MIN_TEXTURE = 0.25  # less contrast is rounding and JPEG artefacts
_ABOVE_NOISE = 2.0  # as many times the noise must a tile's contrast be to count as texture
_ROUNDING = 0.05  # variance that the rounding of code values leaves
_INTERPOLATION = 0.02  # share of the contrast that interpolating between pixels may get wrong
_MIN_CORRELATION = 0.2  # below, the two tiles show different things
_CORRELATED_PIXELS = 6.0  # neighbours in a band are alike: that many pixels are worth one observation
_FLOOR_PX = 0.05  # what a tile may be wrong by for reasons that its noise does not show
_REACH_PX = 2.0  # the linear estimate is worth nothing beyond the size of the detail


@dataclass(frozen=True)
class TileShifts:
    """What the tiles say, in level-0 pixels: shift is template to moving, still to be undone."""

    x: Numbers  # centre of the tile
    y: Numbers
    dx: Numbers  # shift
    dy: Numbers
    xx: Numbers  # information, the inverse of the shift's covariance; zero where a tile says nothing
    xy: Numbers
    yy: Numbers
    correlation: Numbers  # of the two pictures as they lie now, -1..1
    texture: Numbers  # standard deviation in the less contrasty picture, light, white = 255
    inside: Flags  # covered by both pictures
    textured: Flags  # covered by both, and showing more than noise in both


def join(parts: list[TileShifts]) -> TileShifts:
    """The tiles of several levels as one list."""
    return TileShifts(
        *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(TileShifts))
    )


class TemplateTiles:
    """The tiles of one level of the template, measured once for all steps of a registration."""

    def __init__(self, band: Plane, level: int, noise: float) -> None:
        height, width = band.shape
        self.level, self.shape, self.band = level, (height, width), band
        self.least_texture = max(_MIN_TEXTURE, _ABOVE_NOISE * noise)
        self.side = min(_tile_side(width), max(min(width, height) // 3, 1))
        self.columns, self.rows = width // self.side, height // self.side
        left, top = (width - self.columns * self.side) // 2, (height - self.rows * self.side) // 2
        self._cut = np.s_[top : top + self.rows * self.side, left : left + self.columns * self.side]
        column, row = np.meshgrid(np.arange(self.columns), np.arange(self.rows))
        self.x = left + (column.ravel() + 0.5) * self.side - 0.5
        self.y = top + (row.ravel() + 0.5) * self.side - 0.5
        self._slope_x = cv2.Sobel(band, cv2.CV_32F, 1, 0, ksize=1, scale=0.5)
        self._slope_y = cv2.Sobel(band, cv2.CV_32F, 0, 1, ksize=1, scale=0.5)
        self._power = self._mean(band, band)
        self._xx = self._mean(self._slope_x, self._slope_x) + 1e-6
        self._xy = self._mean(self._slope_x, self._slope_y)
        self._yy = self._mean(self._slope_y, self._slope_y) + 1e-6
        self._x_own, self._y_own = self._mean(self._slope_x, band), self._mean(self._slope_y, band)

    def _mean(self, a: Plane, b: Plane) -> Numbers:
        if kernel.in_use():
            return tile_means(a[self._cut], b[self._cut], self.side)
        product = cv2.multiply(a[self._cut], b[self._cut])
        means = cv2.resize(product, (self.columns, self.rows), interpolation=cv2.INTER_AREA)
        return np.asarray(means, np.float64).ravel()

    def measure(self, moving: Plane, transform: Transform) -> TileShifts:
        """How the moving picture's tiles lie under `transform` (template to moving, level-0 px)."""
        factor = 2.0**self.level
        here = transform.copy()
        here[:, 2] /= factor
        size = self.shape[1], self.shape[0]
        warped = cv2.warpAffine(moving, here, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        power, common = self._mean(warped, warped), self._mean(self.band, warped)
        correlation = common / np.sqrt(self._power * power + 1e-6)
        texture = np.sqrt(np.minimum(self._power, power))
        inside = self._inside(here)
        textured = inside & (texture > self.least_texture)
        good = inside & (correlation > _MIN_CORRELATION) & (texture > _MIN_TEXTURE)

        contrast = np.where(good, common / (self._power + 1e-6), 1.0)
        right_x = self._mean(self._slope_x, warped) / contrast - self._x_own
        right_y = self._mean(self._slope_y, warped) / contrast - self._y_own
        determinant = self._xx * self._yy - self._xy**2
        dx = np.clip((self._yy * right_x - self._xy * right_y) / determinant, -_REACH_PX, _REACH_PX)
        dy = np.clip((self._xx * right_y - self._xy * right_x) / determinant, -_REACH_PX, _REACH_PX)

        noise = np.maximum(power - contrast * common, 0) + _INTERPOLATION * power + _ROUNDING
        per_slope = good * contrast**2 * self.side**2 / (_CORRELATED_PIXELS * noise)
        xx, xy, yy = _with_floor(self._xx * per_slope, self._xy * per_slope, self._yy * per_slope)
        return TileShifts(
            self.x * factor, self.y * factor, dx * factor, dy * factor,
            xx / factor**2, xy / factor**2, yy / factor**2, correlation, texture, inside, textured,
        )  # fmt: skip

    def _inside(self, here: Transform) -> Flags:
        """Which tiles the moving picture covers wholly, with the pixel that interpolation needs."""
        reach_x, reach_y = self.side / 2 * np.abs(here[:, :2]).sum(axis=1) + 1
        x = here[0, 0] * self.x + here[0, 1] * self.y + here[0, 2]
        y = here[1, 0] * self.x + here[1, 1] * self.y + here[1, 2]
        height, width = self.shape
        return np.asarray(
            (x >= reach_x) & (x <= width - 1 - reach_x) & (y >= reach_y) & (y <= height - 1 - reach_y),
            np.bool_,
        )


def _tile_side(width: int) -> int:
    """Large enough for some texture, small enough to tell a scale from a shift at the coarsest level."""
    return 32 if width >= 640 else 24 if width >= 320 else 16 if width >= 100 else 10


def _with_floor(xx: Numbers, xy: Numbers, yy: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Information once _FLOOR_PX² is added to the covariance: (I + floor² A)⁻¹ A for symmetric 2×2 A."""
    floor2 = _FLOOR_PX**2
    determinant = xx * yy - xy**2
    scale = 1 + floor2 * (xx + yy) + floor2**2 * determinant
    return (xx + floor2 * determinant) / scale, xy / scale, (yy + floor2 * determinant) / scale
