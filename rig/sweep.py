"""A sweep: visit focus positions, and measure on a live picture at each how sharp its parts are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from rig.box import Box, part_of
from rig.config import Settings
from rig.devices.camera import Camera, Image, Preview
from rig.devices.clock import Clock
from rig.focuser import Focuser, never
from rig.freshpreview import fresh_preview
from rig.lens import focus_step_um
from rig.sharpness import luma_of, noise_level, sharpness, tile_sharpness

Progress = Callable[[int, int, str], None]
Figures = npt.NDArray[np.float64]

TILE_PX = 8  # side of a tile of the sweep: small, for a tile should hold one depth, and a hair fill it
MOST_TILES = (60, 80)  # rows, columns; more would only cost time
SWEEP_POSITIONS = 48  # at most: half a minute at the usual speeds
SWEEP_SETTLE_S = 0.2  # the coarse of the vibration; a sweep compares, it is not kept
STEPS_A_SAMPLE = 2.0  # focus steps between samples: previews are small, so their focus peak is wide
LEAST_SHARE = 0.01  # of the sharpest tile: less is noise
LEAST_SHARPNESS = 1e-5  # squared gradient against squared brightness; a blank wall has less
LEAST_OVER_NOISE = 3.0  # times the noise taken off a tile: less may be what was left of it (7 deviations)
LEAST_OVER_NOISE_SPOT = 0.5  # the same of a touched spot, which averages over far more
BASE_SHARE = 0.3  # of that: curves are cut off there
NEIGHBOUR_SHARE = 0.2  # of the sharpest tile around: less may be its blur, spilt over a blank tile
NEIGHBOURS = 9  # tiles across that blur spills over
LEAST_PART_PX = 16  # a side of what is looked at
SPOT = 0.12  # side of a touched spot, as a share of the picture's width


@dataclass(frozen=True)
class Reading:
    """What one picture shows."""

    tiles: Figures  # (rows, columns) sharpness, not less than what noise leaves
    floor: float  # what noise alone could make of a tile
    width_px: int  # of the whole picture


Measure = Callable[[Image], Reading]


@dataclass(frozen=True)
class Sweep:
    """Sharpness of each tile at each position; ended early when cancelled."""

    positions_steps: tuple[int, ...]
    tiles: Figures  # (positions, rows, columns)
    floor: float  # what noise alone could make of a tile
    width_px: int  # of the pictures

    @property
    def widest_gap(self) -> int:
        """Between neighbouring positions."""
        return max((b - a for a, b in pairwise(self.positions_steps)), default=0)

    def floors(self) -> Figures:
        """What counts as no sharpness in each tile: (rows, columns)."""
        tops = self.tiles.max(axis=0)
        overall = max(LEAST_SHARE * float(np.quantile(tops, 0.98)), LEAST_SHARPNESS, self.floor)
        around = cv2.dilate(tops, np.ones((NEIGHBOURS, NEIGHBOURS), np.uint8)).astype(np.float64)
        return np.maximum(NEIGHBOUR_SHARE * around, overall)


def sweep(
    camera: Camera,
    focuser: Focuser,
    positions: Sequence[int],
    measure: Measure,
    clock: Clock,
    progress: Progress = lambda done, total, what: None,
    cancelled: Callable[[], bool] = never,
    fresh: bool = True,
    move: Callable[[int, Callable[[], bool]], int] | None = None,
) -> Sweep:
    """Visit the positions and measure a preview exposed at each, while the drive settles at the next one.

    fresh: take up the whole backlash first. move: how to go to a position, when not by focuser.goto.
    """
    seen: list[Reading] = []
    last: Preview | None = None
    for index, position in enumerate(positions):
        progress(index, len(positions), "focusing")
        if move is not None:
            move(position, cancelled)
        else:
            focuser.goto(position, cancelled, fresh=fresh and index == 0)
        if cancelled() or focuser.stopped:
            break
        arrived_ns = clock.monotonic_ns()
        if last is not None:
            seen.append(measure(last.image))
        clock.sleep(SWEEP_SETTLE_S - (clock.monotonic_ns() - arrived_ns) / 1e9)
        last = fresh_preview(camera)
    if last is not None:
        seen.append(measure(last.image))
    tiles = np.stack([one.tiles for one in seen]) if seen else np.zeros((0, 1, 1))
    floor = max((one.floor for one in seen), default=0.0)
    return Sweep(tuple(positions[: len(seen)]), tiles, floor, seen[0].width_px if seen else 0)


def sweep_positions(low: int, high: int, step_steps: float) -> tuple[int, ...]:
    """Evenly from low to high, no denser than needed to find every peak, and no more than SWEEP_POSITIONS."""
    wanted = math.ceil((high - low) / (STEPS_A_SAMPLE * step_steps)) + 1
    count = min(max(wanted, 7), SWEEP_POSITIONS, high - low + 1)
    return tuple(sorted({round(position) for position in np.linspace(low, high, count)}))


def spread(focuser: Focuser, middle: float, reach: float, count: int) -> tuple[int, ...]:
    """Positions within reach of the middle, ascending, inside the soft limits and without doubles."""
    wanted = np.linspace(middle - reach, middle + reach, count)
    return tuple(sorted({focuser.clamped(round(float(position))) for position in wanted}))


def focus_step_steps(settings: Settings) -> float:
    """The focus step of the optics in motor steps, at least one."""
    return max(1.0, focus_step_um(settings.optics) * settings.motor.steps_per_um)


def ends(focuser: Focuser) -> tuple[int, int]:
    """The soft limits of the travel."""
    return focuser.settings.min_steps, focuser.settings.max_steps


def measure_tiles(box: Box | None) -> Measure:
    """Sharpness of the tiles of a picture, or of the part of it in the box."""

    def measure(image: Image) -> Reading:
        luma = luma_of(image if box is None else part_of(image, box, LEAST_PART_PX))
        return _reading(tile_sharpness(luma, _grid(luma)), luma, LEAST_OVER_NOISE, image.shape[1])

    return measure


def measure_spot(x: float, y: float) -> Measure:
    """Sharpness of the spot at x, y (fractions of the picture), as a single tile."""

    def measure(image: Image) -> Reading:
        height, width = image.shape[:2]
        side, tall = SPOT, SPOT * width / height
        luma = luma_of(part_of(image, (x - side / 2, y - tall / 2, side, tall), LEAST_PART_PX))
        return _reading(np.array([[sharpness(luma)]]), luma, LEAST_OVER_NOISE_SPOT, width)

    return measure


def _reading(
    figures: npt.NDArray[np.floating], luma: npt.NDArray[np.uint8], over_noise: float, width_px: int
) -> Reading:
    floor = over_noise * noise_level(luma)
    # Cut off below that, for there a curve would be ragged, and every rag a narrow peak.
    return Reading(np.maximum(figures, BASE_SHARE * floor).astype(np.float64), floor, width_px)


def _grid(luma: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Rows and columns of the sweep's tiles in a picture or a part of one."""
    rows, columns = (
        min(max(side // TILE_PX, 1), most) for side, most in zip(luma.shape, MOST_TILES, strict=True)
    )
    return rows, columns
