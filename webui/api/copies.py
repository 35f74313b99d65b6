"""Brackets copied to a stick: where to, and the order; how far it is stands in the state."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify

from rig.copydesk import MOST_AT_ONCE
from webui.api.answers import done
from webui.api.brackets import key_sent
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError
from webui.ids import BracketIdConverter, SourceIdConverter

api = Blueprint("copies", __name__)


@api.get("/api/targets")
def targets() -> Response:
    """The sticks and folders there are to copy to; never a camera's card."""
    return jsonify(
        {
            "targets": [
                {"id": one.id, "name": one.name, "kind": one.kind, "free": one.free, "problem": one.problem}
                for one in workflow().copies.targets()
            ]
        }
    )


@api.post("/api/copies")
def order() -> Response:
    """Copy {"target", "brackets": ["b000001", …], "frames": true}; without brackets, all that are not there yet.

    The header Idempotency-Key makes a double tap or a repeated request the same job.
    """
    sent = fields(target=str, brackets=list, frames=bool)
    target = sent.get("target", "")
    if not re.fullmatch(SourceIdConverter.regex, target):
        raise BadRequestError("target must be the id of one.")
    chosen = ids_of(sent["brackets"]) if "brackets" in sent else None
    job = workflow().copies.order(target, chosen, sent.get("frames", False), key_sent())
    return done(202, id=job)


def ids_of(brackets: list[Any]) -> list[str]:
    """The ids sent. Raises BadRequestError."""
    right = all(isinstance(one, str) and re.fullmatch(BracketIdConverter.regex, one) for one in brackets)
    if not right or not 1 <= len(brackets) <= MOST_AT_ONCE:
        raise BadRequestError(f"brackets must be a list of 1 to {MOST_AT_ONCE} ids of brackets.")
    return brackets


@api.delete("/api/copies/<job:job_id>")
def cancel(job_id: str) -> Response:
    """End the copying; what is copied stays on the stick."""
    fields()
    workflow().copies.cancel(job_id)
    return done()
