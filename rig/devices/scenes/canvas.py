"""Where a scene is drawn: millimetres at the subject on a grid of pixels, and noise that fits any grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.surface import F32

MARGIN = 25 / 24  # canvas against frame, so that breathing and vibration never show its edge
SENSOR_MM = (6.287, 4.712)  # IMX477: 4056 x 3040 pixels of 1.55 µm


@dataclass(frozen=True)
class Canvas:
    """The drawing plane for one frame size; (0, 0) mm is the middle of the frame, y grows downwards."""

    frame_px: tuple[int, int]
    magnification: float
    seed: int

    @property
    def px_per_mm(self) -> float:
        """Pixels a millimetre at the subject."""
        return self.frame_px[0] / SENSOR_MM[0] * self.magnification

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the canvas."""
        return round(self.frame_px[0] * MARGIN), round(self.frame_px[1] * MARGIN)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the canvas."""
        return self.size_px[1], self.size_px[0]

    def rng(self, what: str) -> np.random.Generator:
        """Random numbers of their own for each part, so that changing one leaves the others."""
        return np.random.default_rng([self.seed, *what.encode()])

    def grid_mm(self) -> tuple[F32, F32]:
        """(1, w) x and (h, 1) y of every pixel's middle."""
        width, height = self.size_px
        x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / self.px_per_mm
        y = (np.arange(height, dtype=np.float32) + 0.5 - height / 2) / self.px_per_mm
        return x[None].astype(np.float32), y[:, None].astype(np.float32)

    def to_px(self, points_mm: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """(..., 2) millimetres to continuous pixel coordinates (0.5 = middle of the first pixel)."""
        return np.asarray(points_mm, float) * self.px_per_mm + np.array(self.size_px) / 2

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
            lattice = self.rng(f"{what}/{octave}").standard_normal((rows, columns)).astype(np.float32)
            smooth = cv2.resize(lattice, self.size_px, interpolation=cv2.INTER_CUBIC)
            total += smooth * np.float32(persistence**octave / 0.75)
        return np.asarray(total / np.float32(np.sqrt(power)), np.float32)
