"""bristles: a jumping spider looks over a cushion of moss. Hairs cross at every depth."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes import shade
from rig.devices.scenes.body import Ellipsoid, Tube
from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.drawing import Drawing
from rig.devices.scenes.hair import Coat, Hairs, Roots, draw, grow
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.spider_eye import paint_eye
from rig.devices.scenes.surface import Surface
from rig.devices.thinlens import ThinLens

NEAR_UM, FAR_UM = -800.0, 470.0  # but for half a per cent of what can be seen, at each end
DEPTHS_UM = (-800.0, 900.0)  # of all there is before the backdrop
BACKDROP_UM = 3200.0
EVERYWHERE = (-9.0, -9.0, 9.0, 9.0)

# linear BGR
BLACK = (0.012, 0.014, 0.018)
DARK = (0.020, 0.028, 0.045)
RUST = (0.018, 0.085, 0.36)
AMBER = (0.05, 0.22, 0.62)
CREAM = (0.46, 0.60, 0.72)
SNOW = (0.66, 0.76, 0.83)
LEAF = (0.020, 0.16, 0.07)
LEAF_TIP = (0.10, 0.52, 0.30)

HEAD = Ellipsoid((0.0, -0.22, -0.55), (1.72, 1.16, 0.95))
EYES = (  # middle of the ball and radius
    (-0.50, -0.20, 0.06, 0.46),
    (0.50, -0.20, 0.06, 0.46),
    (-1.20, -0.36, -0.14, 0.25),
    (1.20, -0.36, -0.14, 0.25),
)
JAWS = tuple(Ellipsoid((side * 0.27, 0.78, -0.05), (0.27, 0.60, 0.36)) for side in (-1, 1))


def front_leg(side: int) -> Tube:
    """The nearer leg on the left (-1) or right (1)."""
    knees = ((1.30, 0.55, -0.25), (2.15, 0.02, -0.10), (2.62, 0.85, 0.12), (2.38, 2.35, 0.24))
    return Tube(tuple((side * x, y, z) for x, y, z in knees), (0.30, 0.30, 0.22, 0.12))


def rear_leg(side: int) -> Tube:
    """The leg behind it."""
    knees = ((1.25, 0.50, -0.45), (2.45, -0.75, -0.48), (3.25, 0.45, -0.42), (3.30, 1.90, -0.30))
    return Tube(tuple((side * x, y, z) for x, y, z in knees), (0.26, 0.27, 0.20, 0.12))


def palp(side: int) -> Tube:
    """The feeler beside the jaws."""
    knees = ((0.82, 0.30, 0.05), (1.02, 0.68, 0.36), (0.74, 1.22, 0.42))
    return Tube(tuple((side * x, y, z) for x, y, z in knees), (0.15, 0.21, 0.17))


def build(canvas: Canvas) -> list[Surface]:
    """Surfaces from the far backdrop to the nearest whiskers; boxes leave room for blur to spread."""

    def layer(
        name: str, box_mm: tuple[float, float, float, float], paint: Callable[[Drawing], None]
    ) -> Surface:
        drawing = Drawing(canvas, box_mm, DEPTHS_UM, 0.0)
        paint(drawing)
        return drawing.surface(name)

    left, right = (-9.0, -9.0, -0.5, 9.0), (0.5, -9.0, 9.0, 9.0)
    return [
        backdrop(canvas),
        layer("moss behind", (-9.0, 0.5, 9.0, 9.0), lambda d: moss(d, 1.15, 1.85, 4200)),
        layer("rear leg left", left, lambda d: leg(d, rear_leg(-1), "rear left", 1700)),
        layer("rear leg right", right, lambda d: leg(d, rear_leg(1), "rear right", 1700)),
        layer("head", (-2.3, -2.0, 2.3, 2.0), head),
        layer("front leg left", left, lambda d: leg(d, front_leg(-1), "front left", 2600)),
        layer("front leg right", right, lambda d: leg(d, front_leg(1), "front right", 2600)),
        layer("head bristles", (-2.9, -9.0, 2.9, 1.2), head_bristles),
        layer("palps", (-2.0, -0.4, 2.0, 9.0), palps),
        layer("moss before", (-9.0, 1.1, 9.0, 9.0), lambda d: moss(d, 1.85, 2.75, 3600)),
    ]


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
        shade.bgr(0.035, 0.075, 0.045) * (1.15 - 0.5 * y + 0.25 * drift)[..., None]
        + shade.bgr(0.10, 0.36, 0.34) * glow[..., None]
        + shade.bgr(0.12, 0.15, 0.04) * cool[..., None]
    )
    rng = canvas.rng("lights")
    for _ in range(34):
        disc = np.zeros((height, width), np.float32)
        place = (int(rng.uniform(0, width)), int(rng.uniform(-0.1, 0.62) * height))
        radius = int(rng.uniform(0.03, 0.08) * width)
        cv2.circle(disc, place, radius, 1.0, -1, cv2.LINE_AA)
        tint = rng.choice([[0.12, 0.34, 0.30], [0.30, 0.34, 0.22], [0.08, 0.24, 0.36]])
        light += shade.bgr(*(tint * rng.uniform(0.2, 1.0))) * disc[..., None]
    picture = shade.opaque(np.clip(light, 0, 1).astype(np.float32))
    return Surface(
        "backdrop", picture, np.zeros((height, width), np.uint8), BACKDROP_UM, BACKDROP_UM, first_mip=3
    )


def earth(drawing: Drawing, top: float) -> None:
    """What shows between the leaflets: dark ground from this height in the picture downwards."""
    for patch in drawing.patches((0.0, 0.0), (9.0, 9.0)):
        x, y = np.broadcast_arrays(patch.x_mm, patch.y_mm)
        inside = y - top - 0.12 - 0.10 * np.sin(x * 2.1 + 1)
        cover = np.clip(inside * drawing.canvas.px_per_mm / 4, 0, 1).astype(np.float32)
        colour = np.broadcast_to(shade.bgr(0.004, 0.016, 0.008), (*cover.shape, 3))
        z_um = -1000 * np.interp(y, [1.2, 2.35], [-0.60, 0.57]).astype(np.float32)
        drawing.paint(patch, colour, cover, z_um)


def moss(drawing: Drawing, top: float, bottom: float, count: int) -> None:
    """Leaflets of moss on ground that rises towards the viewer."""
    rng = drawing.canvas.rng(f"moss {top}")
    earth(drawing, top)
    x, y = rng.uniform(-3.5, 3.5, count), rng.uniform(top, bottom, count)
    hill = 0.10 * np.sin(x * 2.1 + 1) + 0.07 * np.sin(x * 5.3 + 2) + rng.normal(0, 0.03, count)
    height = np.interp(y, [1.2, 2.35], [-0.55, 0.62]) + rng.normal(0, 0.05, count)
    points = np.stack([x, y + hill, height], axis=1)
    up = shade.unit(
        np.stack([rng.normal(0, 0.5, count), -np.ones(count), rng.normal(0.35, 0.4, count)], axis=1)
    )
    coat = Coat(
        0.26,
        0.036,
        LEAF,
        LEAF_TIP,
        lift=1.0,
        sag=(0.0, 0.15, 0.1),
        disorder=0.35,
        gloss=0.06,
        pieces=7,
        shade_root=0.1,
    )
    leaves = grow(rng, Roots(points, up), coat, up)
    swell = np.sin(np.linspace(0.35, np.pi, coat.pieces + 1))[None]  # leaflets are widest below the middle
    shadow = 1 - 0.7 * np.exp(-((x / 1.7) ** 2) - ((y - 1.45) / 0.42) ** 2)  # of the spider
    fresh = np.stack([rng.uniform(0.6, 1.3, count), np.ones(count), rng.uniform(0.6, 1.7, count)], axis=1)
    draw(
        drawing,
        Hairs(
            leaves.points,
            np.maximum(leaves.widths[:, :1] * swell, 0.003),
            leaves.bgr * (shadow[:, None] * fresh)[:, None],
            leaves.shine * shadow[:, None, None],
        ),
    )


def leg(drawing: Drawing, limb: Tube, name: str, count: int) -> None:
    """A leg in dark fur with rusty bands, and long bristles that stand off."""
    rng = drawing.canvas.rng(f"leg {name}")
    limb.paint(drawing, BLACK)
    fur = limb.roots(rng, count)
    band = np.sin(fur.points[:, 1] * 6.5 + np.abs(fur.points[:, 0]) * 3) > 0.35
    for chosen, colour, tip in ((~band, DARK, (0.06, 0.08, 0.12)), (band, RUST, AMBER)):
        roots = Roots(fur.points[chosen], fur.normals[chosen])
        draw(
            drawing,
            grow(rng, roots, Coat(0.17, 0.012, colour, tip, lift=0.35, disorder=0.2), limb.flow(roots)),
        )
    long = limb.roots(rng, count // 24)
    coat = Coat(0.62, 0.019, DARK, (0.10, 0.14, 0.20), lift=0.75, sag=(0, 0.12, 0), gloss=0.5, pieces=10)
    draw(drawing, grow(rng, long, coat, limb.flow(long)))


def head(drawing: Drawing) -> None:
    """Head in short fur, jaws, four eyes in rings of rusty lashes."""
    rng = drawing.canvas.rng("head")
    HEAD.paint(drawing, BLACK)
    fur = HEAD.roots(rng, 6200)
    crown = fur.points[:, 1] + 0.12 * np.sin(fur.points[:, 0] * 4) < -0.72
    flow = shade.unit(
        np.stack([fur.points[:, 0] * 0.9, fur.points[:, 1] + 0.1, np.full(len(fur.points), -0.2)], 1)
    )
    for chosen, colour, tip in ((~crown, DARK, (0.05, 0.075, 0.12)), (crown, RUST, AMBER)):
        coat = Coat(0.15, 0.011, colour, tip, lift=0.3, disorder=0.22, sag=(0, 0.2, -0.1))
        draw(drawing, grow(rng, Roots(fur.points[chosen], fur.normals[chosen]), coat, flow[chosen]))
    for jaw in JAWS:
        jaw.paint(drawing, (0.10, 0.22, 0.03), gloss=0.5)
        down = jaw.roots(rng, 260)
        coat = Coat(0.09, 0.008, (0.08, 0.18, 0.05), (0.25, 0.50, 0.22), lift=0.2, disorder=0.15, gloss=0.6)
        draw(drawing, grow(rng, down, coat, np.array([0.0, 1.0, 0.1])))
    for x, y, height, radius in EYES:
        paint_eye(drawing, (x, y, height), radius)
        draw(drawing, lashes(rng, (x, y, height), radius, round(1500 * radius)))
    draw(drawing, beard(rng))


def on_eye(roots: Roots) -> npt.NDArray[np.bool_]:
    """Which roots an eye would hide: a hair cannot begin before it."""
    hidden = np.zeros(len(roots.points), bool)
    for x, y, _, radius in EYES:
        hidden |= np.hypot(roots.points[:, 0] - x, roots.points[:, 1] - y) < radius * 1.06
    return hidden


def lashes(rng: np.random.Generator, middle: tuple[float, float, float], radius: float, count: int) -> Hairs:
    """A ring of scales round an eye, combed outwards."""
    angle = rng.uniform(0, 2 * np.pi, count)
    out = np.stack([np.cos(angle), np.sin(angle), np.full(count, 0.25)], axis=1)
    ring = np.array(middle) + out * [radius, radius, 0.0] * rng.uniform(0.98, 1.10, (count, 1))
    ring[:, 2] += 0.05 * radius
    coat = Coat(0.13, 0.012, RUST, AMBER, lift=0.75, disorder=0.2, gloss=0.3)
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
    brow = (found.points[:, 1] < -0.35) & ~on_eye(found)
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
    for limb in (palp(-1), palp(1)):
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
