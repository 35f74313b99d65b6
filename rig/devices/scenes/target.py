"""target: a printed focus target, tilted so that it runs through focus from bottom to top."""

from __future__ import annotations

import cv2
import numpy as np

from rig.devices.scenes import shade
from rig.devices.scenes.canvas import Canvas, draw_in_bands
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.surface import U8, Surface
from rig.devices.thinlens import ThinLens

NEAR_UM, FAR_UM = -650.0, 650.0
INK, PAPER = 0.03, 0.62


def build(canvas: Canvas) -> list[Surface]:
    """One sheet of paper: near at the bottom, far at the top."""
    ink = _print(canvas)
    bgra, depth = draw_in_bands(canvas, lambda band: _paint(band, ink[slice(*band.band)]))
    return [Surface("paper", bgra, depth, NEAR_UM, FAR_UM)]


def _paint(canvas: Canvas, printed: U8) -> tuple[U8, U8]:
    _, y = canvas.grid_mm()
    ink = printed.astype(np.float32) / 255
    fibre = 0.045 * canvas.noise("fibre", 0.12, 4, 0.7, stretch=2.5) + 0.02 * canvas.noise("stain", 2.0, 3)
    tone = PAPER * (1 + fibre) * (1 - ink) + INK * (1 + 4 * fibre) * ink
    up = y / (canvas.size_px[1] / canvas.px_per_mm / 2)  # -1 at the top, 1 at the bottom
    picture = (tone * (1 - 0.1 * up))[..., None] * shade.bgr(0.88, 0.97, 1.0)
    z_um = np.broadcast_to(NEAR_UM * up, canvas.shape).astype(np.float32)
    return shade.opaque(picture), shade.depth_values(z_um, NEAR_UM, FAR_UM)


def _print(canvas: Canvas) -> U8:
    """Ink, 0..255: lines, scales, letters and stars."""
    sheet = np.zeros(canvas.shape, np.uint8)
    pen = _Pen(sheet, canvas)
    for index in range(-22, 23):
        level = index * 0.1
        long = index % 5 == 0
        pen.line((-0.42 if long else -0.3, level), (0.42 if long else 0.3, level), 0.016 if long else 0.009)
        if long:
            pen.text(f"{-index * 29}", (0.5, level + 0.04), 0.11)
    for column, pitch in enumerate((0.012, 0.018, 0.027, 0.04)):
        left = -2.6 + column * 0.5
        for k in range(int(0.36 / pitch)):
            pen.line((left + k * pitch, -2.3), (left + k * pitch, 2.3), pitch * 0.45)
    for row in range(-2, 3):
        pen.star((1.75, row * 0.92), 0.36, 18)
        pen.text("FIELDSTACK", (2.2, row * 0.92 + 0.03), 0.1)
        pen.text("focus target 1:1", (2.2, row * 0.92 + 0.16), 0.065)
    return sheet


class _Pen:
    """Draws on the sheet in millimetres, anti-aliased to 1/16 pixel."""

    def __init__(self, sheet: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], canvas: Canvas) -> None:
        self.sheet, self.canvas = sheet, canvas

    def polygon(self, points_mm: list[tuple[float, float]]) -> None:
        fixed = np.round((self.canvas.to_px(np.array(points_mm)) - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(self.sheet, [fixed], 255, cv2.LINE_AA, shift=4)

    def line(self, start: tuple[float, float], end: tuple[float, float], width_mm: float) -> None:
        a, b = np.array(start), np.array(end)
        side = np.array([a[1] - b[1], b[0] - a[0]]) / np.linalg.norm(b - a) * width_mm / 2
        self.polygon([tuple(a + side), tuple(b + side), tuple(b - side), tuple(a - side)])

    def star(self, centre: tuple[float, float], radius_mm: float, rays: int) -> None:
        for angle in np.arange(rays) * 2 * np.pi / rays:
            tips = [angle, angle + np.pi / rays]
            self.polygon(
                [centre]
                + [(centre[0] + radius_mm * np.cos(t), centre[1] + radius_mm * np.sin(t)) for t in tips]
            )

    def text(self, words: str, corner: tuple[float, float], height_mm: float) -> None:
        scale = height_mm * self.canvas.px_per_mm / 21  # Hershey's capitals are 21 units high
        if scale < 0.15:
            return
        x, y = self.canvas.to_px(np.array(corner))
        thick = max(round(scale * 2), 1)
        cv2.putText(
            self.sheet, words, (round(x), round(y)), cv2.FONT_HERSHEY_DUPLEX, scale, 255, thick, cv2.LINE_AA
        )


TARGET = Scene(
    "target",
    "tilted focus target",
    build,
    (NEAR_UM, FAR_UM),
    lens=ThinLens(magnification=1.0, f_number=2.8, focal_mm=30.0),
    exposure_us=16_000,
)
