"""A jumping spider's eye: a black glossy dome that mirrors the light it is shot in."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes import shade
from rig.devices.scenes.drawing import Drawing
from rig.devices.scenes.surface import F32


def paint_eye(drawing: Drawing, middle: tuple[float, float, float], radius: float) -> None:
    """Paint one eye; middle of its ball in mm, height towards the viewer."""
    patch = drawing.patch(middle[:2], (radius * 1.05, radius * 1.05))
    if not patch.x_mm.size or not patch.y_mm.size:
        return
    u, v = np.broadcast_arrays((patch.x_mm - middle[0]) / radius, (patch.y_mm - middle[1]) / radius)
    r2 = u * u + v * v
    w = np.sqrt(np.maximum(1 - r2, 0))
    normal = np.dstack(np.broadcast_arrays(u, v, w)).astype(np.float32)
    colour = _depths(u, v, np.sqrt(r2)) + _mirror(normal)
    colour += _dust(drawing, patch.rows, patch.columns)[..., None] * (0.05 + shade.diffuse(normal))[..., None]
    cover = np.clip((1 - np.sqrt(r2)) * radius * drawing.canvas.px_per_mm + 0.5, 0, 1)
    drawing.paint(
        patch, colour, cover.astype(np.float32), (-1000 * (middle[2] + radius * w)).astype(np.float32)
    )


def _depths(u: F32, v: F32, r: F32) -> F32:
    """What shows inside: black, a teal glow opposite the lamp, an amber rim (linear BGR)."""
    glow = np.exp(-(((u - 0.25) / 0.55) ** 2) - ((v - 0.45) / 0.36) ** 2)
    rim = np.exp(-(((r - 0.94) / 0.045) ** 2)) * (0.3 + 0.7 * np.clip(0.5 + 0.5 * v + 0.3 * u, 0, 1))
    inner = np.exp(-(((r - 0.66) / 0.10) ** 2)) * np.clip(0.3 + 0.7 * v, 0, 1)
    black = np.broadcast_to(shade.bgr(0.010, 0.008, 0.006), (*r.shape, 3))
    return np.asarray(
        black
        + shade.bgr(0.060, 0.075, 0.012) * glow[..., None]
        + shade.bgr(0.008, 0.050, 0.150) * rim[..., None]
        + shade.bgr(0.030, 0.034, 0.010) * inner[..., None],
        np.float32,
    )


def _mirror(normal: F32) -> F32:
    """The sky, a window-like lamp with its cross, and the green ground, mirrored after Schlick."""
    nz = normal[..., 2]
    x, y = 2 * nz * normal[..., 0], 2 * nz * normal[..., 1]  # where the mirrored ray goes
    share = 0.05 + 0.95 * (1 - np.clip(nz, 0, 1)) ** 5
    front = _soft(nz - 0.62, 0.05)  # beyond, rays come from behind the spider
    across, down = np.abs(x + 0.52 + 0.12 * y), np.abs(y + 0.58)
    lamp = _soft(0.27 - across) * _soft(0.24 - down) * front
    lamp *= 1 - 0.8 * np.maximum(_soft(0.016 - across), _soft(0.016 - down))
    second = _soft(0.10 - np.abs(x - 0.68 - 0.1 * y)) * _soft(0.30 - np.abs(y + 0.18)) * 0.22 * front
    sky = np.clip(-y - 0.1, 0, 1) ** 1.5
    ground = np.clip(y, 0, 1)
    light = (
        shade.bgr(1.0, 0.98, 0.95) * (20 * lamp + 10 * second)[..., None]
        + shade.bgr(1.0, 0.85, 0.7) * (1.1 * sky)[..., None]
        + shade.bgr(0.10, 0.35, 0.22) * (0.8 * ground)[..., None]
    )
    return np.asarray(light * share[..., None], np.float32)


def _soft(inside: npt.NDArray[np.floating], edge: float = 0.02) -> F32:
    """0 outside, 1 inside, over a narrow edge."""
    return np.asarray(np.clip(inside / edge + 0.5, 0, 1), np.float32)


def _dust(drawing: Drawing, rows: slice, columns: slice) -> F32:
    """Specks and smears that every real eye carries; they also give focus something to hold on to."""
    canvas = drawing.canvas
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    specks = np.zeros(shape, np.uint8)
    rng = canvas.rng(f"dust {columns.start / canvas.px_per_mm:.1f}")
    for x, y, size in zip(
        rng.uniform(0, 1, 110), rng.uniform(0, 1, 110), rng.exponential(0.0045, 110), strict=True
    ):
        place = (round(x * shape[1] * 16), round(y * shape[0] * 16))
        radius = max(round(size * canvas.px_per_mm * 16), 4)
        cv2.circle(specks, place, radius, int(rng.uniform(30, 150)), -1, cv2.LINE_AA, 4)
    return np.asarray(specks * np.float32(0.35 / 255), np.float32)
