"""The phone knows what time it is; the rig, without network and clock chip, does not."""

from __future__ import annotations

import math

from flask import Blueprint, Response, jsonify

from webui.body import json_object
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("clock", __name__, url_prefix="/api/clock")

LONGEST_ZONE = 64  # characters of a time zone's name


@api.post("")
def tell() -> Response:
    """{"now": seconds since 1970, "tz": "Europe/Berlin"}: taken where the rig knows no better."""
    now, zone = said(json_object())
    taken, dated = workflow().tell_time(now, zone)
    return jsonify({"taken": taken, "dated": dated, "clock": workflow().time.source.value})


def said(sent: dict[str, object]) -> tuple[float, str | None]:
    """Time and zone. Raises BadRequestError."""
    now, zone = sent.get("now"), sent.get("tz")
    if set(sent) - {"now", "tz"}:
        raise BadRequestError("The clock is told with now and tz.")
    if type(now) not in (int, float) or not math.isfinite(now):  # type: ignore[arg-type]
        raise BadRequestError("now must be the seconds since 1970.")
    if zone is not None and (not isinstance(zone, str) or len(zone) > LONGEST_ZONE):
        raise BadRequestError("tz must be the name of a time zone.")
    return float(now), zone  # type: ignore[arg-type]
