"""Measuring the focus drive; the answer stands in the state as `proposal`, to be taken over by a setting."""

from __future__ import annotations

import math

from flask import Blueprint, Response

from webui.api.answers import done
from webui.api.focus import steps_of
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("calibrate", __name__)

POINTS = {"first_steps", "second_steps", "distance_um"}


@api.post("/api/calibrate")
def measure() -> Response:
    """{"backlash": true}, or {"scale": {"first_steps", "second_steps", "distance_um"}}."""
    sent = fields(backlash=bool, scale=dict)
    if sent == {"backlash": True}:
        workflow().calibrate_backlash()
    elif set(sent) == {"scale"}:
        workflow().calibrate_scale(*two_points(sent["scale"]))
    else:
        raise BadRequestError('Send {"backlash": true} or "scale" with two points.')
    return done(202)


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
