"""Moving the focus, and setting near and far."""

from __future__ import annotations

from flask import Blueprint, Response

from rig.box import Box, checked_box
from rig.errors import NotAllowedError
from webui.api.answers import done
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("focus", __name__)

SIDES = ("x", "y", "width", "height")
ROLES = ("goto", "near", "far")
FURTHEST = 10_000_000  # steps; no drive has more, and the rig clamps or refuses within


@api.post("/api/focus")
def move() -> Response:
    """Send exactly one of {"jog": signed steps}, {"goto": position in steps}, {"touch": {x, y, role}}.

    Returns before the motor arrives.
    """
    sent = fields(jog=int, goto=int, touch=dict)
    if len(sent) != 1:
        raise BadRequestError('Send exactly one of "jog", "goto" and "touch".')
    if "touch" in sent:
        workflow().touch(*spot(sent["touch"]))
    elif "jog" in sent:
        workflow().jog(steps_of(sent["jog"]))
    else:
        workflow().goto(steps_of(sent["goto"]))
    return done()


def steps_of(steps: int) -> int:
    """The number, when it is one a drive could have. Raises BadRequestError."""
    if abs(steps) > FURTHEST:
        raise BadRequestError(f"A focus position must lie within ±{FURTHEST} steps.")
    return steps


def spot(touch: dict[str, object]) -> tuple[float, float, str]:
    """x, y (fractions of the picture) and role of a touched spot. Raises BadRequestError."""
    x, y, role = touch.get("x"), touch.get("y"), touch.get("role", "goto")
    if set(touch) - {"x", "y", "role"} or role not in ROLES:
        raise BadRequestError(f"touch has x, y and role ({', '.join(ROLES)}).")
    if type(x) not in (int, float) or type(y) not in (int, float):
        raise BadRequestError("x and y of touch must be numbers.")
    across, down = float(x), float(y)  # type: ignore[arg-type]
    if not (0 <= across <= 1 and 0 <= down <= 1):
        raise BadRequestError("x and y of touch must be fractions of the picture, 0..1.")
    return across, down, str(role)


@api.post("/api/auto")
def auto() -> Response:
    """Find near and far by a sweep over the whole travel: of all, or of {"box": {x, y, width, height}}."""
    sent = fields(box=dict)
    workflow().auto_range(box=box(sent["box"]) if "box" in sent else None)
    return done(202)


def box(sides: dict[str, object]) -> Box:
    """The box sent, in fractions of the picture. Raises BadRequestError."""
    if set(sides) != set(SIDES):
        raise BadRequestError(f"box has {', '.join(SIDES)}.")
    try:
        return checked_box([sides[side] for side in SIDES])
    except NotAllowedError as error:
        raise BadRequestError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


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
