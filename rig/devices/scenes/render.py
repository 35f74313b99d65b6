"""A scene seen through the lens: surfaces blurred by their distance from focus, back to front."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.blur import Blur, blur_weights
from rig.devices.scenes.surface import ALIGN_PX, F32, MIPS, TILE_PX, U8, Surface, decode

APRON_PX = 8  # rows and columns around a block that its blurs reach; multiple of 4, the coarse copy's scale
COARSE = 2  # blurs on this copy (1/4) and smaller ones are drawn for the whole picture at once
COVER_GAIN = 1.12  # blur that varies within a surface leaves it a few per cent short of opaque; see _resolve

BlurOf = Callable[[float], float]  # depth in µm -> signed blur diameter in px


@dataclass(frozen=True)
class _Prepared:
    """A surface with everything that depends on the focus position."""

    surface: Surface
    weights: list[tuple[Blur, F32]]
    coarse: F32 | None  # (h/4, w/4, 4) premultiplied light of all large blurs
    sharp_tiles: npt.NDArray[np.bool_]  # tiles that need work at full or half size


class FocusedScene:
    """The surfaces seen with one focus: answers with any rows of the picture, from any thread.

    surfaces: back to front; the first one must be opaque and fill the canvas (width, height in px).
    Memory: 1/4-size copies of the surfaces besides the surfaces themselves.
    """

    def __init__(self, surfaces: Sequence[Surface], blur_of: BlurOf, canvas: tuple[int, int]) -> None:
        self.canvas = canvas
        self._prepared = [_prepare(surface, blur_of) for surface in surfaces]
        self._low = _compose_coarse(self._prepared, canvas)

    def rows(self, top: int, count: int) -> F32:
        """Linear light of rows top..top+count of the canvas: (count, width, 3) float32, BGR."""
        width = self.canvas[0]
        strip = _enlarge(self._low, (0, top, width, count))
        for left, right in _runs(_busy_columns(self._prepared, top, count, width), width):
            strip[:, left:right] = _compose_block(self._prepared, (left, top, right - left, count))
        return strip


def _prepare(surface: Surface, blur_of: BlurOf) -> _Prepared:
    diameters = np.array([blur_of(float(z)) for z in surface.z_um()])
    present = surface.depth_values
    weights = [
        (blur, lut) for blur, lut in blur_weights(diameters, surface.first_mip) if lut[0, present].any()
    ]
    sharp = np.zeros(256, bool)
    for blur, lut in weights:
        if blur.mip < COARSE:
            sharp |= lut[0] > 0
    count = np.concatenate([[0], np.cumsum(sharp)])
    low, high = (t.astype(int) for t in surface.tile_depths)
    tiles = (high >= low) & (count[np.maximum(high, low) + 1] > count[low])
    return _Prepared(surface, weights, _coarse(surface, weights), tiles)


def _coarse(surface: Surface, weights: list[tuple[Blur, F32]]) -> F32 | None:
    """All blurs drawn on small copies, added up at 1/4 size; None when there are none."""
    total: F32 | None = None
    for mip in range(MIPS - 1, COARSE - 1, -1):
        used = [w for w in weights if w[0].mip == mip]
        here = _scatter(surface.mip(mip).bgra, surface.mip(mip).depth, used) if used else None
        if total is not None:
            size = (surface.shape[1] >> mip, surface.shape[0] >> mip)
            total = np.asarray(cv2.resize(total, size, interpolation=cv2.INTER_LINEAR), np.float32)
            here = total if here is None else here + total
        total = here
    return total


def _scatter(bgra: U8, depth: U8, weights: list[tuple[Blur, F32]]) -> F32 | None:
    """Each pixel's premultiplied light spread over the disc its depth asks for, added up."""
    total: F32 | None = None
    light: F32 | None = None
    for blur, lut in weights:
        share = cv2.LUT(depth, lut)
        if not share.any():
            continue
        light = decode(bgra) if light is None else light
        part = light * share[..., None]
        if blur.kernel.size > 1:
            part = cv2.filter2D(part, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE)
        total = part if total is None else cv2.add(total, part)
    return total


