"""Near and far by one sweep over the travel, and focus on a touched spot; both on previews alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from rig.config import Settings
from rig.devices.camera import Camera, Image
from rig.devices.clock import Clock
from rig.errors import FocusNotFoundError
from rig.focuscurve import peaks, refined
from rig.focuser import Focuser, never
from rig.freshpreview import preview_from
from rig.lens import focus_step_um
from rig.sharpness import noise_level, sharpness, tile_sharpness

Progress = Callable[[int, int, str], None]
Figures = npt.NDArray[np.float64]
Measure = Callable[[Image], Figures]

TILE_PX = 16  # side of a tile of the sweep: small, for a tile should hold one depth
MOST_TILES = (30, 40)  # rows, columns: as of a preview of 640 px
SWEEP_POSITIONS = 48  # at most: half a minute at the usual speeds
MOST_SWEEPS = 3  # each over what the one before found
COARSE = 1.5  # times STEPS_A_SAMPLE: samples further apart may miss a peak between them
SWEEP_SETTLE_S = 0.2  # the coarse of the vibration; a sweep compares, it is not kept
STEPS_A_SAMPLE = 2.0  # focus steps between samples: previews are small, so their focus peak is wide
KEPT_SHARE = 0.98  # of the textured tiles inside the range found
LEAST_SHARE = 0.01  # of the sharpest tile: less is noise
NEIGHBOUR_SHARE = 0.2  # of the sharpest tile around: less may be its blur, spilt over a blank tile
NEIGHBOURS = 5  # tiles each way that blur spills over
NARROW_STEPS = 10.0  # focus steps within which a focus peak falls clearly, even as previews show it
MARGIN_STEPS = 1.0  # focus steps added at each end: a tile's peak is the middle of the depths in it
LEAST_SHARPNESS = 1e-5  # squared gradient against squared brightness; a blank wall has less
LEAST_OVER_NOISE = 0.5  # of the noise that was taken off a touched spot: less may be what was left of it
LEAST_OVER_NOISE_TILE = 1.5  # the same of a tile of the sweep: more is left where it averages over less
SPOT = 0.12  # side of a touched spot, as a share of the picture's width


@dataclass(frozen=True)
class FocusRange:
    """Near and far limit that hold the subject."""

    near_steps: int
    far_steps: int
    tiles: int  # with detail in them
    why: str


@dataclass(frozen=True)
class Sweep:
    """Sharpness of each tile at each position; ended early when cancelled."""

    positions_steps: tuple[int, ...]
    tiles: npt.NDArray[np.float64]  # (positions, rows, columns)


def find_range(
    camera: Camera,
    focuser: Focuser,
    settings: Settings,
    *,
    clock: Clock,
    progress: Progress = lambda done, total, what: None,
    cancelled: Callable[[], bool] = never,
    box: tuple[float, float, float, float] | None = None,
) -> FocusRange | None:
    """Sweep the travel, find every tile's focus and take in 98 % of them; None when cancelled.

    A travel too long for SWEEP_POSITIONS samples is swept again, only where the first sweep saw something.
    box: x, y, w, h of the subject as fractions of the picture. The focus is left at the near limit found.
    Raises FocusNotFoundError when nothing in the picture comes into focus.
    """
    low, high = _ends(focuser)
    step = focus_step_steps(settings)
    for _ in range(MOST_SWEEPS):
        positions = sweep_positions(low, high, step)
        seen = sweep(camera, focuser, positions, measure_tiles(box), clock, progress, cancelled)
        if len(seen.positions_steps) < len(positions):
            return None
        found = range_of(seen, step, focuser)
        gap = _widest_gap(positions)
        low, high = (focuser.clamped(end) for end in (found.near_steps - gap, found.far_steps + gap))
        if gap <= COARSE * STEPS_A_SAMPLE * step:
            break
    focuser.goto(found.near_steps, cancelled)
    return found


def focus_on(
    camera: Camera,
    focuser: Focuser,
    settings: Settings,
    x: float,
    y: float,
    *,
    clock: Clock,
    progress: Progress = lambda done, total, what: None,
    cancelled: Callable[[], bool] = never,
) -> int | None:
    """Bring the spot at x, y (fractions of the picture) into focus; the position, or None when cancelled.

    Looks around the present position first and over the whole travel when the peak is not there, then finely
    around it. Raises FocusNotFoundError when there is no detail; the focus is back where it was then.
    """
    start, step = focuser.position_steps, focus_step_steps(settings)
    around = spread(focuser, start, 10 * step, 11)
    for positions in (around, sweep_positions(*_ends(focuser), step)):
        seen = sweep(camera, focuser, positions, _measure_spot(x, y), clock, progress, cancelled)
        if len(seen.positions_steps) < len(positions):
            return None
        curve = seen.tiles[:, 0, 0]
        at = int(curve.argmax())
        inside = 0 < at < len(positions) - 1 or positions[at] in _ends(focuser)
        if inside and peaks(positions, curve, LEAST_SHARPNESS):
            break
    else:
        focuser.goto(focuser.clamped(start), cancelled)
        raise FocusNotFoundError("there is no detail there that comes into focus: touch an edge or a hair")
    peak = refined(positions, curve, at)
    gap = max(positions[min(at + 1, len(positions) - 1)] - positions[max(at - 1, 0)], 2)
    fine = spread(focuser, round(peak), gap / 2, 9)
    seen = sweep(camera, focuser, fine, _measure_spot(x, y), clock, progress, cancelled)
    if len(seen.positions_steps) < len(fine):
        return None
    curve = seen.tiles[:, 0, 0]
    best = refined(fine, curve, int(curve.argmax()))
    return focuser.goto(focuser.clamped(round(best)), cancelled)


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
    """Visit the positions and measure a preview exposed at each.

    fresh: take up the whole backlash first. move: how to go to a position, when not by focuser.goto.
    """
    rows: list[npt.NDArray[np.float64]] = []
    for index, position in enumerate(positions):
        progress(index, len(positions), "focusing")
        if move is not None:
            move(position, cancelled)
        else:
            focuser.goto(position, cancelled, fresh=fresh and index == 0)
        if cancelled() or focuser.stopped:
            break
        clock.sleep(SWEEP_SETTLE_S)
        rows.append(measure(preview_from(camera, camera.now_ns()).image))
    tiles = np.stack(rows) if rows else np.zeros((0, 1, 1))
    return Sweep(tuple(positions[: len(rows)]), tiles)


def range_of(seen: Sweep, step_steps: float, focuser: Focuser) -> FocusRange:
    """The range that holds 98 % of the tiles' peaks, one focus step wider at each end.

    Raises FocusNotFoundError when no tile has a peak.
    """
    floors = tile_floors(seen.tiles.max(axis=0))
    reach = max(NARROW_STEPS * step_steps, 2 * _widest_gap(seen.positions_steps))
    curves = seen.tiles.reshape(len(seen.positions_steps), -1).T
    each = [
        peaks(seen.positions_steps, curve, floor, reach)
        for curve, floor in zip(curves, floors.ravel(), strict=True)
    ]
    found = np.array([peak for tile in each for peak in tile])
    if len(found) == 0:
        raise FocusNotFoundError(
            "nothing comes into focus over the whole travel: check light, lens cap and distance"
        )
    cut = (1 - KEPT_SHARE) / 2
    near, far = np.quantile(found, cut), np.quantile(found, 1 - cut)
    near_steps = focuser.clamped(math.floor(near - MARGIN_STEPS * step_steps))
    far_steps = focuser.clamped(math.ceil(far + MARGIN_STEPS * step_steps))
    textured = sum(1 for tile in each if tile)
    why = (
        f"{textured} of {len(each)} parts of the picture come into focus from {near:.0f} to {far:.0f} steps; "
        "one focus step was added at each end."
    )
    return FocusRange(near_steps, far_steps, textured, why)


def tile_floors(tops: Figures) -> Figures:
    """What counts as no sharpness in each tile, from the highest figure of each. (rows, columns) both."""
    overall = max(LEAST_SHARE * float(np.quantile(tops, 0.98)), LEAST_SHARPNESS)
    around: Figures = cv2.dilate(tops, np.ones((NEIGHBOURS, NEIGHBOURS), np.uint8)).astype(np.float64)
    return np.maximum(NEIGHBOUR_SHARE * around, overall)


def sweep_positions(low: int, high: int, step_steps: float) -> tuple[int, ...]:
    """Evenly from low to high, no denser than needed to find every peak, and no more than SWEEP_POSITIONS."""
    wanted = math.ceil((high - low) / (STEPS_A_SAMPLE * step_steps)) + 1
    count = min(max(wanted, 7), SWEEP_POSITIONS, high - low + 1)
    return tuple(sorted({round(position) for position in np.linspace(low, high, count)}))


def _widest_gap(positions: Sequence[int]) -> int:
    return max((b - a for a, b in pairwise(positions)), default=0)


def spread(focuser: Focuser, middle: float, reach: float, count: int) -> tuple[int, ...]:
    """Positions within reach of the middle, ascending, inside the soft limits and without doubles."""
    wanted = np.linspace(middle - reach, middle + reach, count)
    return tuple(sorted({focuser.clamped(round(float(position))) for position in wanted}))


def focus_step_steps(settings: Settings) -> float:
    """The focus step of the optics in motor steps, at least one."""
    return max(1.0, focus_step_um(settings.optics) * settings.motor.steps_per_um)


def _ends(focuser: Focuser) -> tuple[int, int]:
    return focuser.settings.min_steps, focuser.settings.max_steps


def measure_tiles(box: tuple[float, float, float, float] | None) -> Measure:
    """Sharpness of the tiles of a picture, or of the part of it in the box; 0 where it may be noise."""

    def measure(image: Image) -> Figures:
        luma = _luma(image if box is None else _part(image, *box))
        return _over_noise(tile_sharpness(luma, _grid(luma)).astype(np.float64), luma, LEAST_OVER_NOISE_TILE)

    return measure


def _measure_spot(x: float, y: float) -> Measure:
    def measure(image: Image) -> Figures:
        height, width = image.shape[:2]
        side, tall = SPOT, SPOT * width / height
        luma = _luma(_part(image, x - side / 2, y - tall / 2, side, tall))
        return _over_noise(np.array([[sharpness(luma)]]), luma, LEAST_OVER_NOISE)

    return measure


def _grid(luma: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Rows and columns of the sweep's tiles in a picture or a part of one."""
    rows, columns = (
        min(max(side // TILE_PX, 1), most) for side, most in zip(luma.shape, MOST_TILES, strict=True)
    )
    return rows, columns


def _over_noise(figures: Figures, luma: npt.NDArray[np.uint8], least: float) -> Figures:
    """The figures, 0 where noise could have made them."""
    return np.where(figures > least * noise_level(luma), figures, 0.0)


def _part(image: Image, x: float, y: float, w: float, h: float) -> Image:
    """The part at these fractions, moved inside the picture where it sticks out; at least 16 px a side."""
    height, width = image.shape[:2]
    wide, tall = min(max(round(w * width), 16), width), min(max(round(h * height), 16), height)
    left = min(max(round(x * width), 0), width - wide)
    top = min(max(round(y * height), 0), height - tall)
    return image[top : top + tall, left : left + wide]


def _luma(image: Image) -> npt.NDArray[np.uint8]:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8)
