"""What comes out of a stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.patches import Patch, whole
from stacker.planes import Planes
from stacker.report import Report


@dataclass(frozen=True)
class FuseResult:
    """What came out of a stack.

    depth: index of the sharpest frame, with fractions, as the focus map has it (that of each pixel:
    stacker.pixeldepth), and confidence: 0..1; both (h, w) float32 on cells of 2**cell_level pixels of the reference
    frame. At the size of the picture they would be larger than it.
    """

    planes: Planes  # the fused picture, cropped to report.area
    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    cell_level: int
    report: Report
    threads: int = 1  # may work on it at a time, as memory allows

    def enlarge(self, cells: NDArray[Any], between: bool = True, where: Patch | None = None) -> NDArray[Any]:
        """A map of cells at the size of the picture, (h, w) of the same dtype; between: interpolated.

        where: a part of the picture; None for all of it.
        """
        where = where or whole(self.planes.shape)
        x, y = self.report.area[0] + where.left, self.report.area[1] + where.top
        step = 1 << self.cell_level
        # A cell's middle lies half a cell from its corner.
        to_cells = np.array([[1 / step, 0, (x + 0.5) / step - 0.5], [0, 1 / step, (y + 0.5) / step - 0.5]])
        flags = cv2.WARP_INVERSE_MAP | (cv2.INTER_LINEAR if between else cv2.INTER_NEAREST)
        return np.asarray(
            cv2.warpAffine(cells, to_cells, where.size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )
