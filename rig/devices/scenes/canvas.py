"""Where a scene is drawn: millimetres at the subject on a grid of pixels, and noise that fits any grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.surface import F32, U8

MARGIN = 25 / 24  # canvas against frame, so that breathing and vibration never show its edge
SENSOR_MM = (6.287, 4.712)  # IMX477: 4056 x 3040 pixels of 1.55 µm


@dataclass(frozen=True)
class Canvas:
    """The drawing plane for one frame size; (0, 0) mm is the middle of the frame, y grows downwards."""

    frame_px: tuple[int, int]
    magnification: float
    seed: int
    rows: tuple[int, int] | None = None  # first and end of the band being drawn; None = all

    @property
    def px_per_mm(self) -> float:
        """Pixels a millimetre at the subject."""
        return self.frame_px[0] / SENSOR_MM[0] * self.magnification

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        return round(self.frame_px[0] * MARGIN), round(self.frame_px[1] * MARGIN)

    @property
    def band(self) -> tuple[int, int]:
        """First and end row being drawn."""
        return self.rows or (0, self.size_px[1])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what is being drawn."""
        return self.band[1] - self.band[0], self.size_px[0]

    def rng(self, what: str) -> np.random.Generator:
        """Random numbers of their own for each part, so that changing one leaves the others."""
        return np.random.default_rng([self.seed, *what.encode()])

    def grid_mm(self) -> tuple[F32, F32]:
        """(1, w) x and (h, 1) y of the pixels' middles."""
        width, height = self.size_px
        x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.px_per_mm
        y = (np.arange(*self.band, dtype=np.float32) + 0.5 - height / 2) / self.px_per_mm
        return x[None].astype(np.float32), y[:, None].astype(np.float32)

    def to_px(self, points_mm: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """(..., 2) millimetres to pixels of what is being drawn (0.5 = middle of the first pixel)."""
        middle = np.array([self.size_px[0] / 2, self.size_px[1] / 2 - self.band[0]])
        return np.asarray(np.asarray(points_mm, float) * self.px_per_mm + middle, float)

    def noise(
        self, what: str, grain_mm: float, octaves: int = 4, persistence: float = 0.5, stretch: float = 1.0
    ) -> F32:
        """Fractal value noise (h, w) float32, mean 0, deviation about 1; the same picture at any size.

        grain_mm: coarsest grain; every octave halves it. stretch: how much longer than high the grain is.
        Octaves finer than a pixel are left out.
        """
        height_mm = self.size_px[1] / self.px_per_mm
        width_mm = self.size_px[0] / self.px_per_mm
        total = np.zeros(self.shape, np.float32)
        power = 0.0
        for octave in range(octaves):
            grain = grain_mm / 2**octave
            power += persistence ** (2 * octave)
            rows = max(round(height_mm / grain), 2)
            columns = max(round(width_mm / grain / stretch), 2)
            if rows > self.size_px[1]:
                continue
            lattice = _lattice(self.seed, f"{what}/{octave}", rows, columns, self.size_px[0])
            smooth = _rows_of(lattice, self.size_px[1], self.band)
            total += smooth * np.float32(persistence**octave / 0.75)
        return np.asarray(total / np.float32(np.sqrt(power)), np.float32)


@lru_cache(maxsize=24)
def _lattice(seed: int, what: str, rows: int, columns: int, width: int) -> F32:
    """Random numbers on a grid, interpolated along the rows only."""
    rng = np.random.default_rng([seed, *what.encode()])
    grid = rng.standard_normal((rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, rows), interpolation=cv2.INTER_CUBIC), np.float32)


def _cubic(distance: npt.NDArray[np.float64], a: float = -0.75) -> F32:
    """Keys' cubic convolution kernel with OpenCV's parameter (IEEE ASSP 29, 1981)."""
    d = distance
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, far).astype(np.float32)


def _rows_of(lattice: F32, height: int, band: tuple[int, int]) -> F32:
    """Rows of a lattice stretched to this height."""
    place = (np.arange(*band) + 0.5) * len(lattice) / height - 0.5
    first = np.floor(place).astype(int)
    t = (place - first)[:, None]
    weights = (_cubic(t + 1), _cubic(t), _cubic(1 - t), _cubic(2 - t))
    total = np.zeros((band[1] - band[0], lattice.shape[1]), np.float32)
    for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
        total += lattice[np.clip(first + offset, 0, len(lattice) - 1)] * weight
    return total


Paint = Callable[[Canvas], tuple[U8, U8]]


def draw_in_bands(canvas: Canvas, paint: Paint, apron: int = 0) -> tuple[U8, U8]:
    """The colour and depth that paint gives for the whole canvas, drawn band by band to keep memory small.

    paint: canvas with rows set -> (h, w, 4) and (h, w) uint8; apron: rows its neighbourhoods reach.
    """
    width, height = canvas.size_px
    bgra, depth = np.empty((height, width, 4), np.uint8), np.empty((height, width), np.uint8)
    for top, bottom in _bands(height):
        first, end = max(top - apron, 0), min(bottom + apron, height)
        colour, deep = paint(replace(canvas, rows=(first, end)))
        inside = slice(top - first, bottom - first)
        bgra[top:bottom], depth[top:bottom] = colour[inside], deep[inside]
    _lattice.cache_clear()  # wide as the canvas, and of no further use
    return bgra, depth


def _bands(height: int, rows: int = 256) -> Iterator[tuple[int, int]]:
    for top in range(0, height, rows):
        yield top, min(top + rows, height)
