"""A sensor: light to electrons with their noise, to the eight bits a camera hands out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes import compiled
from rig.devices.scenes.surface import F32, U8

FULL_WELL_E = 8000.0  # of a 1.55 µm pixel at gain 1
READ_NOISE_E = 3.0
DAYLIGHT_GAINS = (2.1, 1.7)  # red and blue against green that make this light white
LEVELS = 4096  # of the root-encoded signal
Noise = npt.NDArray[np.int16]
ROOT_SCALE = 3900.0  # full well in those levels; the rest is room for noise
ROOM_ROWS, ROOM_COLUMNS = 64, 128  # by which the noise tile exceeds a strip, to be shifted at random


def hot_pixels(size: tuple[int, int], seed: int, share: float = 3e-6) -> npt.NDArray[np.int64]:
    """(n, 3) column, row and channel of the pixels that glow, always the same for one seed."""
    rng = np.random.default_rng([seed, 77])
    count = max(round(size[0] * size[1] * share), 3)
    return np.stack(
        [rng.integers(0, size[0], count), rng.integers(0, size[1], count), rng.integers(0, 3, count)], 1
    )


@dataclass(frozen=True)
class Development:
    """Tables for one gain and white balance: noise, and root-encoded signal to sRGB.

    With x the signal as a share of full well and E the electrons that fill it, the variance is
    x/E + r²/E², so the root of (x + r²/E) has the constant deviation 1/(2 √E) (Anscombe): adding
    noise becomes adding a stored tile.
    """

    offset: float  # r²/E
    raw_gains: tuple[float, float, float]  # BGR light to raw signal
    tables: tuple[U8, U8, U8]  # (65536,) each: of every level that noise may make, below 0 at the end
    noise: tuple[Noise, Noise, Noise]  # (rows + ROOM_ROWS, width + ROOM_COLUMNS) each

    def develop(self, light: F32, falloff: F32, shift: tuple[int, int]) -> U8:
        """Light (h, w, 3) BGR to noisy sRGB.

        falloff: (h, w) share of it that counts; the product is 1 where green clips. shift: place in the noise tile.
        """
        height, width = light.shape[:2]
        here = slice(shift[1], shift[1] + height), slice(shift[0], shift[0] + width)
        noise = [tile[here] for tile in self.noise]
        # scaled before the root is taken, so that it is the level at once
        gains = [gain * ROOT_SCALE**2 for gain in self.raw_gains]
        floor, ceiling = self.offset * ROOT_SCALE**2, (1 + self.offset) * ROOT_SCALE**2
        if compiled.LIBRARY is not None and width <= compiled.WIDEST_FRAME:
            return compiled.develop(light, falloff, gains, (floor, ceiling), noise, self.tables)
        planes = []
        for plane, gain, added, table in zip(cv2.split(light), gains, noise, self.tables, strict=True):
            raw = np.multiply(plane, falloff, out=plane)
            raw *= np.float32(gain)
            raw += np.float32(floor)
            level = np.sqrt(np.minimum(raw, np.float32(ceiling), out=raw), out=raw).astype(np.int16)
            level += added
            planes.append(cv2.LUT(level.view(np.uint16), table))
        return np.asarray(cv2.merge(planes), np.uint8)


def development(
    gain: float, colour_gains: tuple[float, float], strip: tuple[int, int], seed: int
) -> Development:
    """The tables for a gain, white balance and strip size (width, rows)."""
    electrons = FULL_WELL_E / gain
    offset = READ_NOISE_E**2 / electrons
    gains = (colour_gains[1], 1.0, colour_gains[0])
    signal = (np.arange(LEVELS) / ROOT_SCALE) ** 2 - offset
    tables = [every_level(np.round(255 * srgb(signal * g)).astype(np.uint8)) for g in gains]
    shape = (strip[1] + ROOM_ROWS, strip[0] + ROOM_COLUMNS, 3)
    rng = np.random.default_rng([seed, 5])
    sigma = ROOT_SCALE / (2 * np.sqrt(electrons))
    noise = (rng.standard_normal(shape, np.float32) * np.float32(sigma)).round().astype(np.int16)
    raw_gains = (1 / DAYLIGHT_GAINS[1], 1.0, 1 / DAYLIGHT_GAINS[0])
    blue, green, red = (np.ascontiguousarray(noise[..., channel]) for channel in range(3))
    return Development(offset, raw_gains, (tables[0], tables[1], tables[2]), (blue, green, red))


def every_level(table: U8) -> U8:
    """A table of LEVELS for any signed 16-bit level, found by its bits; what lies outside gets the end's value."""
    levels = np.arange(1 << 16, dtype=np.uint16).view(np.int16)
    return np.asarray(table[np.clip(levels, 0, len(table) - 1)])


def srgb(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Linear light to the sRGB signal (IEC 61966-2-1), both 0..1, clipped."""
    x = np.clip(linear, 0, 1)
    return np.asarray(np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055))


def vignette(size: tuple[int, int], top: int, rows: int, corner_loss: float) -> F32:
    """(rows, w) share of light that arrives: 1 in the middle, 1 - corner_loss in the corners."""
    width, height = size
    loss = corner_loss / (width**2 + height**2)
    across = (1 - loss * (2 * np.arange(width) + 1 - width) ** 2).astype(np.float32)
    down = (loss * (2 * np.arange(top, top + rows) + 1 - height) ** 2).astype(np.float32)
    return np.asarray(across[np.newaxis] - down[:, np.newaxis], np.float32)


def luma_eighth(picture: U8, size: tuple[int, int]) -> U8:
    """Luma of a BGR picture reduced to size (width, height)."""
    return np.asarray(
        cv2.resize(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA), np.uint8
    )
