"""Focus on a touched spot: where its sharpness peaks, from live pictures."""

from __future__ import annotations

from collections.abc import Callable

from rig.config import Settings
from rig.devices.camera import Camera
from rig.devices.clock import Clock
from rig.errors import FocusNotFoundError
from rig.focuscurve import peaks, refined
from rig.focuser import Focuser, never
from rig.saying import say
from rig.sweep import (
    LEAST_SHARPNESS,
    Progress,
    ends,
    focus_step_steps,
    measure_spot,
    spread,
    sweep,
    sweep_positions,
)


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
    for positions in (around, sweep_positions(*ends(focuser), step)):
        seen = sweep(camera, focuser, positions, measure_spot(x, y), clock, progress, cancelled)
        if len(seen.positions_steps) < len(positions):
            return None
        curve, floor = seen.tiles[:, 0, 0], max(seen.floor, LEAST_SHARPNESS)
        at = int(curve.argmax())
        inside = 0 < at < len(positions) - 1 or positions[at] in ends(focuser)
        if inside and peaks(positions, curve, floor):
            break
    else:
        focuser.goto(focuser.clamped(start), cancelled)
        raise FocusNotFoundError(
            say(
                "focus.no_detail_there",
                "there is no detail there that comes into focus: touch an edge or a hair",
            )
        )
    peak = refined(positions, curve, at)
    gap = max(positions[min(at + 1, len(positions) - 1)] - positions[max(at - 1, 0)], 2)
    fine = spread(focuser, round(peak), gap / 2, 9)
    seen = sweep(camera, focuser, fine, measure_spot(x, y), clock, progress, cancelled)
    if len(seen.positions_steps) < len(fine):
        return None
    curve = seen.tiles[:, 0, 0]
    best = refined(fine, curve, int(curve.argmax()))
    return focuser.goto(focuser.clamped(round(best)), cancelled)
