"""Slabs: runs of neighbouring frames, fused each on its own, for retouching a deep stack by hand."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from stacker.secondpass import SecondPass

OVERLAP = 2  # frames that neighbouring slabs have in common: no depth falls between two
LEAST = OVERLAP + 1


def slab_ranges(frames: int, size: int) -> list[tuple[int, int]]:
    """First and end of every slab of so many frames; the last one is as long as the others, if there are enough."""
    if frames <= size:
        return [(0, frames)]
    starts = list(range(0, frames - size, size - OVERLAP))
    return [(start, start + size) for start in [*starts, frames - size]]


def slab_path(out: Path, number: int) -> Path:
    """Where a slab of a result lies; numbers from 1."""
    return out.with_name(f"{out.stem}_slab{number:02d}{out.suffix}")


def slab_files(out: Path) -> list[Path]:
    """The slabs of a result that are there."""
    name = re.compile(re.escape(out.stem) + r"_slab\d\d+" + re.escape(out.suffix))
    try:
        return [path for path in out.parent.iterdir() if name.fullmatch(path.name)]
    except OSError:
        return []


def slab_of(whole: SecondPass, first: int, end: int) -> SecondPass:
    """The second pass over some of the frames. What is sharp in none of them is taken from the nearest one."""
    focus = whole.found.focus
    depth = np.clip(focus.depth, first, end - 1) - np.float32(first)
    found = replace(whole.found, fitting=whole.found.fitting[first:end], focus=replace(focus, depth=depth))
    return replace(whole, frames=whole.frames[first:end], found=found)
