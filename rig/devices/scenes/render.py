"""A scene seen through the lens: surfaces blurred by their distance from focus, back to front.

Between surfaces light is occluded. Within one surface every pixel's light is spread over its disc and
added up in three groups that occlude each other: what lies well behind focus, what is nearly sharp,
and what lies well before it. The sum is divided by what an unbroken surface with the same depths
would give, for where the blur changes along a surface its discs overlap more or less than once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.devices.scenes.blur import Blur, blur_weights
from rig.devices.scenes.surface import ALIGN_PX, F32, MIPS, TILE_PX, Mip, Surface, decode

APRON_PX = 8  # around a block, as far as its blurs reach; a multiple of the coarse copy's scale
COARSE = 2  # blurs on this copy (1/4) and smaller ones are drawn for the whole picture at once

BlurOf = Callable[[float], float]  # depth in µm -> signed blur diameter in px
Weights = list[tuple[Blur, F32]]


@dataclass(frozen=True)
class Light:
    """Premultiplied light with its coverage, and what an unbroken surface would cover."""

    bgra: F32  # (h, w, 4)
    whole: F32 | None  # (h, w); None for a flat surface, where it is 1

    def plus(self, other: Light | None) -> Light:
        """Both, from different parts of one surface."""
        if other is None:
            return self
        whole = None if self.whole is None or other.whole is None else cv2.add(self.whole, other.whole)
        return Light(np.asarray(cv2.add(self.bgra, other.bgra), np.float32), whole)

    def over(self, behind: Light | None) -> Light:
        """This, hiding what lies behind it."""
        if behind is None:
            return self
        bgra = self.bgra + behind.bgra * (1 - np.minimum(self.bgra[..., 3:], 1))
        if self.whole is None or behind.whole is None:
            return Light(bgra, None)
        return Light(bgra, self.whole + behind.whole * (1 - np.minimum(self.whole, 1)))


@dataclass(frozen=True)
class _Prepared:
    """A surface with everything that depends on the focus position."""

    surface: Surface
    sharp: Weights  # drawn at full and half size
    behind: Light | None  # large blurs behind and before the focus, at 1/4 size
    before: Light | None
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
    weights = [w for w in blur_weights(diameters, surface.first_mip) if w[1][0, present].any()]
    sharp = [w for w in weights if w[0].mip < COARSE]
    large = [w for w in weights if w[0].mip >= COARSE]
    behind, before = (np.float32(side).reshape(1, 256) for side in (diameters > 0, diameters <= 0))
    return _Prepared(
        surface,
        sharp,
        _coarse(surface, [(blur, lut * behind) for blur, lut in large]),
        _coarse(surface, [(blur, lut * before) for blur, lut in large]),
        _tiles_with(surface, sharp),
    )


def _tiles_with(surface: Surface, weights: Weights) -> npt.NDArray[np.bool_]:
    """Tiles on which some depth asks for one of these blurs."""
    wanted = np.zeros(256, bool)
    for _, lut in weights:
        wanted |= lut[0] > 0
    count = np.concatenate([[0], np.cumsum(wanted)])
    low, high = (t.astype(int) for t in surface.tile_depths)
    return np.asarray((high >= low) & (count[np.maximum(high, low) + 1] > count[low]))


def _coarse(surface: Surface, weights: Weights) -> Light | None:
    """All blurs drawn on small copies, added up at 1/4 size; None when there are none."""
    total: Light | None = None
    for mip in range(MIPS - 1, COARSE - 1, -1):
        used = [(b, lut) for b, lut in weights if b.mip == mip and lut[0, surface.depth_values].any()]
        here = _scatter(surface.mip(mip), used, surface.flat) if used else None
        if total is not None:
            total = _resize(total, (surface.shape[1] >> mip, surface.shape[0] >> mip))
            here = total.plus(here)
        total = here
    return total


def _resize(light: Light, size: tuple[int, int]) -> Light:
    whole = light.whole if light.whole is None else cv2.resize(light.whole, size)
    return Light(np.asarray(cv2.resize(light.bgra, size), np.float32), whole)  # type: ignore[arg-type]


def _scatter(copy: Mip, weights: Weights, flat: bool) -> Light | None:
    """Each pixel's light spread over the disc its depth asks for, added up."""
    total: Light | None = None
    light: F32 | None = None
    for blur, lut in weights:
        share = cv2.LUT(copy.depth, lut)
        if not share.any():
            continue
        light = decode(copy.bgra) if light is None else light
        part = light if flat else light * share[..., None]
        if blur.kernel.size > 1:
            part = np.asarray(cv2.filter2D(part, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
            if not flat:
                share = cv2.filter2D(share, -1, blur.kernel, borderType=cv2.BORDER_REPLICATE)
        here = Light(part, None if flat else share)  # type: ignore[arg-type]
        total = here.plus(total)
    return total


def _compose_coarse(prepared: list[_Prepared], canvas: tuple[int, int]) -> F32:
    """The 1/4-size picture of the large blurs alone: right wherever no tile is sharp."""
    scale = 1 << COARSE
    padded = [-(-side // ALIGN_PX) * ALIGN_PX // scale for side in canvas]
    picture = np.zeros((padded[1], padded[0], 3), np.float32)
    for item in prepared:
        light = item.before.over(item.behind) if item.before else item.behind
        if light is not None:
            x, y = (o // scale for o in item.surface.offset_px)
            height, width = light.bgra.shape[:2]
            _lay_into(picture[y : y + height, x : x + width], light)
    return picture


def _busy_columns(prepared: list[_Prepared], top: int, count: int, width: int) -> npt.NDArray[np.bool_]:
    """Tile columns of these rows where any surface needs work at full or half size."""
    busy = np.zeros(-(-width // TILE_PX), bool)
    for item in prepared:
        x, y = item.surface.offset_px
        first, last = (top - y) // TILE_PX, (top + count - 1 - y) // TILE_PX
        for column in np.flatnonzero(item.sharp_tiles[max(first, 0) : max(last + 1, 0)].any(axis=0)):
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
        x0, x1 = max(left, x), min(left + width, x + full_w)
        y0, y1 = max(top, y), min(top + height, y + full_h)
        if x0 >= x1 or y0 >= y1:
            continue
        light = _block_light(item, (x0 - x, y0 - y, x1 - x0, y1 - y0))
        if light is not None:
            _lay_into(picture[y0 - top : y1 - top, x0 - left : x1 - left], light)
    return picture


def _block_light(item: _Prepared, box: tuple[int, int, int, int]) -> Light | None:
    """Light of one surface in a block (left, top, width, height) of its own pixels."""
    left, top, width, height = box
    light = _enlarge_light(item.behind, box)
    rows = slice(top // TILE_PX, -(-(top + height) // TILE_PX))
    if item.sharp_tiles[rows, left // TILE_PX : -(-(left + width) // TILE_PX)].any():
        sharp: Light | None = None
        for mip in range(COARSE):
            part = _scatter_block(item, mip, box)
            sharp = sharp if part is None else part.plus(sharp)
        light = light if sharp is None else sharp.over(light)
    before = _enlarge_light(item.before, box)
    return light if before is None else before.over(light)


def _scatter_block(item: _Prepared, mip: int, box: tuple[int, int, int, int]) -> Light | None:
    weights = [w for w in item.sharp if w[0].mip == mip]
    if not weights:
        return None
    left, top, width, height = box
    scale, apron = 1 << mip, APRON_PX >> mip
    limit_y, limit_x = (side >> mip for side in item.surface.shape)
    y0, y1 = max(top // scale - apron, 0), min(-(-(top + height) // scale) + apron, limit_y)
    x0, x1 = max(left // scale - apron, 0), min(-(-(left + width) // scale) + apron, limit_x)
    part = _scatter(item.surface.block(mip, y0, y1, x0, x1), weights, item.surface.flat)
    if part is None:
        return None
    if mip:
        part = _resize(part, ((x1 - x0) * scale, (y1 - y0) * scale))
    dy, dx = top - y0 * scale, left - x0 * scale
    cut = slice(dy, dy + height), slice(dx, dx + width)
    return Light(part.bgra[cut], None if part.whole is None else part.whole[cut])


def _enlarge_light(light: Light | None, box: tuple[int, int, int, int]) -> Light | None:
    if light is None:
        return None
    return Light(_enlarge(light.bgra, box), None if light.whole is None else _enlarge(light.whole, box))


def _enlarge(coarse: F32, box: tuple[int, int, int, int]) -> F32:
    """Block (left, top, width, height) at full size of an array at 1/4 size."""
    left, top, width, height = box
    scale = 1 << COARSE
    y0, y1 = max(top // scale - 2, 0), min(-(-(top + height) // scale) + 2, coarse.shape[0])
    x0, x1 = max(left // scale - 2, 0), min(-(-(left + width) // scale) + 2, coarse.shape[1])
    part = cv2.resize(coarse[y0:y1, x0:x1], None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    dy, dx = top - y0 * scale, left - x0 * scale
    return np.asarray(part[dy : dy + height, dx : dx + width], np.float32)


def _lay_into(picture: F32, light: Light) -> None:
    """Lay a surface over the picture (h, w, 3), in place."""
    bgra = light.bgra[: picture.shape[0], : picture.shape[1]]
    if light.whole is not None:
        whole = light.whole[: picture.shape[0], : picture.shape[1]]
        bgra = bgra / np.maximum(whole, np.float32(0.05))[..., None]
    picture *= 1 - np.minimum(bgra[..., 3:], 1)
    picture += bgra[..., :3]
