"""Moving the focus, and setting near and far."""

from __future__ import annotations

from flask import Blueprint, Response

from webui.api.answers import done
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("focus", __name__)

FURTHEST = 10_000_000  # steps; no drive has more, and the rig clamps or refuses within


@api.post("/api/focus")
def move() -> Response:
    """Move: {"jog": signed steps} or {"goto": position in steps}. Returns before the motor arrives."""
    sent = fields(jog=int, goto=int)
    if len(sent) != 1:
        raise BadRequestError('Send exactly one of "jog" and "goto".')
    ((verb, steps),) = sent.items()
    if abs(steps) > FURTHEST:
        raise BadRequestError(f"{verb} must lie within ±{FURTHEST} steps.")
    if verb == "jog":
        workflow().jog(steps)
    else:
        workflow().goto(steps)
    return done()


@api.post("/api/focus/near")
def near() -> Response:
    """Make the present (or the given) position the near limit."""
    workflow().set_near(fields(position_steps=int).get("position_steps"))
    return done()


@api.post("/api/focus/far")
def far() -> Response:
    """Make the present (or the given) position the far limit."""
    workflow().set_far(fields(position_steps=int).get("position_steps"))
    return done()


@api.delete("/api/focus/limits")
def clear() -> Response:
    """Forget near and far."""
    fields()
    workflow().clear_limits()
    return done()
