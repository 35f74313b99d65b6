"""Near and far by one sweep over the travel: all that comes into focus lies between them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rig.box import Box
from rig.config import OpticsSettings, Settings
from rig.devices.camera import Camera
from rig.devices.clock import Clock
from rig.errors import DriftError, FocusNotFoundError
from rig.focuscurve import peaks
from rig.focuser import SLOWER, SURE_STEPS, Focuser, never
from rig.lens import focus_step_um, working_f_number
from rig.saying import Said, say
from rig.sweep import (
    STEPS_A_SAMPLE,
    Progress,
    Sweep,
    ends,
    focus_step_steps,
    measure_tiles,
    sweep,
    sweep_positions,
)

MOST_SWEEPS = 3  # each over what the one before found
COARSE = 1.5  # times STEPS_A_SAMPLE: samples further apart may miss a peak between them
KEPT_SHARE = 0.995  # of the textured tiles inside the range found
MARGIN_STEPS = 1.0  # focus steps added at each end: a tile's peak is the middle of the depths in it
NARROW_PX = 6.5  # blur on the preview within which what was in focus there has lost NARROW of its sharpness
NARROW_STEPS = 10.0  # focus steps that this may be at most
AGREE_STEPS = 4.0  # focus steps between tiles side by side that see the same thing
AROUND = tuple((i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j)
FEW_TILES = 20  # of a narrow box: there is nothing around to agree
LOST_SHARE = 0.5  # of a focus step
FINE_WIDTH_PX = 640  # of a preview; a hair of a spider at life size is then more than a pixel wide
SENSOR_WIDTH_UM = 6287.0  # of the HQ camera


@dataclass(frozen=True)
class FocusRange:
    """Near and far limit that hold the subject."""

    near_steps: int
    far_steps: int
    tiles: int  # with detail in them
    why: Said


def find_range(
    camera: Camera,
    focuser: Focuser,
    settings: Settings,
    *,
    clock: Clock,
    progress: Progress = lambda done, total, what: None,
    cancelled: Callable[[], bool] = never,
    box: Box | None = None,
) -> FocusRange | None:
    """Sweep the travel, find every tile's focus and take in nearly all of them; None when cancelled.

    A travel too long for SWEEP_POSITIONS samples is swept again, only where the first sweep saw something.
    box: only what is in it counts. The focus is left at the near limit found.
    Raises FocusNotFoundError when nothing in the picture comes into focus, DriftError when the drive is
    not where it counted by the end.
    """
    low, high = ends(focuser)
    step = focus_step_steps(settings)
    for _ in range(MOST_SWEEPS):
        positions = sweep_positions(low, high, step)
        seen = sweep(camera, focuser, positions, measure_tiles(box), clock, progress, cancelled)
        if len(seen.positions_steps) < len(positions):
            return None
        found = range_of(seen, settings, focuser)
        gap = seen.widest_gap
        low, high = (focuser.clamped(end) for end in (found.near_steps - gap, found.far_steps + gap))
        if gap <= COARSE * STEPS_A_SAMPLE * step:
            break
    _hold_against_endstop(focuser, step, cancelled)
    focuser.goto(found.near_steps, cancelled)
    return found


def _hold_against_endstop(focuser: Focuser, step_steps: float, cancelled: Callable[[], bool]) -> None:
    """Raise DriftError when the count is wrong by the end of a sweep: the limits found are then too.

    The endstop is a little beyond the near limit, where the focus goes next anyhow.
    """
    lost = focuser.lost_steps(cancelled) if focuser.homed else None
    if lost is not None and abs(lost) > max(LOST_SHARE * step_steps, SURE_STEPS):
        raise DriftError(
            say(
                "focus.drifted",
                "the drive had lost {lost} steps by the end of the sweep, so near and far are not "
                "set: {advice}",
                lost=abs(lost),
                advice=SLOWER,
            )
        )


def range_of(seen: Sweep, settings: Settings, focuser: Focuser) -> FocusRange:
    """The range that holds nearly all of the tiles' peaks, one focus step wider at each end.

    Raises FocusNotFoundError when no tile has a peak.
    """
    step_steps = focus_step_steps(settings)
    each = tile_peaks(seen, max(narrow_steps(seen, settings.optics) * step_steps, 2 * seen.widest_gap))
    found = agreeing(each, AGREE_STEPS * step_steps)
    if len(found) == 0:
        raise FocusNotFoundError(
            say(
                "focus.nothing_in_travel",
                "nothing comes into focus over the whole travel: check light, lens cap and distance",
            )
        )
    cut = (1 - KEPT_SHARE) / 2
    near, far = np.quantile(found, cut), np.quantile(found, 1 - cut)
    near_steps = focuser.clamped(math.floor(near - MARGIN_STEPS * step_steps))
    far_steps = focuser.clamped(math.ceil(far + MARGIN_STEPS * step_steps))
    parts = seen.tiles[0].size
    why = say(
        "focus.range",
        "{tiles} of {parts} parts of the picture come into focus from {near:.0f} to {far:.0f} steps; one focus step "
        "was added at each end.",
        tiles=len(each),
        parts=parts,
        near=near,
        far=far,
    )
    if seen.width_px < FINE_WIDTH_PX:
        coarse = say(
            "focus.coarse_preview",
            "The live picture is only {width} pixels wide: below {least} thin hairs may be missed "
            "(camera.preview_width_px).",
            width=seen.width_px,
            least=FINE_WIDTH_PX,
        )
        why = say("both", "{first} {then}", first=why, then=coarse)
    return FocusRange(near_steps, far_steps, len(each), why)


Peaks = dict[tuple[int, int], tuple[float, ...]]  # row and column of a tile -> where it is in focus


def tile_peaks(seen: Sweep, reach_steps: float) -> Peaks:
    """Where each textured tile is in focus; tiles that never are, are left out."""
    floors = seen.floors()
    found: Peaks = {}
    for row, column in np.argwhere(seen.tiles.max(axis=0) > floors):
        curve, floor = seen.tiles[:, row, column], float(floors[row, column])
        if at := peaks(seen.positions_steps, curve, floor, reach_steps):
            found[int(row), int(column)] = at
    return found


def agreeing(each: Peaks, within_steps: float) -> list[float]:
    """The peaks that a tile beside sees too: what one alone sees is spilt blur or a speck. Few tiles: all."""
    if len(each) < FEW_TILES:
        return [peak for found in each.values() for peak in found]
    kept = []
    for (row, column), found in each.items():
        around = [peak for i, j in AROUND for peak in each.get((row + i, column + j), ())]
        kept += [peak for peak in found if any(abs(peak - other) <= within_steps for other in around)]
    return kept


def narrow_steps(seen: Sweep, optics: OpticsSettings) -> float:
    """Focus steps to each side of a peak within which it must have fallen.

    Out of focus by dz a point is m² dz / N_e wide on the sensor. Blur that much wider than a preview's pixel
    leaves nothing of its finest detail, while that of something far behind fades more slowly.
    """
    pixel_um = SENSOR_WIDTH_UM / max(seen.width_px, 1)
    dz_um = NARROW_PX * pixel_um * working_f_number(optics) / optics.magnification**2
    return min(dz_um / focus_step_um(optics), NARROW_STEPS)
