"""bumpy: the pitted, iridescent shell of a beetle, domed towards the lens."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from rig.devices.scenes import shade
from rig.devices.scenes.canvas import Canvas, draw_in_bands
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.surface import F32, U8, Surface
from rig.devices.thinlens import ThinLens

NEAR_UM, FAR_UM = -560.0, 520.0
TILTS = (-1.2, 1.3)  # of the shell, between which its colour turns
TINTS = 65535  # steps of colour over these tilts
FAR_IN_FRAME_UM = 410.0  # all but a thousandth of what the frame shows; beyond its corners it goes deeper


def build(canvas: Canvas) -> list[Surface]:
    """One surface: a dome with rows of pits and a fine leathery grain."""
    apron = round(0.2 * canvas.px_per_mm) + 2  # the shade of hollows reaches three times 0.06 mm
    bgra, depth = draw_in_bands(canvas, _paint, apron)
    return [Surface("shell", bgra, depth, NEAR_UM, FAR_UM)]


def _paint(canvas: Canvas) -> tuple[U8, U8]:
    x, y = canvas.grid_mm()
    dome = 1.08 * np.exp(-((x / 3.3) ** 2) - ((y / 2.7) ** 2)) - 0.02 * (x + y)
    height = (dome + 0.02 * canvas.noise("warp", 1.2, 3)).astype(np.float32)
    pit = _pits(canvas)
    height = height - 0.055 * pit + 0.0035 * canvas.noise("grain", 0.05, 3)
    normal = shade.normals(height, canvas.px_per_mm)
    light = 0.25 * shade.hollows(height, 0.06 * canvas.px_per_mm, 0.12) + 0.85 * shade.diffuse(normal)
    tilt = normal[..., 0] * 0.8 + normal[..., 1] + 0.12 * canvas.noise("tint", 0.7, 4)
    colour = _iridescence(tilt) * (1 - 0.55 * pit[..., None])
    gloss = shade.sheen(normal, 60) + 0.25 * shade.sheen(normal, 8, (0.6, -0.3, 0.7))
    picture = colour * light[..., None] + gloss[..., None] * shade.bgr(0.75, 0.85, 0.8)
    return shade.opaque(picture), shade.depth_values(520 - 1000 * height, NEAR_UM, FAR_UM)


def _pits(canvas: Canvas) -> F32:
    """0..1, 1 in the middle of each of the punctures that stand in wavy rows."""
    pits = np.zeros(canvas.shape, np.float32)
    rng = canvas.rng("pits")
    for row in np.arange(-4.2, 4.2, 0.34):
        across = row + 0.06 * np.sin(np.arange(60) * 0.35 + row * 3) + rng.normal(0, 0.025, 60)
        along = np.linspace(-3.6, 3.6, 60) + rng.normal(0, 0.028, 60)
        for cx, cy, radius in zip(across, along, rng.uniform(0.045, 0.075, 60), strict=True):
            _dimple(pits, canvas, cx, cy, radius)
    return pits


def _dimple(pits: F32, canvas: Canvas, cx: float, cy: float, radius_mm: float) -> None:
    px, py = canvas.to_px(np.array([cx, cy]))
    reach = 2.2 * radius_mm * canvas.px_per_mm
    x0, x1 = max(int(px - reach), 0), min(int(px + reach) + 2, pits.shape[1])
    y0, y1 = max(int(py - reach), 0), min(int(py + reach) + 2, pits.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    across = (np.arange(x0, x1) + 0.5 - px) / canvas.px_per_mm / radius_mm
    down = (np.arange(y0, y1) + 0.5 - py)[:, None] / canvas.px_per_mm / radius_mm
    bowl = 1 / (1 + (across**2 + down**2) ** 2)
    np.maximum(pits[y0:y1, x0:x1], bowl.astype(np.float32), out=pits[y0:y1, x0:x1])


def _iridescence(tilt: F32) -> F32:
    """Interference green that turns gold towards the light and violet away from it (linear BGR)."""
    place = (np.clip(tilt, *TILTS) - np.float32(TILTS[0])) * np.float32(TINTS / (TILTS[1] - TILTS[0]))
    level = (place + np.float32(0.5)).astype(np.uint16)
    return np.asarray(cv2.merge([cv2.LUT(level, table) for table in _tints()]), np.float32)


@lru_cache(maxsize=1)
def _tints() -> tuple[F32, F32, F32]:
    """Blue, green and red of every tilt there is: (65536,) each."""
    stops = [TILTS[0], -0.6, -0.15, 0.25, 0.7, TILTS[1]]
    tilt = np.linspace(*TILTS, TINTS + 1)
    colours = (
        [0.01, 0.015, 0.05, 0.20, 0.30, 0.22],
        [0.14, 0.26, 0.28, 0.19, 0.05, 0.02],
        [0.42, 0.20, 0.02, 0.01, 0.05, 0.15],
    )
    blue, green, red = (np.interp(tilt, stops, values).astype(np.float32) for values in colours)
    return blue, green, red


BUMPY = Scene(
    "bumpy",
    "pitted beetle shell",
    build,
    (NEAR_UM, FAR_IN_FRAME_UM),
    lens=ThinLens(magnification=1.0, f_number=2.8, focal_mm=30.0),
)
