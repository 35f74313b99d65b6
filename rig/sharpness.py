"""A cheap figure of how much is in focus, from the small luma that every frame brings along."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rig.box import Box, part_of

Luma = npt.NDArray[np.uint8]
Map = npt.NDArray[np.float32]

TILES = (6, 8)  # rows, columns: small enough to tell a gap's place, large enough to be sure of it
LEAST_TILE_PX = 8  # a side: the sweep for near and far measures in no smaller ones
CALM_SHARE = 0.8  # of pure noise, the calmest tenth of tiles of 16 x 16 px shows so much (measured)
# Of a white-noise variance, what reaches the squared gradient after the binomial and the Sobel kernel below.
_SMOOTH = np.array([1, 2, 1], np.float32) / 4
_NOISE_SHARE = (
    2
    * float(np.sum(np.convolve([1, 2, 1], [-1, 0, 1]) ** 2 / 8**2))
    * float(np.sum(np.convolve([1, 2, 1], [1, 2, 1]) ** 2 / 16**2))
)


def luma_of(picture: npt.NDArray[np.uint8]) -> Luma:
    """The brightness of a picture, (h, w) uint8: BGR, or grey already."""
    return picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)


def sharpness(luma: Luma) -> float:
    """Mean of sharpness_map: larger where more is in focus. Comparable within a bracket.

    luma: (h, w) uint8, at least 8 px each way.
    """
    return float(sharpness_map(luma).mean())


def tile_sharpness(luma: Luma, tiles: tuple[int, int] = TILES) -> Map:
    """The same per tile: (rows, columns) float32 >= 0. Tiles cover the picture evenly."""
    rows, columns = tiles
    return cv2.resize(sharpness_map(luma), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32)


def box_sharpness(luma: Luma, box: Box) -> Map:
    """The same of a part of the picture, in as many tiles, or fewer where they would be too small to tell."""
    part = part_of(luma, box, LEAST_TILE_PX)
    rows, columns = (
        min(max(side // LEAST_TILE_PX, 1), most) for side, most in zip(part.shape, TILES, strict=True)
    )
    return tile_sharpness(part, (rows, columns))


def sharpness_map(luma: Luma) -> Map:
    """Squared gradient against squared mean brightness (Tenengrad), less what noise alone would give.

    luma: (h, w) uint8. Returns (h, w) float32; below 0 only where noise happens to be less than usual,
    so that its mean over a flat region is about 0. Independent of exposure, as long as nothing clips.
    """
    level = max(float(luma.mean()), 1.0)
    scaled = luma.astype(np.float32) / level
    smooth = cv2.sepFilter2D(scaled, cv2.CV_32F, _SMOOTH, _SMOOTH)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    return (across**2 + down**2 - _NOISE_SHARE * noise_variance(scaled)).astype(np.float32)


def noise_level(luma: Luma) -> float:
    """What noise alone would have added to sharpness_map, had it not been taken off.

    What is left over of it in a part of the picture is a fraction of this; true detail is more.
    """
    level = max(float(luma.mean()), 1.0)
    return _NOISE_SHARE * noise_variance(luma.astype(np.float32) / level)


def noise_variance(gray: Map) -> float:
    """Variance of white noise, from the calmest tenth of the picture.

    The mask answers to noise but not to planes (J. Immerkær, Fast noise variance estimation, 1996);
    taking the calmest tiles keeps texture from being mistaken for noise.
    """
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = cv2.filter2D(gray, cv2.CV_32F, mask)[1:-1, 1:-1]
    rows, columns = max(1, response.shape[0] // 16), max(1, response.shape[1] // 16)
    tiles = cv2.resize(response**2, (columns, rows), interpolation=cv2.INTER_AREA)
    return float(np.quantile(tiles, 0.1)) / (CALM_SHARE * float((mask**2).sum()))


def clipped_share(luma: Luma, level: int = 250) -> float:
    """Share of the picture that is burnt out, 0..1."""
    return float(np.count_nonzero(luma >= level)) / luma.size
