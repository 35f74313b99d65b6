"""A JPEG of a frame that is none (TIFF, PNG, camera raw): `python -m rig.frameview FRAME JPEG`."""

from __future__ import annotations

import sys
from pathlib import Path

from rig.aside import do_aside, run_aside

QUALITY = 88


def make_shown(frame: Path, shown: Path) -> None:
    """Make the JPEG. Raises StoreError when the frame cannot be shown."""
    do_aside("rig.frameview", frame, shown)


def main() -> int:
    """Returns the exit code."""
    from stacker.errors import StackerError
    from stacker.imagefile import read_planes, write_planes

    def make(frame: Path, shown: Path) -> None:
        shown.parent.mkdir(exist_ok=True)
        if not shown.is_file():
            write_planes(shown, read_planes(frame), quality=QUALITY)

    return run_aside(make, StackerError, OSError)


if __name__ == "__main__":
    sys.exit(main())
