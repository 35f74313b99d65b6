"""A scene seen through the lens: surfaces blurred by their distance from focus, back to front.

Between surfaces light is occluded. Within one surface every pixel's light is spread over its disc and
added up in three groups that occlude each other: what lies well behind focus, what is nearly sharp,
and what lies well before it. The sum is divided by what an unbroken surface with the same depths
would give, for where the blur changes along a surface its discs overlap more or less than once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes import compiled
from rig.devices.scenes.blur import STEPS_PX, Steps, blur_weights
from rig.devices.scenes.compiled import Discs, lay_under
from rig.devices.scenes.light import Half, Light, Weights, from_half, lay, scatter, to_half
from rig.devices.scenes.surface import ALIGN_PX, F32, MIPS, TILE_PX, Mip, Surface

APRON_PX = 8  # around a block, as far as its blurs reach; a multiple of the coarse copy's scale
COARSE = 2  # blurs on this copy (1/4) and smaller ones are drawn for the whole picture at once
HIDDEN = 0.9995  # coverage; of what is behind, the brightest would then make a seventh of an 8-bit step
THREADS = 2  # that prepare surfaces and draw ahead
BLOCK_PX = 4 * TILE_PX  # with all its arrays a block of a strip then stays in the processor's cache

BlurOf = Callable[[float], float]  # depth in µm -> signed blur diameter in px
Tiles = npt.NDArray[np.bool_]
Box = tuple[int, int, int, int]  # left, top, width, height


@dataclass(frozen=True)
class _Large:
    """The large blurs of one side of the focus, drawn at 1/4 size for the whole surface."""

    bgra: Half  # as Light has them, at half precision to save memory
    whole: Half | None
    tiles: Tiles  # where there is any

    def part(self, rows: slice, columns: slice) -> Light:
        """A part of it, at 1/4 size."""
        whole = None if self.whole is None else from_half(self.whole[rows, columns])
        return Light(from_half(self.bgra[rows, columns]), whole)

    def block(self, box: Box) -> Light | None:
        """A part of it at full size."""
        if not self.tiles[_tiles_of(box)].any():
            return None
        return Light(_enlarge(self.bgra, box), None if self.whole is None else _enlarge(self.whole, box))


@dataclass(frozen=True)
class _Prepared:
    """A surface with everything that depends on the focus position."""

    surface: Surface
    sharp: Weights  # blurs drawn at full and half size
    sharp_tiles: Tiles  # tiles that need them
    behind: _Large | None
    before: _Large | None
    discs: tuple[Discs | None, ...] = ()  # on each fine copy, for the compiled way

    def lay_under(self, picture: F32, box: Box) -> None:
        """Lay it under a block of the picture, box in its own pixels; by the compiled way."""
        tiles = _tiles_of(box)
        copies = []
        if self.sharp_tiles[tiles].any():
            for mip, discs in enumerate(self.discs):
                if discs is not None:
                    part, at = _with_apron(self.surface, mip, box)
                    copies.append((part, discs, 1 << mip, at))
        behind, before = (
            _coarse_part(side, box) if side is not None and side.tiles[tiles].any() else None
            for side in (self.behind, self.before)
        )
        if copies or behind or before:
            lay_under(picture, self.surface.flat, copies, behind, before, HIDDEN)


class FocusedScene:
    """The surfaces seen with one focus: answers with any rows of the picture, from any thread.

    surfaces: back to front; the first one must be opaque and fill the canvas (width, height in px).
    Memory: 1/4-size copies of the surfaces besides the surfaces themselves.
    """

    def __init__(
        self,
        surfaces: Sequence[Surface],
        blur_of: BlurOf,
        canvas: tuple[int, int],
        steps: Steps = STEPS_PX,
    ) -> None:
        self.canvas = canvas
        with ThreadPoolExecutor(THREADS) as pool:
            self._prepared = list(pool.map(lambda surface: _prepare(surface, blur_of, steps), surfaces))
            self._low = _compose_coarse(self._prepared, canvas, pool)

    def rows(self, top: int, count: int) -> F32:
        """Linear light of rows top..top+count of the canvas: (count, width, 3) float32, BGR."""
        width = self.canvas[0]
        busy = _busy_columns(self._prepared, top, count, width)
        strip = np.empty((count, width, 3), np.float32)
        for left in range(0, width, BLOCK_PX):
            box = (left, top, min(BLOCK_PX, width - left), count)
            sharp = busy[left // TILE_PX : (left + BLOCK_PX) // TILE_PX].any()
            block = _compose_block(self._prepared, box) if sharp else _enlarge(self._low, box)
            strip[:, left : left + box[2]] = cv2.cvtColor(block, cv2.COLOR_BGRA2BGR)
        return strip


def _prepare(surface: Surface, blur_of: BlurOf, steps: Steps) -> _Prepared:
    diameters = np.array([blur_of(float(z)) for z in surface.z_um()])
    present = surface.depth_values
    weights = [w for w in blur_weights(diameters, surface.first_mip, steps) if w[1][0, present].any()]
    sharp = [w for w in weights if w[0].mip < COARSE]
    large = [w for w in weights if w[0].mip >= COARSE]
    behind, before = (np.float32(side).reshape(1, 256) for side in (diameters > 0, diameters <= 0))
    return _Prepared(
        surface,
        sharp,
        _tiles_with(surface, sharp),
        _draw_large(surface, [(blur, lut * behind) for blur, lut in large]),
        _draw_large(surface, [(blur, lut * before) for blur, lut in large]),
        tuple(_discs_on(mip, sharp, surface.flat) for mip in range(COARSE)),
    )


def _discs_on(mip: int, weights: Weights, flat: bool) -> Discs | None:
    here = [w for w in weights if w[0].mip == mip]
    return Discs(here, flat) if here else None


def _tiles_with(surface: Surface, weights: Weights) -> Tiles:
    """Tiles on which some depth asks for one of these blurs."""
    wanted = np.zeros(256, bool)
    for _, lut in weights:
        wanted |= lut[0] > 0
    count = np.concatenate([[0], np.cumsum(wanted)])
    low, high = (t.astype(int) for t in surface.tile_depths)
    return np.asarray((high >= low) & (count[np.maximum(high, low) + 1] > count[low]))


def _draw_large(surface: Surface, weights: Weights) -> _Large | None:
    """All blurs drawn on small copies, added up at 1/4 size; None when there are none."""
    total: Light | None = None
    for mip in range(MIPS - 1, COARSE - 1, -1):
        used = [(b, lut) for b, lut in weights if b.mip == mip and lut[0, surface.depth_values].any()]
        here = scatter(surface.mip(mip), used, surface.flat) if used else None
        if total is not None:
            total = total.resized((surface.shape[1] >> mip, surface.shape[0] >> mip)).plus(here)
        else:
            total = here
    if total is None:
        return None
    covered = (total.bgra[..., 3] > 1e-4).astype(np.uint8)
    spread = cv2.dilate(covered, np.ones((5, 5), np.uint8))  # what enlarging reaches
    rows, columns = (np.arange(0, side, TILE_PX >> COARSE) for side in spread.shape)
    tiles = np.maximum.reduceat(np.maximum.reduceat(spread, rows, axis=0), columns, axis=1) > 0
    return _Large(to_half(total.bgra), None if total.whole is None else to_half(total.whole), tiles)


def _compose_coarse(prepared: list[_Prepared], canvas: tuple[int, int], pool: Executor) -> Half:
    """The 1/4-size picture (h, w, 4) of the large blurs alone: right wherever no tile is sharp."""
    width, height = (-(-side // ALIGN_PX) * ALIGN_PX >> COARSE for side in canvas)
    picture = np.empty((height, width, 4), np.float16)

    def compose(top: int) -> None:
        band = _compose_band(prepared, top, min(TILE_PX, height - top), width)
        picture[top : top + TILE_PX] = to_half(band)

    list(pool.map(compose, range(0, height, TILE_PX)))  # in bands, to keep the float copies small
    return picture


def _compose_band(prepared: list[_Prepared], top: int, count: int, width: int) -> F32:
    """Rows top..top+count of the 1/4-size picture."""
    band = np.zeros((count, width, 4), np.float32)
    for item in prepared:
        x, y = (o >> COARSE for o in item.surface.offset_px)
        tall, wide = (side >> COARSE for side in item.surface.shape)
        first, last, right = max(top, y), min(top + count, y + tall), min(x + wide, width)
        if first >= last:
            continue
        inside = slice(first - y, last - y), slice(0, right - x)
        behind = item.behind.part(*inside) if item.behind else None
        light = item.before.part(*inside).over(behind) if item.before else behind
        if light is not None:
            here = slice(first - top, last - top), slice(x, right)
            band[here] = lay(band[here], light.normal())
    return band


def _busy_columns(prepared: list[_Prepared], top: int, count: int, width: int) -> Tiles:
    """Tile columns of these rows where any surface needs work at full or half size."""
    busy = np.zeros(-(-width // TILE_PX) + 2, bool)
    for item in prepared:
        x, y = item.surface.offset_px
        first, last = (top - y) // TILE_PX, (top + count - 1 - y) // TILE_PX
        for column in np.flatnonzero(item.sharp_tiles[max(first, 0) : max(last + 1, 0)].any(axis=0)):
            left = x + column * TILE_PX
            busy[left // TILE_PX : (left + TILE_PX - 1) // TILE_PX + 1] = True
    return busy


def _compose_block(prepared: list[_Prepared], box: Box) -> F32:
    """All surfaces over one another in one block of the canvas: (height, width, 4).

    From the nearest to the farthest, so that what nothing is seen of need not be drawn.
    """
    left, top, width, height = box
    picture = np.zeros((height, width, 4), np.float32)
    for item in reversed(prepared):
        if picture[..., 3].min() > HIDDEN:
            break
        x, y = item.surface.offset_px
        full_h, full_w = item.surface.shape
        x0, x1 = max(left, x), min(left + width, x + full_w)
        y0, y1 = max(top, y), min(top + height, y + full_h)
        if x0 >= x1 or y0 >= y1:
            continue
        part = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
        own = (x0 - x, y0 - y, x1 - x0, y1 - y0)
        if compiled.LIBRARY is not None:
            item.lay_under(picture[part], own)
        elif (light := _block_light(item, own)) is not None:
            picture[part] = lay(light.normal(), picture[part])
    return picture


def _block_light(item: _Prepared, box: Box) -> Light | None:
    """Light of one surface in a block of its own pixels."""
    light = item.behind.block(box) if item.behind else None
    if item.sharp_tiles[_tiles_of(box)].any():
        sharp: Light | None = None
        for mip in range(COARSE):
            part = _scatter_block(item, mip, box)
            sharp = sharp if part is None else part.plus(sharp)
        light = light if sharp is None else sharp.over(light)
    before = item.before.block(box) if item.before else None
    return light if before is None else before.over(light)


def _scatter_block(item: _Prepared, mip: int, box: Box) -> Light | None:
    weights = [w for w in item.sharp if w[0].mip == mip]
    if not weights:
        return None
    copy, (dy, dx) = _with_apron(item.surface, mip, box)
    part = scatter(copy, weights, item.surface.flat)
    if part is None:
        return None
    if mip:
        part = part.resized((copy.depth.shape[1] << mip, copy.depth.shape[0] << mip))
    return part.cut(slice(dy, dy + box[3]), slice(dx, dx + box[2]))


def _with_apron(surface: Surface, mip: int, box: Box) -> tuple[Mip, tuple[int, int]]:
    """A block of a copy and what its blurs reach around it; row and column of full size where the block begins."""
    left, top, width, height = box
    scale, apron = 1 << mip, APRON_PX >> mip
    limit_y, limit_x = (side >> mip for side in surface.shape)
    y0, y1 = max(top // scale - apron, 0), min(-(-(top + height) // scale) + apron, limit_y)
    x0, x1 = max(left // scale - apron, 0), min(-(-(left + width) // scale) + apron, limit_x)
    return surface.block(mip, y0, y1, x0, x1), (top - y0 * scale, left - x0 * scale)


def _tiles_of(box: Box) -> tuple[slice, slice]:
    """The tiles a block touches."""
    left, top, width, height = box
    return (
        slice(top // TILE_PX, -(-(top + height) // TILE_PX)),
        slice(left // TILE_PX, -(-(left + width) // TILE_PX)),
    )


def _coarse_part(large: _Large, box: Box) -> tuple[Light, tuple[int, int]]:
    """The light that a block at full size needs, at 1/4 size; row and column where the block begins in it."""
    rows, columns, at = _coarse_window(large.bgra.shape[:2], box)
    return large.part(rows, columns), at


def _enlarge(coarse: Half, box: Box) -> F32:
    """A block at full size of an array at 1/4 size."""
    rows, columns, (dy, dx) = _coarse_window(coarse.shape[:2], box)
    scale = 1 << COARSE
    small = from_half(coarse[rows, columns])
    part = cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    return np.asarray(part[dy : dy + box[3], dx : dx + box[2]], np.float32)


def _coarse_window(shape: tuple[int, int], box: Box) -> tuple[slice, slice, tuple[int, int]]:
    """Rows and columns at 1/4 size that a block needs; row and column of full size where it begins in them."""
    left, top, width, height = box
    scale = 1 << COARSE
    y0, y1 = max(top // scale - 2, 0), min(-(-(top + height) // scale) + 2, shape[0])
    x0, x1 = max(left // scale - 2, 0), min(-(-(left + width) // scale) + 2, shape[1])
    return slice(y0, y1), slice(x0, x1), (top - y0 * scale, left - x0 * scale)
