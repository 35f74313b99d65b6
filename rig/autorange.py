"""Near and far by one sweep over the travel, and focus on a touched spot; both on previews alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.config import Settings
from rig.devices.camera import Camera, Image, Preview
from rig.devices.clock import Clock
from rig.errors import FocusNotFoundError
from rig.focuscurve import peaks, refined
from rig.focuser import Focuser, never
from rig.lens import focus_step_um
from rig.sharpness import noise_level, sharpness, tile_sharpness

Progress = Callable[[int, int, str], None]
Figures = npt.NDArray[np.float64]
Measure = Callable[[Image], Figures]

SWEEP_TILES = (12, 16)  # finer than a frame's: a tile should hold one depth
SWEEP_POSITIONS = 48  # at most: half a minute at the usual speeds
SWEEP_SETTLE_S = 0.2  # the coarse of the vibration; a sweep compares, it is not kept
STEPS_A_SAMPLE = 2.0  # focus steps between samples: previews are small, so their focus peak is wide
KEPT_SHARE = 0.98  # of the textured tiles inside the range found
LEAST_SHARE = 0.01  # of the sharpest tile: less is noise
LEAST_SHARPNESS = 1e-5  # squared gradient against squared brightness; a blank wall has less
LEAST_OVER_NOISE = 0.5  # of the noise that was taken off: less may be what was left of it
SPOT = 0.12  # side of a touched spot, as a share of the picture's width
STALE_PREVIEWS = 8  # that a camera's queue may hold


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
    tiles: npt.NDArray[np.float64]  # (positions, tiles)


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
    """Sweep the travel once, find every tile's focus and take in 98 % of them; None when cancelled.

    box: x, y, w, h of the subject as fractions of the picture. The focus is left at the near limit found.
    Raises FocusNotFoundError when nothing in the picture comes into focus.
    """
    positions = sweep_positions(settings)
    seen = sweep(camera, focuser, positions, _measure_tiles(box), clock, progress, cancelled)
    if len(seen.positions_steps) < len(positions):
        return None
    found = range_of(seen, focus_step_steps(settings), focuser)
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
    for positions in (around, sweep_positions(settings)):
        seen = sweep(camera, focuser, positions, _measure_spot(x, y), clock, progress, cancelled)
        if len(seen.positions_steps) < len(positions):
            return None
        at = int(seen.tiles[:, 0].argmax())
        inside = 0 < at < len(positions) - 1 or positions[at] in _ends(focuser)
        if inside and peaks(positions, seen.tiles[:, 0], LEAST_SHARPNESS):
            break
    else:
        focuser.goto(focuser.clamped(start), cancelled)
        raise FocusNotFoundError("there is no detail there that comes into focus: touch an edge or a hair")
    peak = refined(positions, seen.tiles[:, 0], at)
    gap = max(positions[min(at + 1, len(positions) - 1)] - positions[max(at - 1, 0)], 2)
    fine = spread(focuser, round(peak), gap / 2, 9)
    seen = sweep(camera, focuser, fine, _measure_spot(x, y), clock, progress, cancelled)
    if len(seen.positions_steps) < len(fine):
        return None
    best = refined(fine, seen.tiles[:, 0], int(seen.tiles[:, 0].argmax()))
    return focuser.goto(focuser.clamped(round(best)), cancelled)


def sweep(
    camera: Camera,
    focuser: Focuser,
    positions: Sequence[int],
    measure: Measure,
    clock: Clock,
    progress: Progress,
    cancelled: Callable[[], bool],
) -> Sweep:
    """Visit the positions from near to far and measure a preview exposed at each."""
    rows: list[npt.NDArray[np.float64]] = []
    for index, position in enumerate(positions):
        progress(index, len(positions), "focusing")
        focuser.goto(position, cancelled, fresh=index == 0)
        if cancelled() or focuser.stopped:
            break
        clock.sleep(SWEEP_SETTLE_S)
        rows.append(measure(_preview_from(camera, camera.now_ns()).image))
    tiles = np.stack(rows) if rows else np.zeros((0, 1))
    return Sweep(tuple(positions[: len(rows)]), tiles)


def range_of(seen: Sweep, step_steps: float, focuser: Focuser) -> FocusRange:
    """The range that holds 98 % of the tiles' peaks, one focus step wider at each end.

    Raises FocusNotFoundError when no tile has a peak.
    """
    floor = max(LEAST_SHARE * float(np.quantile(seen.tiles.max(axis=0), 0.98)), LEAST_SHARPNESS)
    each = [peaks(seen.positions_steps, curve, floor) for curve in seen.tiles.T]
    found = np.array([peak for tile in each for peak in tile])
    if len(found) == 0:
        raise FocusNotFoundError(
            "nothing comes into focus over the whole travel: check light, lens cap and distance"
        )
    cut = (1 - KEPT_SHARE) / 2
    near, far = np.quantile(found, cut), np.quantile(found, 1 - cut)
    # A tile's peak is the middle of the depths in it, so its edges lie a little outside.
    near_steps = focuser.clamped(math.floor(near - step_steps))
    far_steps = focuser.clamped(math.ceil(far + step_steps))
    textured = sum(1 for tile in each if tile)
    why = (
        f"{textured} of {len(each)} parts of the picture come into focus from {near:.0f} to {far:.0f} steps; "
        "one focus step was added at each end."
    )
    return FocusRange(near_steps, far_steps, textured, why)


def sweep_positions(settings: Settings) -> tuple[int, ...]:
    """Evenly over the travel, no denser than needed to find every peak."""
    low, high = settings.motor.min_steps, settings.motor.max_steps
    wanted = math.ceil((high - low) / (STEPS_A_SAMPLE * focus_step_steps(settings))) + 1
    count = min(max(wanted, 7), SWEEP_POSITIONS, high - low + 1)
    return tuple(sorted({round(position) for position in np.linspace(low, high, count)}))


def spread(focuser: Focuser, middle: float, reach: float, count: int) -> tuple[int, ...]:
    """Positions within reach of the middle, ascending, inside the soft limits and without doubles."""
    wanted = np.linspace(middle - reach, middle + reach, count)
    return tuple(sorted({focuser.clamped(round(float(position))) for position in wanted}))


def focus_step_steps(settings: Settings) -> float:
    """The focus step of the optics in motor steps, at least one."""
    return max(1.0, focus_step_um(settings.optics) * settings.motor.steps_per_um)


def _ends(focuser: Focuser) -> tuple[int, int]:
    return focuser.settings.min_steps, focuser.settings.max_steps


def _preview_from(camera: Camera, moment_ns: int) -> Preview:
    """The first preview exposed at or after this moment."""
    for _ in range(STALE_PREVIEWS):
        preview = camera.preview()
        if preview.timestamp_ns >= moment_ns:
            break
    return preview


def _measure_tiles(box: tuple[float, float, float, float] | None) -> Measure:
    def measure(image: Image) -> Figures:
        luma = _luma(image if box is None else _part(image, *box))
        return _over_noise(tile_sharpness(luma, SWEEP_TILES).astype(np.float64).ravel(), luma)

    return measure


def _measure_spot(x: float, y: float) -> Measure:
    def measure(image: Image) -> Figures:
        height, width = image.shape[:2]
        side, tall = SPOT, SPOT * width / height
        luma = _luma(_part(image, x - side / 2, y - tall / 2, side, tall))
        return _over_noise(np.array([sharpness(luma)]), luma)

    return measure


def _over_noise(figures: Figures, luma: npt.NDArray[np.uint8]) -> Figures:
    """The figures, 0 where noise could have made them."""
    return np.where(figures > LEAST_OVER_NOISE * noise_level(luma), figures, 0.0)


def _part(image: Image, x: float, y: float, w: float, h: float) -> Image:
    """The part at these fractions, moved inside the picture where it sticks out; at least 16 px a side."""
    height, width = image.shape[:2]
    wide, tall = min(max(round(w * width), 16), width), min(max(round(h * height), 16), height)
    left = min(max(round(x * width), 0), width - wide)
    top = min(max(round(y * height), 0), height - tall)
    return image[top : top + tall, left : left + wide]


def _luma(image: Image) -> npt.NDArray[np.uint8]:
    return cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8)
