"""Hair: curves grown from points of a body, lit as fibres are, drawn from far to near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rig.devices.scenes.drawing import Drawing
from rig.devices.scenes.shade import EYE, LAMP, unit

Floats = npt.NDArray[np.float64]


ROUND_FROM_PX = 2.5


@dataclass(frozen=True)
class Roots:
    """Where hairs grow: points and outward normals in mm, x right, y down, height towards the viewer."""

    points: Floats  # (n, 3)
    normals: Floats  # (n, 3)


@dataclass(frozen=True)
class Coat:
    """How the hairs of one coat look."""

    length_mm: float
    width_mm: float
    colour: tuple[float, float, float]  # linear BGR at the root
    tip: tuple[float, float, float]
    lift: float = 0.5  # 0 lies along the flow, 1 stands on the skin
    sag: tuple[float, float, float] = (0.0, 0.35, 0.0)  # bend towards the tip, in lengths
    disorder: float = 0.25
    gloss: float = 0.25
    pieces: int = 6
    shade_root: float = 0.3  # light that reaches the skin between the hairs


@dataclass(frozen=True)
class Hairs:
    """Curves ready to be drawn."""

    points: Floats  # (n, k, 3) mm
    widths: Floats  # (n, k) mm
    bgr: Floats  # (n, k - 1, 3) linear
    shine: Floats  # (n, k - 1, 3) linear, of the side towards the lamp


def grow(rng: np.random.Generator, roots: Roots, coat: Coat, flow: Floats) -> Hairs:
    """Hairs of a coat on these roots; flow: (n, 3) or (3,) direction the coat is combed in."""
    count = len(roots.points)
    lengths = coat.length_mm * rng.uniform(0.55, 1.25, (count, 1, 1))
    start = unit(
        roots.normals * coat.lift
        + np.broadcast_to(flow, (count, 3)) * (1 - coat.lift)
        + rng.normal(0, coat.disorder, (count, 3))
    )
    s = np.linspace(0, 1, coat.pieces + 1)[None, :, None]
    bend = np.array(coat.sag) + rng.normal(0, 0.12, (count, 3))
    points = roots.points[:, None] + lengths * (start[:, None] * s + bend[:, None] * s**2)
    taper = np.clip(1.05 - s[..., 0] ** 1.6, 0.06, 1)
    widths = coat.width_mm * rng.uniform(0.7, 1.25, (count, 1)) * taper
    base, shine = _light(rng, points, roots.normals, coat)
    return Hairs(points, widths, base, shine)


def draw(drawing: Drawing, hairs: Hairs) -> None:
    """Paint the hairs, far ones first; each has a lit and a shaded side where that can be seen."""
    order = np.argsort(hairs.points[..., 2].mean(axis=1), kind="stable")
    points, widths = hairs.points[order], hairs.widths[order]
    z_um = -1000 * (points[:, :-1, 2] + points[:, 1:, 2]) / 2
    if np.median(widths) * drawing.canvas.px_per_mm < ROUND_FROM_PX:
        drawing.ribbons(points[..., :2], widths, hairs.bgr[order] + hairs.shine[order] * 0.5, z_um)
        return
    lamp = np.array(LAMP[:2]) / np.hypot(*LAMP[:2])
    lit = points[..., :2] + lamp * widths[..., None] * 0.16
    # a hair must be finished before one in front of it begins, so both strokes of each are interleaved
    shape = (2 * len(points), points.shape[1])
    lines, broad = np.empty((*shape, 2)), np.empty(shape)
    lines[0::2], lines[1::2] = points[..., :2], lit
    broad[0::2], broad[1::2] = widths, widths * 0.45
    ink = np.empty((shape[0], shape[1] - 1, 3))
    ink[0::2], ink[1::2] = hairs.bgr[order], hairs.bgr[order] * 1.25 + hairs.shine[order]
    drawing.ribbons(lines, broad, ink, np.repeat(z_um, 2, axis=0))


def _light(rng: np.random.Generator, points: Floats, normals: Floats, coat: Coat) -> tuple[Floats, Floats]:
    """Kajiya and Kay's fibres (SIGGRAPH 1989): diffuse by the sine to the lamp, sheen by both angles."""
    tangent = unit(np.diff(points, axis=1))
    to_lamp = tangent @ unit(LAMP)
    to_eye = tangent @ np.array(EYE)
    sine_lamp, sine_eye = np.sqrt(1 - to_lamp**2), np.sqrt(1 - to_eye**2)
    facing = np.clip((normals @ unit(LAMP) + 0.45) / 1.45, 0.06, 1)[:, None]
    s = np.linspace(0, 1, points.shape[1] - 1)[None]
    open_air = coat.shade_root + (1 - coat.shade_root) * s**0.7
    bright = (0.16 + 0.95 * sine_lamp * facing) * open_air
    colour = np.array(coat.colour) * (1 - s[..., None]) + np.array(coat.tip) * s[..., None]
    own = rng.lognormal(0, 0.22, (len(points), 1, 1))
    sheen = np.clip(sine_lamp * sine_eye - to_lamp * to_eye, 0, 1) ** 24 * coat.gloss * facing * open_air
    return colour * bright[..., None] * own, np.repeat(sheen[..., None], 3, axis=2)
