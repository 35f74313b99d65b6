"""How much motion the drive loses on reversing, measured from previews: up through the focus, and back down."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from rig.config import Settings
from rig.devices.camera import Camera
from rig.devices.clock import Clock
from rig.errors import FocusNotFoundError
from rig.focuscurve import peaks
from rig.focuser import Focuser, never
from rig.saying import Said, say
from rig.sweep import Figures, Sweep, focus_step_steps, measure_tiles, spread, sweep, sweep_positions

SAMPLES = 25  # each way
REACH_STEPS = 12.0  # focus steps swept to each side of the sharpest position
# Share of the travel left out at the near end: with far more play than is set, the drive that has just come
# home still presses the endstop there, and may not turn back.
CLEAR_OF_ENDSTOP = 0.08
SURE_TILES = 5  # that must agree before anything is said
GENEROUS = 1.4  # times the lash measured, to be proposed: it grows with wear and cold
SPARE_STEPS = 4  # and so many more: a lash of nothing measured is not quite nothing


@dataclass(frozen=True)
class Backlash:
    """What was measured, in motor steps."""

    lash_steps: float
    spread_steps: float  # middle half of what the parts of the picture say
    tiles: int
    proposed_steps: int  # for motor.backlash_steps

    @property
    def sentence(self) -> Said:
        """For the photographer."""
        return say(
            "backlash.found",
            "On reversing the drive loses {lash:.0f} steps (±{spread:.0f}, seen in {tiles} parts of the picture): "
            "{proposed} takes it up with some to spare.",
            lash=self.lash_steps,
            spread=self.spread_steps / 2,
            tiles=self.tiles,
            proposed=self.proposed_steps,
        )


def measure_backlash(
    camera: Camera,
    focuser: Focuser,
    settings: Settings,
    *,
    clock: Clock,
    cancelled: Callable[[], bool] = never,
) -> Backlash | None:
    """Sweep up and down through the focus and compare; None when cancelled. The focus ends where it is sharp.

    Every tile of the picture peaks at a lower count on the way back, by the lash. Raises FocusNotFoundError
    when nothing comes into focus, or too little to be sure.
    """
    low, high = settings.motor.min_steps, settings.motor.max_steps
    low += round(CLEAR_OF_ENDSTOP * (high - low))
    step, measure = focus_step_steps(settings), measure_tiles(None)
    coarse = sweep_positions(low, high, step)
    seen = sweep(camera, focuser, coarse, measure, clock, cancelled=cancelled)
    if len(seen.positions_steps) < len(coarse):
        return None
    middle = seen.positions_steps[int(seen.tiles.sum(axis=(1, 2)).argmax())]
    reach = max(REACH_STEPS * step, 2 * settings.motor.backlash_steps)
    places = spread(focuser, middle, reach, SAMPLES)
    # From far below, so that even a lash much larger than the present setting is taken up on the way.
    focuser.goto(max(low, round(places[0] - 2 * reach)), cancelled, fresh=True)
    up = sweep(camera, focuser, places, measure, clock, cancelled=cancelled, fresh=False)
    focuser.goto(focuser.clamped(round(places[-1] + 2 * reach)), cancelled)
    down = sweep(camera, focuser, places[::-1], measure, clock, cancelled=cancelled, move=focuser.retreat)
    if len(up.positions_steps) < len(places) or len(down.positions_steps) < len(places):
        return None
    found = compare(up, down)
    focuser.goto(focuser.clamped(middle), cancelled, fresh=True)
    return found


def compare(up: Sweep, down: Sweep) -> Backlash:
    """The lash from sweeps over the same counts, ascending and descending.

    Raises FocusNotFoundError when fewer than SURE_TILES tiles peak inside both sweeps.
    """
    places = up.positions_steps
    floors = np.maximum(up.floors(), down.floors()).ravel()
    shifts = []
    for one, other, floor in zip(_curves(up.tiles), _curves(down.tiles[::-1]), floors, strict=True):
        there, back = (peaks(places, curve, float(floor)) for curve in (one, other))
        inside = all(len(found) == 1 and places[0] < found[0] < places[-1] for found in (there, back))
        if inside:
            shifts.append(there[0] - back[0])
    if len(shifts) < SURE_TILES:
        raise FocusNotFoundError(
            say(
                "focus.too_little_for_backlash",
                "too little comes into focus to measure the backlash: aim at something with fine detail",
            )
        )
    low, lash, high = np.quantile(shifts, (0.25, 0.5, 0.75))
    lash = max(0.0, float(lash))
    return Backlash(lash, float(high - low), len(shifts), math.ceil(GENEROUS * lash) + SPARE_STEPS)


def _curves(tiles: Figures) -> Figures:
    curves: Figures = tiles.reshape(len(tiles), -1).T
    return curves
