"""Who commands the rig: see it, ask for it, keep it, give it up."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, g, jsonify

from webui.body import fields
from webui.context import web
from webui.errors import BadRequestError
from webui.lease import Lease, Viewer

api = Blueprint("control", __name__, url_prefix="/api/control")


def seen_by_me() -> dict[str, Any]:
    """Who holds control, as the viewer of this request is told."""
    return told_to(web().lease, g.viewer)


def told_to(lease: Lease, viewer: Viewer | None) -> dict[str, Any]:
    """Who holds control, as this viewer is told; renews the lease of the holder."""
    return asdict(lease.see(viewer))


@api.get("")
def see() -> Response:
    """Who holds control."""
    return jsonify(seen_by_me())


@api.post("")
def ask() -> Response:
    """{"take": true} takes a free rig or asks its holder, who has 10 s; {"keep": true} refuses who asked."""
    sent = fields(take=bool, keep=bool)
    viewer = must_be_somebody()
    if sent.get("take"):
        web().lease.ask(viewer)
    elif sent.get("keep"):
        web().lease.keep(viewer)
    else:
        raise BadRequestError('Send "take" or "keep".')
    return jsonify(seen_by_me())


@api.delete("")
def release() -> Response:
    """Give control up. A program on the computer of a simulated rig frees it whoever holds it."""
    fields()
    if g.viewer is None:
        web().lease.free()
    else:
        web().lease.release(g.viewer)
    return jsonify(seen_by_me())


def must_be_somebody() -> Any:
    """The viewer of this request. Raises BadRequestError for a program, which needs no control."""
    if g.viewer is None:
        raise BadRequestError("A program on the rig's own computer commands without asking.")
    return g.viewer
