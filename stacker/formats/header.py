"""What a picture file says about itself before any pixel is decoded; turning pixels upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Header:
    """Facts from the first bytes of a picture file."""

    height: int  # pixels, as stored
    width: int
    bit_depth: int  # 8 or 16: the depth its planes will have
    chroma_shift: int  # 1 where colour is stored at half size or absent, or is reduced to it on reading
    orientation: int = 1  # EXIF 1..8: what was the top when the camera was held

    @property
    def shape(self) -> tuple[int, int]:
        """(h, w) of the upright picture."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)


# After the exchange of rows and columns of 5..8, what is left to flip: OpenCV's 0 = rows, 1 = columns, -1 =
# both.
_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}


def turn_upright(plane: Array, orientation: int) -> Array:
    """A plane or picture as stored -> as it should be seen, contiguous. EXIF 2.3, tag 0x0112.

    (h, w) or (h, w, c); orientations 5..8 exchange height and width; an orientation outside 1..8 counts as 1.
    """
    if 5 <= orientation <= 8:
        plane = cv2.transpose(plane)
    flip = _FLIPS.get(orientation)
    return np.ascontiguousarray(plane if flip is None else cv2.flip(plane, flip))


def flips_an_odd_edge(header: Header, cell: int) -> bool:
    """Whether turning the picture upright moves an incomplete row or column of cells to the front.

    Reduced copies are made of cells of cell×cell pixels, counted from the stored top left corner. When that
    corner is flipped away and the size is no multiple of the cell, the cells would no longer start at the
    upright corner.
    """
    flip = _FLIPS.get(header.orientation)
    height, width = header.shape
    return (flip in (0, -1) and height % cell != 0) or (flip in (1, -1) and width % cell != 0)
