"""A large result cut into tiles, for phones cannot show one whole at 100 %: `python -m rig.tiles JPEG FOLDER`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from rig.aside import do_aside, run_aside
from rig.durable import PART
from rig.pictures import encode_jpeg

TILE_PX = 1024
QUALITY = 90


def tile_path(folder: Path, column: int, row: int) -> Path:
    """Where a tile lies; there or not."""
    return folder / f"{column}-{row}.jpg"


def make_tiles(picture: Path, folder: Path) -> None:
    """Cut the picture. Raises StoreError when it cannot be."""
    do_aside("rig.tiles", picture, folder)


def main() -> int:
    """Returns the exit code."""
    from stacker.errors import StackerError
    from stacker.imagefile import read_planes
    from stacker.planes import bgr_strips

    def make(picture: Path, folder: Path) -> None:
        if folder.is_dir():
            return
        part = folder.with_name(folder.name + PART)
        shutil.rmtree(part, ignore_errors=True)
        try:
            part.mkdir()
            for row, (_, strip) in enumerate(bgr_strips(read_planes(picture), TILE_PX, 8)):
                for column, left in enumerate(range(0, strip.shape[1], TILE_PX)):
                    tile = strip[:, left : left + TILE_PX]
                    tile_path(part, column, row).write_bytes(encode_jpeg(tile, QUALITY))
            part.rename(folder)
        except (StackerError, OSError):
            shutil.rmtree(part, ignore_errors=True)
            raise

    return run_aside(make, StackerError, OSError)


if __name__ == "__main__":
    sys.exit(main())
