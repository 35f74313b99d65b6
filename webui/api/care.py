"""Stopping whatever the rig does, and getting it out of a fault."""

from __future__ import annotations

from flask import Blueprint, Response

from webui.api.answers import done
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("care", __name__)


@api.post("/api/stop")
def stop() -> Response:
    """Stop what moves or shoots, at once; every frame is kept."""
    fields()
    workflow().stop()
    return done()


@api.post("/api/recover")
def recover() -> Response:
    """Reopen the devices after a fault."""
    fields()
    workflow().recover()
    return done()


@api.post("/api/power")
def power() -> Response:
    """{"off": true}: stop what runs and switch the computer off. The answer may be the last one."""
    if fields(off=bool).get("off") is not True:
        raise BadRequestError('Send {"off": true}.')
    workflow().power_off()
    return done(202)
