"""A rectangle of the canvas that a surface is painted on, patch by patch and stroke by stroke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.surface import ALIGN_PX, F32, Surface, encode

BAND_ROWS = 128
FIXED = 4  # fractional bits of the coordinates OpenCV draws with

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Patch:
    """Pixels of a drawing with their place in mm: a window to compute a shape in."""

    rows: slice
    columns: slice
    x_mm: F32  # (1, w)
    y_mm: F32  # (h, 1)


class Drawing:
    """Colour, coverage and depth being painted. Later strokes hide earlier ones.

    box_mm: left, top, right, bottom at the subject; cut to the canvas.
    """

    def __init__(
        self,
        canvas: Canvas,
        box_mm: tuple[float, float, float, float],
        z_um: tuple[float, float],
        start_um: float,
    ) -> None:
        self.canvas, self.z_um = canvas, z_um
        corners = canvas.to_px(np.array([box_mm[:2], box_mm[2:]]))
        width, height = canvas.size_px
        left, top = (int(max(c, 0)) // ALIGN_PX * ALIGN_PX for c in corners[0])
        right = min(-(-int(corners[1][0]) // ALIGN_PX) * ALIGN_PX, -(-width // ALIGN_PX) * ALIGN_PX)
        bottom = min(-(-int(corners[1][1]) // ALIGN_PX) * ALIGN_PX, -(-height // ALIGN_PX) * ALIGN_PX)
        self.offset_px = (left, top)
        shape = (bottom - top, right - left)
        self.bgra = np.zeros((*shape, 4), np.uint8)
        self.depth = np.full(shape, self.depth_value(start_um), np.uint8)

    def depth_value(self, z_um: npt.ArrayLike) -> npt.NDArray[np.uint8]:
        """Depth in µm as the 8 bits the surface keeps."""
        near, far = self.z_um
        return np.asarray(np.clip((np.asarray(z_um) - near) / (far - near) * 255 + 0.5, 0, 255), np.uint8)

    def patch(self, centre_mm: tuple[float, float], reach_mm: tuple[float, float]) -> Patch:
        """The window of pixels around a point; may be empty at the edge."""
        scale = self.canvas.px_per_mm
        middle = self.canvas.to_px(np.array(centre_mm)) - self.offset_px
        spans = []
        for axis, side in ((0, self.depth.shape[1]), (1, self.depth.shape[0])):
            low = int(np.clip(middle[axis] - reach_mm[axis] * scale, 0, side))
            high = int(np.clip(middle[axis] + reach_mm[axis] * scale + 1, 0, side))
            spans.append((low, max(high, low)))
        x = (np.arange(*spans[0]) + 0.5 - middle[0]) / scale + centre_mm[0]
        y = (np.arange(*spans[1]) + 0.5 - middle[1]) / scale + centre_mm[1]
        return Patch(
            slice(*spans[1]), slice(*spans[0]), x[None].astype(np.float32), y[:, None].astype(np.float32)
        )

    def patches(self, centre_mm: tuple[float, float], reach_mm: tuple[float, float]) -> Iterator[Patch]:
        """The same window in bands of rows, to keep memory small."""
        whole = self.patch(centre_mm, reach_mm)
        for top in range(0, len(whole.y_mm), BAND_ROWS):
            y_mm = whole.y_mm[top : top + BAND_ROWS]
            first = whole.rows.start + top
            yield Patch(slice(first, first + len(y_mm)), whole.columns, whole.x_mm, y_mm)

    def paint(self, patch: Patch, bgr: F32, cover: F32, z_um: F32) -> None:
        """Lay linear colour (h, w, 3) with coverage (h, w) 0..1 over the window; depth where mostly covered."""
        if not cover.size:
            return
        window = np.ascontiguousarray(self.bgra[patch.rows, patch.columns])
        new = encode(np.asarray(cv2.merge([*cv2.split(np.clip(bgr, 0, 1)), np.ones_like(cover)]), np.float32))
        self.bgra[patch.rows, patch.columns] = cv2.blendLinear(new, window, cover, 1 - cover)
        depth = self.depth[patch.rows, patch.columns]
        np.copyto(depth, self.depth_value(z_um), where=cover > 0.02)

    def ribbons(self, points_mm: Floats, widths_mm: Floats, bgr: Floats, z_um: Floats) -> None:
        """Tapered strokes, in the order given.

        points_mm: (n, k, 2) middle lines; widths_mm: (n, k); bgr: (n, k - 1, 3) linear; z_um: (n, k - 1).
        """
        sides = _sides(points_mm)
        half = np.maximum(widths_mm * self.canvas.px_per_mm, 0.7)[..., None] / 2
        faint = np.clip(
            widths_mm[:, :-1] * self.canvas.px_per_mm / 0.7, 0.15, 1
        )  # thinner than a pixel: paler
        middle = self.canvas.to_px(points_mm) - self.offset_px - 0.5
        quads = _quads(middle, sides * half)
        wide = _quads(middle, sides * (half + 1))
        inks = np.dstack([np.sqrt(np.clip(bgr, 0, 1)) * 255, np.full(bgr.shape[:2], 255.0)])
        depths = self.depth_value(z_um)
        seen = self._seen(quads)
        nothing = (faint < 1) & (quads[:, :, 0] == quads[:, :, 2]).all(axis=2)
        for hair in np.flatnonzero(seen):
            for quad, broad, ink, deep, empty in zip(
                quads[hair],
                wide[hair],
                inks[hair].tolist(),
                depths[hair].tolist(),
                nothing[hair].tolist(),
                strict=True,
            ):
                if empty:
                    continue
                cv2.fillConvexPoly(self.depth, broad, deep, cv2.LINE_8, FIXED)
                cv2.fillConvexPoly(self.bgra, quad, ink, cv2.LINE_AA, FIXED)

    def surface(self, name: str) -> Surface:
        """What was painted, as a surface; the drawing is empty then, for its memory is the surface's."""
        bgra, self.bgra = self.bgra, np.zeros((0, 0, 4), np.uint8)
        depth, self.depth = self.depth, np.zeros((0, 0), np.uint8)
        return Surface(name, bgra, depth, *self.z_um, offset_px=self.offset_px)

    def _seen(self, quads: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        """Which strokes touch the drawing at all."""
        corners = quads.reshape(len(quads), -1, 2) / (1 << FIXED)
        low, high = corners.min(axis=1), corners.max(axis=1)
        height, width = self.depth.shape
        return np.asarray((high[:, 0] > 0) & (high[:, 1] > 0) & (low[:, 0] < width) & (low[:, 1] < height))


def _sides(points: Floats) -> Floats:
    """(n, k, 2) unit vectors across each middle line."""
    along = np.gradient(points, axis=1)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1)
    return np.asarray(across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-9))


def _quads(middle: Floats, half: Floats) -> npt.NDArray[np.int32]:
    """(n, k - 1, 4, 2) corners of each piece, in OpenCV's fixed point."""
    left, right = middle + half, middle - half
    corners = np.stack([left[:, :-1], left[:, 1:], right[:, 1:], right[:, :-1]], axis=2)
    return np.round(corners * (1 << FIXED)).astype(np.int32)
