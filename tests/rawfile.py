"""A camera raw, as small as one can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile


def write_dng(
    path: Path, mosaic: np.ndarray, orientation: int = 1, preview: np.ndarray | None = None
) -> None:
    """A minimal DNG of 14 bits from an RGGB mosaic (h, w) uint16, and an RGB preview where one is given."""
    identity = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
    camera = [
        (274, "H", 1, orientation, True),
        (50706, "B", 4, bytes([1, 4, 0, 0]), True),  # DNG version
        (50708, "s", 0, "test camera", True),
        (50721, "2i", 9, identity, True),  # colour matrix
        (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),  # neutral
        (50778, "H", 1, 21, True),  # daylight
    ]
    sensor = [
        (33421, "H", 2, (2, 2), True),  # CFA repeats every 2×2
        (33422, "B", 4, bytes([0, 1, 1, 2]), True),  # red, green, green, blue
        (50717, "I", 1, 16383, True),  # white level
    ]
    with tifffile.TiffWriter(path) as file:
        if preview is None:
            file.write(mosaic, photometric=32803, extratags=camera + sensor, metadata=None)
            return
        file.write(preview, photometric="rgb", subfiletype=1, subifds=1, extratags=camera, metadata=None)
        file.write(mosaic, photometric=32803, subfiletype=0, extratags=sensor, metadata=None)
