"""The rig's state, once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify

from rig.saying import with_codes
from rig.status import Status
from webui.context import workflow

api = Blueprint("state", __name__)

FIGURES = 5  # significant ones; enough for a curve on a phone, and keeps a snapshot of 300 frames small


@api.get("/api/state")
def state() -> Response:
    """The present snapshot."""
    return jsonify(snapshot(workflow().status(), guest=g.guest))


def snapshot(status: Status, guest: bool = False) -> dict[str, Any]:
    """The status as plain JSON values with short figures. guest: somebody who only looks may do nothing."""
    shortened: dict[str, Any] = _short(with_codes(status.as_dict()))
    return {**shortened, "allowed": []} if guest else shortened


def _short(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{FIGURES}g}")
    if isinstance(value, dict):
        return {key: _short(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_short(one) for one in value]
    return value
