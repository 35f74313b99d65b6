"""A copy of another camera's JPEG that fits a screen: `python -m rig.screencopy JPEG COPY`."""

from __future__ import annotations

import sys
from pathlib import Path

from rig.aside import do_aside, run_aside
from rig.durable import write_derived
from rig.errors import StoreError
from rig.pictures import SCREEN_PX, SCREEN_QUALITY, small_jpeg


def make_screen_copy(picture: Path, copy: Path) -> None:
    """Make the copy. Raises StoreError when the picture cannot be shown."""
    do_aside("rig.screencopy", picture, copy)


def main() -> int:
    """Returns the exit code."""

    def make(picture: Path, copy: Path) -> None:
        write_derived(copy, small_jpeg(picture, SCREEN_PX, SCREEN_QUALITY))

    return run_aside(make, StoreError)


if __name__ == "__main__":
    sys.exit(main())
