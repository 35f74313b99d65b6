"""bristles: a jumping spider looks over a cushion of moss. Hairs cross at every depth before a soft backdrop."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from rig.devices.scenes import shade
from rig.devices.scenes.body import Ellipsoid, Tube
from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.drawing import Drawing
from rig.devices.scenes.hair import Coat, Hairs, Roots, draw, grow
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.spider_eye import paint_eye
from rig.devices.scenes.surface import Surface
from rig.devices.thinlens import ThinLens

NEAR_UM, FAR_UM = -640.0, 560.0
BACKDROP_UM = 3200.0
EVERYWHERE = (-9.0, -9.0, 9.0, 9.0)

# linear BGR
BLACK = (0.012, 0.014, 0.018)
DARK = (0.020, 0.028, 0.045)
RUST = (0.018, 0.085, 0.36)
AMBER = (0.05, 0.22, 0.62)
CREAM = (0.46, 0.60, 0.72)
SNOW = (0.80, 0.86, 0.90)
LEAF = (0.020, 0.16, 0.07)
LEAF_TIP = (0.10, 0.52, 0.30)

HEAD = Ellipsoid((0.0, -0.22, -0.55), (1.72, 1.16, 0.95))
EYES = (
    (-0.50, -0.20, 0.06, 0.46),
    (0.50, -0.20, 0.06, 0.46),
    (-1.20, -0.36, -0.14, 0.25),
    (1.20, -0.36, -0.14, 0.25),
)
FRONT_LEGS = tuple(
    Tube(
        ((s * 1.30, 0.55, -0.25), (s * 2.15, 0.02, -0.10), (s * 2.62, 0.85, 0.12), (s * 2.42, 2.05, 0.22)),
        (0.30, 0.30, 0.22, 0.13),
    )
    for s in (-1, 1)
)
REAR_LEGS = tuple(
    Tube(
        ((s * 1.25, 0.50, -0.45), (s * 2.45, -0.75, -0.48), (s * 3.25, 0.45, -0.42), (s * 3.3, 1.9, -0.30)),
        (0.26, 0.27, 0.2, 0.12),
    )
    for s in (-1, 1)
)
PALPS = tuple(
    Tube(((s * 0.82, 0.30, 0.05), (s * 1.02, 0.68, 0.36), (s * 0.74, 1.22, 0.42)), (0.15, 0.21, 0.17))
    for s in (-1, 1)
)
JAWS = tuple(Ellipsoid((s * 0.27, 0.78, -0.05), (0.27, 0.60, 0.36)) for s in (-1, 1))


def build(canvas: Canvas) -> list[Surface]:
    """Surfaces from the far backdrop to the nearest whiskers."""
    return [
        backdrop(canvas),
        _layer(
            canvas,
            "moss behind",
            EVERYWHERE[:1] + (0.5,) + EVERYWHERE[2:],
            lambda d: moss(d, 1.15, 1.85, 2600),
        ),
        _layer(canvas, "rear legs", EVERYWHERE, lambda d: legs(d, REAR_LEGS, "rear", 1500)),
        _layer(canvas, "head", (-2.0, -1.75, 2.0, 1.6), head),
        _layer(canvas, "front legs", EVERYWHERE, lambda d: legs(d, FRONT_LEGS, "front", 2600)),
        _layer(canvas, "head bristles", (-2.6, -2.3, 2.6, 0.9), head_bristles),
        _layer(canvas, "palps", (-1.7, -0.1, 1.7, 2.2), palps),
        _layer(
            canvas,
            "moss before",
            EVERYWHERE[:1] + (1.1,) + EVERYWHERE[2:],
            lambda d: moss(d, 1.85, 2.6, 1500),
        ),
    ]


def _layer(canvas: Canvas, name: str, box: tuple[float, ...], paint: Callable[[Drawing], None]) -> Surface:
    drawing = Drawing(canvas, (box[0], box[1], box[2], box[3]), (NEAR_UM - 160, FAR_UM + 340), 0.0)
    paint(drawing)
    return drawing.surface(name)


def backdrop(canvas: Canvas) -> Surface:
    """A meadow far out of focus: green below, warm light above, discs of light between leaves."""
    small = Canvas((canvas.frame_px[0] // 8, canvas.frame_px[1] // 8), canvas.magnification, canvas.seed)
    width, height = (-(-side // 8) for side in canvas.size_px)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width * 2 - 1, y / height * 2 - 1
    glow = np.exp(-((x + 0.55) ** 2) / 0.7 - (y + 0.75) ** 2 / 0.6)
    cool = np.exp(-((x - 0.8) ** 2) / 0.5 - (y + 0.1) ** 2 / 0.9)
    drift = cv2.resize(small.noise("meadow", 1.6, 2), (width, height))
    light = (
        np.float32([0.035, 0.075, 0.045]) * (1.15 - 0.5 * y + 0.25 * drift)[..., None]
        + np.float32([0.10, 0.36, 0.34]) * glow[..., None]
        + np.float32([0.12, 0.15, 0.04]) * cool[..., None]
    )
    rng = canvas.rng("lights")
    for _ in range(34):
        disc = np.zeros((height, width), np.float32)
        place = (int(rng.uniform(0, width)), int(rng.uniform(-0.1, 0.62) * height))
        radius = int(rng.uniform(0.025, 0.07) * width)
        cv2.circle(disc, place, radius, 1.0, -1, cv2.LINE_AA)
        tint = rng.choice([[0.12, 0.34, 0.30], [0.30, 0.34, 0.22], [0.08, 0.24, 0.36]])
        light += np.float32(tint * rng.uniform(0.15, 0.75)) * disc[..., None]
    picture = shade.opaque(np.clip(light, 0, 1).astype(np.float32))
    return Surface(
        "backdrop", picture, np.zeros((height, width), np.uint8), BACKDROP_UM, BACKDROP_UM, first_mip=3
    )


def moss(drawing: Drawing, top: float, bottom: float, count: int) -> None:
    """Leaflets of moss on ground that rises towards the viewer."""
    rng = drawing.canvas.rng(f"moss {top}")
    x, y = rng.uniform(-3.5, 3.5, count), rng.uniform(top, bottom, count)
    hill = 0.10 * np.sin(x * 2.1 + 1) + 0.07 * np.sin(x * 5.3 + 2) + rng.normal(0, 0.03, count)
    height = np.interp(y, [1.2, 2.35], [-0.55, 0.62]) + rng.normal(0, 0.05, count)
    points = np.stack([x, y + hill, height], axis=1)
    up = shade.unit(
        np.stack([rng.normal(0, 0.5, count), -np.ones(count), rng.normal(0.35, 0.4, count)], axis=1)
    )
    coat = Coat(
        0.34,
        0.055,
        LEAF,
        LEAF_TIP,
        lift=1.0,
        sag=(0.0, 0.15, 0.1),
        disorder=0.35,
        gloss=0.05,
        pieces=8,
        shade_root=0.12,
    )
    leaves = grow(rng, Roots(points, up), coat, up)
    swell = np.sin(np.linspace(0.35, np.pi, 9))[None]  # leaflets are widest below the middle
    draw(
        drawing,
        Hairs(leaves.points, np.maximum(leaves.widths[:, :1] * swell, 0.004), leaves.bgr, leaves.shine),
    )


def legs(drawing: Drawing, limbs: tuple[Tube, ...], name: str, count: int) -> None:
    """Legs in dark fur with rusty bands, and long bristles that stand off."""
    rng = drawing.canvas.rng(f"legs {name}")
    for limb in limbs:
        limb.paint(drawing, BLACK)
        fur = limb.roots(rng, count)
        band = np.sin(fur.points[:, 1] * 6.5 + np.abs(fur.points[:, 0]) * 3) > 0.35
        for chosen, colour, tip in ((~band, DARK, (0.06, 0.08, 0.12)), (band, RUST, AMBER)):
            roots = Roots(fur.points[chosen], fur.normals[chosen])
            draw(
                drawing,
                grow(rng, roots, Coat(0.17, 0.015, colour, tip, lift=0.35, disorder=0.2), limb.flow(roots)),
            )
        long = limb.roots(rng, count // 22)
        coat = Coat(0.62, 0.022, DARK, (0.10, 0.14, 0.20), lift=0.75, sag=(0, 0.12, 0), gloss=0.5, pieces=10)
        draw(drawing, grow(rng, long, coat, limb.flow(long)))


def head(drawing: Drawing) -> None:
    """Head in short fur, jaws, four eyes in rings of rusty lashes."""
    rng = drawing.canvas.rng("head")
    HEAD.paint(drawing, BLACK)
    fur = HEAD.roots(rng, 5200)
    crown = fur.points[:, 1] + 0.12 * np.sin(fur.points[:, 0] * 4) < -0.72
    flow = shade.unit(
        np.stack([fur.points[:, 0] * 0.9, fur.points[:, 1] + 0.1, np.full(len(fur.points), -0.2)], 1)
    )
    for chosen, colour, tip in ((~crown, DARK, (0.05, 0.075, 0.12)), (crown, RUST, AMBER)):
        coat = Coat(0.15, 0.014, colour, tip, lift=0.3, disorder=0.22, sag=(0, 0.2, -0.1))
        draw(drawing, grow(rng, Roots(fur.points[chosen], fur.normals[chosen]), coat, flow[chosen]))
    for jaw in JAWS:
        jaw.paint(drawing, (0.10, 0.20, 0.03))
        down = jaw.roots(rng, 420)
        coat = Coat(0.09, 0.010, (0.09, 0.22, 0.05), (0.25, 0.55, 0.20), lift=0.2, disorder=0.15, gloss=0.6)
        draw(drawing, grow(rng, down, coat, np.array([0.0, 1.0, 0.1])))
    for x, y, height, radius in EYES:
        paint_eye(drawing, (x, y, height), radius)
        draw(drawing, lashes(rng, (x, y, height), radius, round(1100 * radius)))
    draw(drawing, beard(rng))


def lashes(rng: np.random.Generator, middle: tuple[float, float, float], radius: float, count: int) -> Hairs:
    """A ring of scales round an eye, combed outwards."""
    angle = rng.uniform(0, 2 * np.pi, count)
    out = np.stack([np.cos(angle), np.sin(angle), np.full(count, 0.25)], axis=1)
    ring = np.array(middle) + out * [radius, radius, 0.0] * rng.uniform(0.98, 1.10, (count, 1))
    ring[:, 2] += 0.05 * radius
    coat = Coat(0.13, 0.016, RUST, AMBER, lift=0.75, disorder=0.2, gloss=0.3)
    return grow(rng, Roots(ring, shade.unit(out)), coat, np.array([0.0, 0.2, 0.3]))


def beard(rng: np.random.Generator) -> Hairs:
    """White hair below the eyes that hangs over the jaws."""
    count = 900
    x = rng.uniform(-1.25, 1.25, count)
    y = 0.30 - 0.10 * np.cos(x * 5.5) + rng.normal(0, 0.035, count)
    roots = np.stack([x, y, 0.30 - 0.22 * x**2 + rng.normal(0, 0.02, count)], axis=1)
    normal = shade.unit(np.stack([x * 0.4, np.full(count, 0.5), np.ones(count)], axis=1))
    coat = Coat(
        0.36,
        0.013,
        CREAM,
        SNOW,
        lift=0.35,
        sag=(0, 0.25, -0.1),
        disorder=0.16,
        gloss=0.2,
        pieces=8,
        shade_root=0.4,
    )
    return grow(rng, Roots(roots, normal), coat, np.array([0.0, 1.0, 0.15]))


def head_bristles(drawing: Drawing) -> None:
    """Long dark bristles of brow and crown, some between the eyes."""
    rng = drawing.canvas.rng("bristles")
    found = HEAD.roots(rng, 420, rim=0.4)
    brow = found.points[:, 1] < -0.35
    roots = Roots(found.points[brow], found.normals[brow])
    coat = Coat(
        0.72,
        0.024,
        DARK,
        (0.10, 0.13, 0.18),
        lift=0.7,
        sag=(0, -0.12, 0.18),
        disorder=0.3,
        gloss=0.7,
        pieces=12,
    )
    draw(drawing, grow(rng, roots, coat, np.array([0.0, -0.8, 0.6])))


def palps(drawing: Drawing) -> None:
    """Feelers in long pale hair, nearest of all."""
    rng = drawing.canvas.rng("palps")
    for limb in PALPS:
        limb.paint(drawing, (0.06, 0.09, 0.12))
        fur = limb.roots(rng, 1500)
        coat = Coat(
            0.30,
            0.014,
            CREAM,
            SNOW,
            lift=0.45,
            sag=(0, 0.25, 0),
            disorder=0.25,
            gloss=0.25,
            pieces=8,
            shade_root=0.3,
        )
        draw(drawing, grow(rng, fur, coat, limb.flow(fur)))
        long = limb.roots(rng, 60)
        coat = Coat(0.55, 0.017, SNOW, SNOW, lift=0.8, sag=(0, 0.1, 0), disorder=0.3, gloss=0.4, pieces=10)
        draw(drawing, grow(rng, long, coat, limb.flow(long)))


BRISTLES = Scene("bristles", "jumping spider on moss", build, (NEAR_UM, FAR_UM), lens=ThinLens(focal_mm=30.0))
