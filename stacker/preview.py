"""A small JPEG of the growing picture, replaced again and again, and what of it is sharp already."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.atomic import writing_atomically
from stacker.formats import jpeg
from stacker.formats.metadata import Metadata, result_metadata
from stacker.planes import Planes, from_bgr, to_bgr

_EVERY_S = 0.5  # while fusing; while following, every frame is worth a picture
_QUALITY = 85


@dataclass
class Preview:
    """Where the growing picture is shown. Whoever reads it finds it whole at any moment."""

    path: Path  # a JPEG
    depth_path: Path | None = None  # a grey PNG, see Stack.growing_depth
    width: int = 960  # px, at most
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=float("-inf"))

    def show(self, planes: Planes | None) -> bool:
        """Replace the file; None changes nothing. Returns whether it was written. Raises OutputError."""
        if planes is None:
            return False
        self._last = self.clock()
        picture = to_bgr(planes)
        height, width = picture.shape[:2]
        if width > self.width:
            size = self.width, max(1, round(height * self.width / width))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        with writing_atomically(self.path, lasting=False) as file:
            jpeg.write(file, from_bgr(picture, 1), _QUALITY, result_metadata(Metadata(), picture.shape[:2]))
        return True

    def show_depth(self, depth: NDArray[np.uint8] | None) -> None:
        """Replace the other file; to be done before the picture, for which viewers wait. Raises OutputError."""
        if depth is not None and self.depth_path is not None:
            with writing_atomically(self.depth_path, lasting=False) as file:
                file.write(cv2.imencode(".png", depth)[1].tobytes())

    def show_now_and_then(self, planes: Planes) -> bool:
        """The same, but not more often than it can be looked at."""
        return self.clock() - self._last >= _EVERY_S and self.show(planes)
