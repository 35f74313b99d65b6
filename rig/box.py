"""Pure: a part of the picture that is looked at instead of all of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rig.errors import NotAllowedError
from rig.saying import say

Box = tuple[float, float, float, float]  # x, y (of the upper left corner), width, height; of the picture's

LEAST_SIDE = 0.02  # of the picture; a smaller part holds hardly a tile of the live picture
ROUNDING = 1e-9  # 0.9 + 0.1 may be a little more than 1


def checked_box(figures: Sequence[object]) -> Box:
    """The box of these four figures. Raises NotAllowedError where they make none inside the picture."""
    numbers = [float(one) for one in figures if isinstance(one, (int, float)) and not isinstance(one, bool)]
    if len(numbers) == len(figures) == 4 and _is_inside(*numbers):
        x, y, width, height = numbers
        return x, y, width, height
    shown = ", ".join(str(one)[:20] for one in figures[:5])
    raise NotAllowedError(
        say(
            "focus.box_outside",
            "the box {box} is not in the picture: it takes x, y, width and height as fractions "
            "of the picture, x + width and y + height at most 1, width and height at least "
            "{least}",
            box=shown,
            least=LEAST_SIDE,
        )
    )


def part_of(picture: npt.NDArray[np.uint8], box: Box, least_px: int) -> npt.NDArray[np.uint8]:
    """The part of a picture (h, w) that is in the box, at least so many pixels a side where there are."""
    (x, y, wide, tall), (height, width) = box, picture.shape[:2]
    left, columns = _span(x, wide, width, least_px)
    top, rows = _span(y, tall, height, least_px)
    return picture[top : top + rows, left : left + columns]


def _span(start: float, side: float, length: int, least: int) -> tuple[int, int]:
    """First pixel and number of pixels, moved inside where it sticks out."""
    count = min(max(round(side * length), least), length)
    return min(max(round(start * length), 0), length - count), count


def _is_inside(x: float, y: float, width: float, height: float) -> bool:
    return all(
        start >= 0 and side >= LEAST_SIDE and start + side <= 1 + ROUNDING
        for start, side in ((x, width), (y, height))
    )
