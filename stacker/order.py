"""The order of frames: as given, by name the way people count, or by the time of exposure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from stacker.errors import InputError
from stacker.imagefile import read_metadata

Order = Literal["given", "name", "time", "focus"]


def natural_key(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Sort key by which "frame2" comes before "frame10", without regard to case."""
    parts = re.split(r"(\d+)", name.casefold())
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts if part), name


def sort_paths(paths: Sequence[Path], order: Order) -> list[Path]:
    """The frames in this order; with "time", frames of the same moment stay in the order of their names.

    Raises InputError when a frame does not say when it was taken.
    """
    if order in ("given", "focus"):  # by focus: once they were looked at, see stacker.looking
        return list(paths)
    by_name = sorted(paths, key=lambda path: natural_key(path.name))
    return by_name if order == "name" else sorted(by_name, key=_taken)


def _taken(path: Path) -> str:
    moment = read_metadata(path).taken
    if moment is None:
        raise InputError(f"{path.name} does not say when it was taken; order the frames by name")
    return moment
