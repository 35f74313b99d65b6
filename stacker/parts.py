"""Parts: what is fused in one run over the frames, where memory is too short for the whole picture at once.

The coarse levels reach far, so they are fused whole, in a run of their own. The finest levels, which take most of the
memory, follow in bands of rows, each with the frames anew. Nothing is computed differently for it: the picture is the
same to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from stacker.patches import PATCH_PX, Patch

# A part is put together up to this far from its lower end; the next one begins twice as far back. Rows in pixels;
# enough for what stacker.finish reaches beyond the rows it puts together.
OVERLAP_PX = 64


@dataclass(frozen=True)
class Part:
    """Rows top..bottom of the finest levels, in pixels of the canvas, and whether the coarse ones belong to it."""

    top: int
    bottom: int
    coarse: bool

    def holds(self, patch: Patch) -> bool:
        """Whether a patch of the finest levels is fused in this part."""
        return self.top <= patch.top < self.bottom

    @property
    def held(self) -> tuple[int, int]:
        """Rows that must be at hand to put this part together: its own, and the last ones of the part before."""
        return max(self.top - 2 * OVERLAP_PX, 0), self.bottom

    def ready(self, canvas: tuple[int, int]) -> tuple[int, int]:
        """Rows that can be put together when the part is fused."""
        top = max(self.top - OVERLAP_PX, 0)
        return top, self.bottom if self.bottom == canvas[0] else max(self.bottom - OVERLAP_PX, top)


def everything(canvas: tuple[int, int]) -> Part:
    """A canvas of (height, width) in one part."""
    return Part(0, canvas[0], coarse=True)


def parts_of(canvas: tuple[int, int], bands: int) -> list[Part]:
    """A canvas in so many bands of rows, or as many as there are rows of patches; the coarse levels first."""
    if bands <= 1:
        return [everything(canvas)]
    step = PATCH_PX[1]
    rows = -(-canvas[0] // step)
    bands = min(bands, rows)
    edges = [min(rows * band // bands * step, canvas[0]) for band in range(bands + 1)]
    return [
        Part(0, 0, coarse=True),
        *(Part(top, bottom, coarse=False) for top, bottom in pairwise(edges)),
    ]


def most_bands(canvas: tuple[int, int]) -> int:
    """Into how many bands a canvas can be divided."""
    return -(-canvas[0] // PATCH_PX[1])
