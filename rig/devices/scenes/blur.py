"""Which blurs are drawn at which size, and the disc each of them is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rig.devices.scenes.surface import F32, MIPS

Steps = tuple[tuple[float, int], ...]

# Blur diameters in px of the full canvas, with the copy they are drawn on. A pixel between two
# diameters is shared between them, so the steps may be coarse where the eye cannot follow.
STEPS_PX: Steps = (
    (0.0, 0),
    (1.6, 0),
    (3.0, 0),
    (4.6, 0),
    (6.5, 1),
    (9.0, 1),
    (12.5, 2),
    (18.0, 2),
    (25.0, 3),
    (36.0, 3),
    (50.0, 4),
    (72.0, 4),
    (100.0, 5),
    (144.0, 5),
    (200.0, 5),
    (288.0, 5),
    (400.0, 5),
    (576.0, 5),
    (800.0, 5),
)

# For previews, where twice the pictures are worth more than round discs.
QUICK_STEPS_PX: Steps = (
    (0.0, 0),
    (2.0, 0),
    (4.6, 1),
    (9.2, 2),
    (18.5, 3),
    (37.0, 4),
    (74.0, 5),
    (150.0, 5),
    (300.0, 5),
)


@dataclass(frozen=True)
class Blur:
    """One disc, drawn on one copy of a surface."""

    diameter_px: float  # on the full canvas
    mip: int
    kernel: F32  # on that copy, sums to 1


def blur_weights(
    diameters_px: npt.NDArray[np.float64], first_mip: int = 0, steps: Steps = STEPS_PX
) -> list[tuple[Blur, F32]]:
    """How much of each depth value is drawn with each blur.

    diameters_px: (256,) blur of every depth value. Returns (blur, (1, 256) weights) for blurs in use;
    over the blurs the weights of a depth value sum to 1 and their mean diameter is the one asked for.
    """
    wanted = np.clip(np.abs(diameters_px), 0, steps[-1][0])
    if np.ptp(wanted) == 0:  # one depth: no need to approximate
        return [(exact_blur(float(wanted[0]), first_mip), np.ones((1, 256), np.float32))]
    grid = [d for d, _ in steps]
    found = []
    for index, (diameter, table_mip) in enumerate(steps):
        mip = max(table_mip, first_mip)
        unit = np.zeros(len(grid))
        unit[index] = 1
        weights = np.interp(wanted, grid, unit).astype(np.float32)
        if weights.any():
            found.append((Blur(diameter, mip, disc(diameter, mip)), weights.reshape(1, 256)))
    return found


def exact_blur(diameter_px: float, first_mip: int = 0) -> Blur:
    """The blur of exactly this diameter, on the copy its neighbours in the table use."""
    mip = max([first_mip, *(m for d, m in STEPS_PX if d <= diameter_px)])
    return Blur(diameter_px, mip, disc(diameter_px, mip))


@lru_cache(maxsize=64)
def disc(diameter_px: float, mip: int) -> F32:
    """Anti-aliased disc on the copy at 1/2^mip, made smaller by what shrinking and enlarging blur anyway.

    A disc has variance d²/16 an axis; area reduction by s adds s²/12, linear enlargement s²/6.
    """
    if not 0 <= mip < MIPS:
        raise ValueError(f"mip {mip} is outside 0..{MIPS - 1}")
    scale = 1 << mip
    lost = 4.0 * scale * scale if mip else 0.0
    diameter = float(np.sqrt(max(diameter_px**2 - lost, 0.0))) / scale
    radius = max(int(np.ceil(diameter / 2 - 0.5)), 0)  # a pixel's own half reaches as far
    over = 16  # subpixels a side
    axis = (np.arange((2 * radius + 1) * over) + 0.5) / over - radius - 0.5
    inside = (axis[:, None] ** 2 + axis[None] ** 2) <= max(diameter / 2, 1e-6) ** 2
    cover = inside.reshape(2 * radius + 1, over, 2 * radius + 1, over).mean(axis=(1, 3))
    if cover.sum() == 0:
        cover[radius, radius] = 1
    return np.asarray(cover / cover.sum(), np.float32)
