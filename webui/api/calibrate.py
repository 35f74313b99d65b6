"""Measuring the focus drive and setting the ends of its travel.

What was measured stands in the state as `proposal`, to be taken over by a setting.
"""

from __future__ import annotations

import math

from flask import Blueprint, Response

from rig.repair import ENDS, End
from webui.api.answers import done
from webui.api.focus import steps_of
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("calibrate", __name__)

POINTS = {"first_steps", "second_steps", "distance_um"}


@api.post("/api/calibrate")
def measure() -> Response:
    """One of {"backlash": true}, {"scale": {"first_steps", "second_steps", "distance_um"}}, {"home": true} and
    {"travel": {"end": "near" or "far", "position_steps"}}; without a position: where the focus stands.
    """
    sent = fields(backlash=bool, scale=dict, home=bool, travel=dict)
    if sent == {"backlash": True}:
        workflow().calibrate_backlash()
    elif sent == {"home": True}:
        workflow().home()
    elif set(sent) == {"travel"}:
        workflow().set_travel(*end_of_travel(sent["travel"]))
    elif set(sent) == {"scale"}:
        workflow().calibrate_scale(*two_points(sent["scale"]))
    else:
        raise BadRequestError('Send one of "backlash", "scale", "home" and "travel".')
    return done(202)


def end_of_travel(travel: dict[str, object]) -> tuple[End, int | None]:
    """Which end and where. Raises BadRequestError."""
    end, position = travel.get("end"), travel.get("position_steps")
    if end not in ENDS or set(travel) - {"end", "position_steps"}:
        raise BadRequestError('travel has an end, "near" or "far", and a position_steps.')
    if position is not None and type(position) is not int:
        raise BadRequestError("position_steps must be a whole number.")
    return end, None if position is None else steps_of(position)


def two_points(scale: dict[str, object]) -> tuple[int, int, float]:
    """Two focus positions and their distance at the subject. Raises BadRequestError."""
    if set(scale) != POINTS:
        raise BadRequestError(f"scale has {', '.join(sorted(POINTS))}.")
    first, second, distance = (scale[name] for name in ("first_steps", "second_steps", "distance_um"))
    if type(first) is not int or type(second) is not int:
        raise BadRequestError("first_steps and second_steps must be whole numbers.")
    if type(distance) not in (int, float) or not math.isfinite(distance):  # type: ignore[arg-type]
        raise BadRequestError("distance_um must be a number.")
    return steps_of(first), steps_of(second), float(distance)  # type: ignore[arg-type]
