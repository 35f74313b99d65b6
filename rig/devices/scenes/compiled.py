"""The compiled ways to lay one surface of a scene under others (lay.c) and to make a picture of light (develop.c).

They are there where the package was built with a compiler. Else all is done by OpenCV's calls, the reference that they
are tested against: in twice the time, and with the interpreter's lock taken between them.
"""

from __future__ import annotations

import ctypes
import os
import sysconfig
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rig.devices.scenes.light import DENSE, VEIL, Light, Weights
from rig.devices.scenes.surface import DECODE, F32, Mip

SWITCH = "FIELDSTACK_KERNEL"  # variable of the environment that leaves compiled parts out when it is "off"
LAYOUT = 3  # as in lay.c
WIDEST = 1024  # px of a block
WIDEST_FRAME = 8192  # px that develop takes
_of_thread = threading.local()


class _Copy(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("bgra", "depth", "discs", "radii")),
        *((name, ctypes.c_int32) for name in ("reach", "width", "height", "scale", "left", "top")),
    )


class _Large(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("bgra", "whole")),
        *((name, ctypes.c_int32) for name in ("width", "height", "left", "top")),
    )


class _Block(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("picture", "scratch", "decode")),
        ("row", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("width", "height", "flat")),
        *((name, ctypes.c_float) for name in ("veil", "dense", "hidden")),
        ("copies", _Copy * 2),
        ("behind", _Large),
        ("before", _Large),
    )


class _Strip(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("light", "falloff")),
        ("noise", ctypes.c_void_p * 3),
        ("tables", ctypes.c_void_p * 3),
        ("picture", ctypes.c_void_p),
        ("noise_row", ctypes.c_int64),
        *((name, ctypes.c_int32) for name in ("width", "height")),
        ("gains", ctypes.c_float * 3),
        *((name, ctypes.c_float) for name in ("floor", "ceiling")),
    )


def _load() -> ctypes.CDLL | None:
    if os.environ.get(SWITCH) == "off":
        return None
    name = f"_lay{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        library = ctypes.CDLL(str(Path(__file__).parent / name))
    except OSError:
        return None
    known = getattr(library, "fieldstack_scene_layout", None)
    return library if known is not None and known() == LAYOUT else None


LIBRARY = _load()


class Discs:
    """What the blurs drawn on one copy of a surface make of a pixel with each depth value, added up."""

    def __init__(self, weights: Weights, flat: bool) -> None:
        self.reach = max(blur.kernel.shape[0] // 2 for blur, _ in weights)
        side = 2 * self.reach + 1
        self.discs = np.zeros((256, side, side), np.float32)
        self.radii = np.full(256, -1, np.int8)
        for blur, lut in weights:
            radius = blur.kernel.shape[0] // 2
            part = slice(self.reach - radius, self.reach + radius + 1)
            share = np.ones(256, np.float32) if flat else lut[0]
            self.discs[:, part, part] += share[:, np.newaxis, np.newaxis] * blur.kernel
            self.radii[(share > 0) & (self.radii < radius)] = radius


def lay_under(
    picture: F32,
    flat: bool,
    copies: Sequence[tuple[Mip, Discs, int, tuple[int, int]]],
    behind: tuple[Light, tuple[int, int]] | None,
    before: tuple[Light, tuple[int, int]] | None,
    hidden: float,
) -> None:
    """Lay a surface under a block of a picture (h, w, 4), which may be a part of a larger one; LIBRARY must be there.

    copies: part of a copy, its pixels' discs, its scale, and row and column of full size where the block begins in it.
    behind, before: light at 1/4 size, and the same. hidden: coverage from which nothing is added to a pixel.
    """
    assert LIBRARY is not None
    assert picture.dtype == np.float32
    assert picture.shape[1] <= WIDEST
    block = _Block()
    held: list[object] = []  # what the library reads must live until it returns
    block.picture, block.row = _address(picture), picture.strides[0] // 4
    block.height, block.width = picture.shape[:2]
    block.flat, block.decode = flat, _address(DECODE)
    block.veil, block.dense, block.hidden = VEIL, DENSE, hidden
    block.scratch = _address(_scratch(8 * sum(mip.depth.size for mip, *_ in copies)))
    for one, (mip, discs, scale, at) in zip(block.copies, copies, strict=False):
        bgra, depth = np.ascontiguousarray(mip.bgra), np.ascontiguousarray(mip.depth)
        held += [bgra, depth]
        one.bgra, one.depth = _address(bgra), _address(depth)
        one.discs, one.radii, one.reach = _address(discs.discs), _address(discs.radii), discs.reach
        one.scale, (one.top, one.left) = scale, at
        one.height, one.width = depth.shape
    for side, large in ((block.behind, behind), (block.before, before)):
        if large is not None:
            light, (side.top, side.left) = large
            held += [light.bgra, light.whole]
            side.bgra = _address(light.bgra)
            side.whole = None if light.whole is None else _address(light.whole)
            side.height, side.width = light.bgra.shape[:2]
    LIBRARY.fieldstack_lay_surface(ctypes.byref(block))


def develop(
    light: F32,
    falloff: F32,
    gains: Sequence[float],
    bounds: tuple[float, float],
    noise: Sequence[npt.NDArray[np.int16]],
    tables: Sequence[npt.NDArray[np.uint8]],
) -> npt.NDArray[np.uint8]:
    """Light (h, w, 3) BGR to a picture (h, w, 3), see rig.devices.sensor_sim; LIBRARY must be there.

    gains: of each channel, from light that counts to raw signal. bounds: what is added to that, and where it clips.
    noise: (h, w) parts of tiles with equal rows. tables: (65536,) each.
    """
    assert LIBRARY is not None
    height, width = falloff.shape
    assert width <= WIDEST_FRAME
    light, falloff = np.ascontiguousarray(light), np.ascontiguousarray(falloff)
    picture = np.empty((height, width, 3), np.uint8)
    strip = _Strip()
    strip.light, strip.falloff, strip.picture = _address(light), _address(falloff), _address(picture)
    strip.height, strip.width, strip.noise_row = height, width, noise[0].strides[0] // 2
    strip.floor, strip.ceiling = bounds
    for channel in range(3):
        strip.noise[channel], strip.tables[channel] = _address(noise[channel]), _address(tables[channel])
        strip.gains[channel] = gains[channel]
    LIBRARY.fieldstack_develop(ctypes.byref(strip))
    return picture


def _address(array: npt.NDArray[Any]) -> int:
    return array.ctypes.data


def _scratch(floats: int) -> F32:
    """Memory of this thread, at least so many; what it holds is lost."""
    held: F32 | None = getattr(_of_thread, "scratch", None)
    if held is None or held.size < floats:
        held = _of_thread.scratch = np.empty(floats, np.float32)
    return held