def _compose_coarse(prepared: list[_Prepared], canvas: tuple[int, int]) -> F32:
    """The 1/4-size picture of the large blurs alone: right wherever no tile is sharp."""
    scale = 1 << COARSE
    padded = [-(-side // ALIGN_PX) * ALIGN_PX // scale for side in canvas]
    picture = np.zeros((padded[1], padded[0], 3), np.float32)
    for item in prepared:
        if item.coarse is not None:
            x, y = (o // scale for o in item.surface.offset_px)
            height, width = (
                min(a, b)
                for a, b in zip(item.coarse.shape, (picture.shape[0] - y, picture.shape[1] - x), strict=False)
            )
            target = picture[y : y + height, x : x + width]
            _over_into(target, item.coarse[:height, :width], item.surface.flat)
    return picture


def _busy_columns(prepared: list[_Prepared], top: int, count: int, width: int) -> npt.NDArray[np.bool_]:
    """Tile columns of these rows where any surface needs work at full or half size."""
    busy = np.zeros(-(-width // TILE_PX), bool)
    for item in prepared:
        x, y = item.surface.offset_px
        first, last = (top - y) // TILE_PX, (top + count - 1 - y) // TILE_PX
        for row in range(max(first, 0), min(last + 1, item.sharp_tiles.shape[0])):
            for column in np.flatnonzero(item.sharp_tiles[row]):
                left = x + column * TILE_PX
                busy[left // TILE_PX : (left + TILE_PX - 1) // TILE_PX + 1] = True
    return busy


def _runs(busy: npt.NDArray[np.bool_], width: int) -> Iterator[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], busy.astype(np.int8), [0]])))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        yield int(first) * TILE_PX, min(int(last) * TILE_PX, width)


def _compose_block(prepared: list[_Prepared], box: tuple[int, int, int, int]) -> F32:
    """All surfaces over one another in one block (left, top, width, height) of the canvas."""
    left, top, width, height = box
    picture = np.zeros((height, width, 3), np.float32)
    for item in prepared:
        x, y = item.surface.offset_px
        full_h, full_w = item.surface.shape
        # the part of the block this surface can reach
        x0, x1 = max(left, x - APRON_PX), min(left + width, x + full_w + APRON_PX)
        y0, y1 = max(top, y - APRON_PX), min(top + height, y + full_h + APRON_PX)
        x0, x1, y0, y1 = max(x0, x), min(x1, x + full_w), max(y0, y), min(y1, y + full_h)
        if x0 >= x1 or y0 >= y1:
            continue
        light = _block_light(item, (x0 - x, y0 - y, x1 - x0, y1 - y0))
        if light is not None:
            _over_into(picture[y0 - top : y1 - top, x0 - left : x1 - left], light, item.surface.flat)
    return picture


def _block_light(item: _Prepared, box: tuple[int, int, int, int]) -> F32 | None:
    """Premultiplied light of one surface in a block (left, top, width, height) of its own pixels."""
    left, top, width, height = box
    total: F32 | None = None
    tiles = item.sharp_tiles[
        top // TILE_PX : -(-(top + height) // TILE_PX), left // TILE_PX : -(-(left + width) // TILE_PX)
    ]
    if tiles.any():
        for mip in range(COARSE):
            weights = [w for w in item.weights if w[0].mip == mip]
            part = _scatter_block(item.surface, mip, weights, box)
            if part is not None:
                total = part if total is None else cv2.add(total, part)
    if item.coarse is not None:
        enlarged = _enlarge(item.coarse, box)
        total = enlarged if total is None else cv2.add(total, enlarged)
    return total


def _scatter_block(
    surface: Surface, mip: int, weights: list[tuple[Blur, F32]], box: tuple[int, int, int, int]
) -> F32 | None:
    left, top, width, height = box
    copy, scale, apron = surface.mip(mip), 1 << mip, APRON_PX >> mip
    y0, y1 = max(top // scale - apron, 0), min(-(-(top + height) // scale) + apron, copy.depth.shape[0])
    x0, x1 = max(left // scale - apron, 0), min(-(-(left + width) // scale) + apron, copy.depth.shape[1])
    part = _scatter(copy.bgra[y0:y1, x0:x1], copy.depth[y0:y1, x0:x1], weights)
    if part is None:
        return None
    if mip:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    dy, dx = top - y0 * scale, left - x0 * scale
    return part[dy : dy + height, dx : dx + width]


def _enlarge(coarse: F32, box: tuple[int, int, int, int]) -> F32:
    """Block (left, top, width, height) at full size of an array at 1/4 size."""
    left, top, width, height = box
    scale = 1 << COARSE
    y0, y1 = max(top // scale - 2, 0), min(-(-(top + height) // scale) + 2, coarse.shape[0])
    x0, x1 = max(left // scale - 2, 0), min(-(-(left + width) // scale) + 2, coarse.shape[1])
    part = cv2.resize(coarse[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    dy, dx = top - y0 * scale, left - x0 * scale
    return np.asarray(part[dy : dy + height, dx : dx + width], np.float32)


def _over_into(picture: F32, light: F32, flat: bool) -> None:
    """Lay premultiplied light (h, w, 4) over the picture (h, w, 3), in place.

    Where the blur changes along a surface, the discs overlap more or less and the sum of coverage
    strays from 1; within a surface it is brought back to 1, so that nothing behind shines through.
    """
    cover = light[..., 3:]
    if flat:
        picture *= 1 - cover
        picture += light[..., :3]
        return
    opaque = np.minimum(cover * np.float32(COVER_GAIN), 1)
    picture *= 1 - opaque
    picture += light[..., :3] * (opaque / np.maximum(cover, np.float32(1e-4)))
