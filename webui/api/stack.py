"""Stacking, and the stack as it grows."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort

from webui.api.answers import done, file_of
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("stack", __name__)


@api.post("/api/brackets/<bracket:bracket_id>/stack")
def start(bracket_id: str) -> Response:
    """Stack what is there of a bracket, or only {"frames": [indices]}; earlier results are kept."""
    sent = fields(settings=dict, frames=list)
    settings: dict[str, Any] = sent.get("settings", {})
    frames: list[Any] | None = sent.get("frames")
    if frames is not None and not all(type(one) is int for one in frames):
        raise BadRequestError("frames must be a list of whole numbers, the indices of the frames to take.")
    return done(202, result=workflow().stack(bracket_id, settings or None, frames))


@api.delete("/api/stack")
def cancel() -> Response:
    """Cancel the running stacking job; the frames are kept."""
    fields()
    workflow().cancel_stack()
    return done()


@api.get("/api/stack.jpg")
def growing() -> Response:
    """The stack as it is now, while it grows; 404 before its first picture."""
    path = workflow().stack_preview()
    if path is None:
        abort(404, "There is no growing stack yet.")
    return file_of(path)


@api.get("/api/stack-depth.png")
def growing_depth() -> Response:
    """What of it is sharp already, by its depth; 404 before two frames, and when the stack is done."""
    path = workflow().stack_depth()
    if path is None:
        abort(404, "There is no growing stack, or nothing of it is known to be sharp yet.")
    return file_of(path)
