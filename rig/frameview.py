"""A JPEG of a frame that is none (TIFF, PNG, camera raw): `python -m rig.frameview FRAME JPEG`."""

from __future__ import annotations

import sys
from pathlib import Path

from rig.aside import do_aside, stand_back

QUALITY = 88


def make_shown(frame: Path, shown: Path) -> None:
    """Make the JPEG. Raises StoreError when the frame cannot be shown."""
    do_aside("rig.frameview", frame, shown)


def main() -> int:
    """Returns the exit code."""
    from stacker.errors import StackerError
    from stacker.imagefile import read_planes, write_planes

    stand_back()
    frame, shown = map(Path, sys.argv[1:])
    try:
        shown.parent.mkdir(exist_ok=True)
        if not shown.is_file():
            write_planes(shown, read_planes(frame), quality=QUALITY)
    except (StackerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
