"""Bodies that hair grows on: ellipsoids and jointed tubes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes import shade
from rig.devices.scenes.drawing import Drawing, Patch
from rig.devices.scenes.hair import Roots
from rig.devices.scenes.surface import F32

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ellipsoid:
    """Middle and half axes in mm; height grows towards the viewer."""

    middle: tuple[float, float, float]
    radii: tuple[float, float, float]

    def roots(self, rng: np.random.Generator, count: int, rim: float = 0.45) -> Roots:
        """Points all over the visible half; rim < 0.5 crowds them towards the outline."""
        angle, radius = rng.uniform(0, 2 * np.pi, count), rng.uniform(0, 1, count) ** rim * 0.995
        u, v = radius * np.cos(angle), radius * np.sin(angle)
        ball = np.stack([u, v, np.sqrt(1 - radius**2)], axis=1)
        return Roots(ball * self.radii + self.middle, shade.unit(ball / np.array(self.radii)))

    def paint(self, drawing: Drawing, bgr: tuple[float, float, float], gloss: float = 0.0) -> None:
        """The bare skin."""
        for patch in drawing.patches(self.middle[:2], self.radii[:2]):
            self._paint(drawing, patch, bgr, gloss)

    def _paint(self, drawing: Drawing, patch: Patch, bgr: tuple[float, float, float], gloss: float) -> None:
        u = (patch.x_mm - self.middle[0]) / np.float32(self.radii[0])
        v = (patch.y_mm - self.middle[1]) / np.float32(self.radii[1])
        inside = 1 - u * u - v * v
        w = np.sqrt(np.maximum(inside, 0))
        across, down, up = (side / np.float32(r) for side, r in zip((u, v, w), self.radii, strict=True))
        steepness = np.sqrt(across * across + down * down + up * up)

        def towards(way: shade.Vector) -> F32:
            x, y, z = shade.unit(way).astype(np.float32)
            return np.asarray((across * x + (down * y + up * z)) / steepness, np.float32)

        light = np.float32(0.12) + shade.wrapped(towards(shade.LAMP))
        edge_px = inside * np.float32(min(self.radii[:2]) * drawing.canvas.px_per_mm / 2) + np.float32(0.5)
        height = np.float32(self.middle[2]) + np.float32(self.radii[2]) * w
        colour = [light * np.float32(share) for share in bgr]
        if gloss:
            shine = gloss * shade.shining(towards(shade.halfway(shade.LAMP)), 24)
            colour = [plane + shine for plane in colour]
        drawing.paint(
            patch, np.asarray(cv2.merge(colour), np.float32), np.clip(edge_px, 0, 1), -1000 * height
        )


@dataclass(frozen=True)
class Tube:
    """A limb: joints (x, y, height) in mm and the radius at each."""

    joints: tuple[tuple[float, float, float], ...]
    radii: tuple[float, ...]

    def at(self, t: Floats) -> tuple[Floats, Floats, Floats]:
        """Middle (n, 3), radius (n,) and unit direction (n, 3) at shares t of the way along."""
        joints = np.array(self.joints)
        lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(joints, axis=0), axis=1))])
        way = t * lengths[-1]
        middle = np.stack([np.interp(way, lengths, joints[:, i]) for i in range(3)], axis=1)
        ahead = np.stack(
            [np.interp(np.minimum(way + 0.05, lengths[-1]), lengths, joints[:, i]) for i in range(3)], axis=1
        )
        behind = np.stack(
            [np.interp(np.maximum(way - 0.05, 0), lengths, joints[:, i]) for i in range(3)], axis=1
        )
        return middle, np.interp(way, lengths, self.radii), shade.unit(ahead - behind)

    def roots(self, rng: np.random.Generator, count: int) -> Roots:
        """Points all over the visible side."""
        middle, radius, along = self.at(rng.uniform(0, 1, count))
        side, up = _frame(along)
        angle = rng.uniform(-1.5, 1.5, count)[:, None]
        normal = side * np.sin(angle) + up * np.cos(angle)
        tube = Roots(middle + normal * radius[:, None], normal)
        # the outer side of a bend belongs to neither of its straight parts
        knees = [
            Ellipsoid(joint, (r, r, r)).roots(rng, count // 10)
            for joint, r in zip(self.joints[1:-1], self.radii[1:-1], strict=True)
        ]
        return Roots(
            np.concatenate([tube.points, *(k.points for k in knees)]),
            np.concatenate([tube.normals, *(k.normals for k in knees)]),
        )

    def flow(self, roots: Roots) -> Floats:
        """Direction along the limb, away from its first joint, at these roots."""
        t = np.linspace(0, 1, 60)
        middle, _, along = self.at(t)
        nearest = np.argmin(((roots.points[:, None] - middle[None]) ** 2).sum(axis=2), axis=1)
        return np.asarray(along[nearest])

    def paint(self, drawing: Drawing, bgr: tuple[float, float, float]) -> None:
        """The bare skin, as a run of overlapping balls."""
        middle, radius, _ = self.at(np.linspace(0, 1, 40))
        for index in np.argsort(middle[:, 2]):
            x, y, height = middle[index].tolist()
            r = float(radius[index])
            Ellipsoid((x, y, height), (r, r, r)).paint(drawing, bgr)


def _frame(along: Floats) -> tuple[Floats, Floats]:
    """Across in the picture, and towards the viewer, for each direction."""
    side = np.cross(along, np.array([0.0, 0.0, 1.0]))
    side = shade.unit(np.where(np.linalg.norm(side, axis=1, keepdims=True) < 1e-6, [1.0, 0, 0], side))
    up = np.cross(side, along)
    return side, np.where(up[:, 2:] < 0, -up, up)
