"""One surface of a scene: colour, coverage and depth, with ever smaller copies for ever larger blurs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]

MIPS = 6  # full size down to 1/32
ALIGN_PX = 1 << (MIPS - 1)
TILE_PX = 64
REACH_PX = 16  # farther than any blur drawn at full or half size spreads
SPARSE_MIPS = 2  # these copies keep only tiles with something on them; smaller ones are small anyway
FULL = 0.9  # share of tiles with something on them from which leaving out the others saves nothing

# Colours and coverage are stored as the square root of linear light, premultiplied: 8 bits then
# suffice without banding.
DECODE = ((np.arange(256, dtype=np.float32) / 255) ** 2).reshape(1, 256)


def decode(bgra: U8) -> F32:
    """Stored (h, w, 4) uint8 to premultiplied linear light float32 in 0..1."""
    return np.asarray(cv2.LUT(bgra, DECODE), np.float32)


def encode(linear: F32) -> U8:
    """Premultiplied linear light to the stored form."""
    return np.asarray(cv2.convertScaleAbs(cv2.sqrt(np.maximum(linear, 0)), alpha=255), np.uint8)


@dataclass(frozen=True)
class Mip:
    """A copy of a surface at 1/2^level."""

    bgra: U8  # (h, w, 4) square root of premultiplied linear light
    depth: U8  # (h, w) 0 = z_near_um, 255 = z_far_um

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.bgra.nbytes + self.depth.nbytes

    def read(self, top: int, bottom: int, left: int, right: int) -> Mip:
        """Rows top..bottom and columns left..right."""
        return Mip(self.bgra[top:bottom, left:right], self.depth[top:bottom, left:right])


class SparseMip:
    """The same, cut into tiles of which only those near something are kept."""

    def __init__(self, mip: Mip, tile: int, kept: npt.NDArray[np.bool_]) -> None:
        self._tile = tile
        self._index = {(int(r), int(c)): i for i, (r, c) in enumerate(np.argwhere(kept))}
        # one array each, for thousands of small ones would never go back to the system
        self._bgra = np.zeros((len(self._index), tile, tile, 4), np.uint8)
        self._depth = np.full((len(self._index), tile, tile), 255, np.uint8)
        for (r, c), i in self._index.items():
            part = slice(r * tile, (r + 1) * tile), slice(c * tile, (c + 1) * tile)
            height, width = mip.depth[part].shape
            self._bgra[i, :height, :width] = mip.bgra[part]
            self._depth[i, :height, :width] = mip.depth[part]

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self._bgra.nbytes + self._depth.nbytes

    def read(self, top: int, bottom: int, left: int, right: int) -> Mip:
        """Rows top..bottom and columns left..right; nothing, far away, where no tile is kept."""
        bgra = np.zeros((bottom - top, right - left, 4), np.uint8)
        depth = np.full((bottom - top, right - left), 255, np.uint8)
        tile = self._tile
        for r in range(top // tile, -(-bottom // tile)):
            for c in range(left // tile, -(-right // tile)):
                found = self._index.get((r, c))
                if found is None:
                    continue
                y0, x0 = max(top, r * tile), max(left, c * tile)
                y1, x1 = min(bottom, (r + 1) * tile), min(right, (c + 1) * tile)
                inside = found, slice(y0 - r * tile, y1 - r * tile), slice(x0 - c * tile, x1 - c * tile)
                here = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
                bgra[here], depth[here] = self._bgra[inside], self._depth[inside]
        return Mip(bgra, depth)


class Surface:
    """What hides what lies behind it.

    bgra: (h, w, 4) uint8 as `encode` makes it; depth: (h, w) uint8 between z_near_um and z_far_um;
    offset_px: where its top left corner lies on the canvas, a multiple of ALIGN_PX; first_mip: 3 says the
    arrays are a copy at 1/8, all there ever is of what is never anywhere near focus.
    """

    def __init__(
        self,
        name: str,
        bgra: U8,
        depth: U8,
        z_near_um: float,
        z_far_um: float,
        *,
        offset_px: tuple[int, int] = (0, 0),
        first_mip: int = 0,
    ) -> None:
        if bgra.shape[:2] != depth.shape:
            raise ValueError(
                f"surface {name}: colour {bgra.shape[:2]} and depth {depth.shape} differ in size"
            )
        self.name = name
        self.z_near_um, self.z_far_um = z_near_um, z_far_um
        self.offset_px = offset_px
        self.first_mip = first_mip
        mips = list(build_mips(bgra, depth, first_mip))
        self.shape = (
            mips[0].depth.shape[0] << first_mip,
            mips[0].depth.shape[1] << first_mip,
        )  # at full size
        covered = (mips[0].bgra[..., 3] > 0).astype(np.uint8)
        self.depth_values = cv2.calcHist([mips[0].depth], [0], covered, [256], [0, 256]).ravel() > 0
        self.tile_depths = _tile_depths(mips[0], first_mip)
        kept = self.tile_depths[0] <= self.tile_depths[1]
        fine = max(SPARSE_MIPS - first_mip, 0)
        self._fine: list[SparseMip | Mip] = []
        for level in range(first_mip, first_mip + fine):
            mip = mips.pop(0)  # one at a time: the largest is let go first
            self._fine.append(mip if kept.mean() > FULL else SparseMip(mip, TILE_PX >> level, kept))
        self._dense = tuple(mips)

    @property
    def flat(self) -> bool:
        """True when all of it lies at one depth."""
        return self.z_near_um == self.z_far_um

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return sum(m.nbytes for m in self._fine) + sum(m.nbytes for m in self._dense)

    def z_um(self) -> npt.NDArray[np.float64]:
        """Depth of each of the 256 depth values."""
        return np.linspace(self.z_near_um, self.z_far_um, 256)

    def mip(self, level: int) -> Mip:
        """The whole copy at 1/2^level, level >= SPARSE_MIPS."""
        return self._dense[level - max(self.first_mip, SPARSE_MIPS)]

    def block(self, level: int, top: int, bottom: int, left: int, right: int) -> Mip:
        """A part of the copy at 1/2^level, level < SPARSE_MIPS."""
        return self._fine[level - self.first_mip].read(top, bottom, left, right)


def _tile_depths(mip: Mip, level: int) -> tuple[U8, U8]:
    """Smallest and largest depth value in and around each tile; (255, 0) where the tile is empty."""
    covered = mip.bgra[..., 3] > 0
    cell = max(REACH_PX >> level, 1)  # first per cell as large as blurs reach, then with its neighbours
    low = _per_square(np.minimum, np.where(covered, mip.depth, 255).astype(np.uint8), cell)
    high = _per_square(np.maximum, np.where(covered, mip.depth, 0).astype(np.uint8), cell)
    around = np.ones((3, 3), np.uint8)
    low, high = np.asarray(cv2.erode(low, around), np.uint8), np.asarray(cv2.dilate(high, around), np.uint8)
    cells = (TILE_PX >> level) // cell
    return _per_square(np.minimum, low, cells), _per_square(np.maximum, high, cells)


def _per_square(function: np.ufunc, values: U8, side: int) -> U8:
    rows, columns = np.arange(0, values.shape[0], side), np.arange(0, values.shape[1], side)
    reduced = function.reduceat(function.reduceat(values, rows, axis=0), columns, axis=1)
    return np.asarray(reduced, np.uint8)


def build_mips(bgra: U8, depth: U8, first: int = 0) -> tuple[Mip, ...]:
    """The surface as given (padded to whole pixels of the smallest copy) and halved again and again.

    Where nothing is, the depth is that of the nearest something, so that blur spreads evenly past edges.
    """
    align = ALIGN_PX >> first
    pad_y, pad_x = -bgra.shape[0] % align, -bgra.shape[1] % align
    if pad_y or pad_x:
        bgra = np.asarray(cv2.copyMakeBorder(bgra, 0, pad_y, 0, pad_x, cv2.BORDER_REPLICATE), np.uint8)
        depth = np.asarray(cv2.copyMakeBorder(depth, 0, pad_y, 0, pad_x, cv2.BORDER_REPLICATE), np.uint8)
    mips = [Mip(np.ascontiguousarray(bgra), np.ascontiguousarray(depth))]
    while len(mips) < MIPS - first:
        mips.append(_halve(mips[-1]))
    for fine, coarse in zip(mips[-2::-1], mips[:0:-1], strict=True):
        size = (fine.depth.shape[1], fine.depth.shape[0])
        guess = cv2.resize(coarse.depth, size, interpolation=cv2.INTER_NEAREST)
        np.copyto(fine.depth, guess, where=fine.bgra[..., 3] == 0)
    return tuple(mips)


def _halve(mip: Mip) -> Mip:
    height, width = mip.depth.shape[0] // 2, mip.depth.shape[1] // 2
    bgra, depth = np.empty((height, width, 4), np.uint8), np.empty((height, width), np.uint8)
    rows = 128  # strips keep the float copies small
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        linear = decode(mip.bgra[2 * top : 2 * bottom])
        size = (width, bottom - top)
        small = cv2.resize(linear, size, interpolation=cv2.INTER_AREA)
        weight = linear[..., 3] + np.float32(1e-4)  # where nothing is, the plain mean
        deep = cv2.resize(mip.depth[2 * top : 2 * bottom] * weight, size, interpolation=cv2.INTER_AREA)
        share = cv2.resize(weight, size, interpolation=cv2.INTER_AREA)
        bgra[top:bottom] = encode(np.asarray(small, np.float32))
        depth[top:bottom] = np.clip(deep / share + 0.5, 0, 255)
    return Mip(bgra, depth)
