"""Shooting a bracket, and what is on the card."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from rig.brackets import BracketDetail, BracketSummary
from rig.errors import NotAllowedError
from rig.saying import say
from rig.selftimer import LONGEST_S
from webui.api.answers import done
from webui.body import fields, whole_number
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("brackets", __name__, url_prefix="/api/brackets")

PAGE = 40  # brackets per page of the list
MOST_EXTRA = 200  # frames that one tap may add to a bracket
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")


@api.post("")
def start() -> Response:
    """Shoot. The header Idempotency-Key makes a double tap or a repeated request the same bracket."""
    fields()
    return done(202, id=workflow().start_bracket(key_sent()))


@api.post("/timer")
def start_timer() -> Response:
    """Shoot after {"seconds": 1 to 60}; the rig counts, and /api/stop calls it off."""
    sent = fields(seconds=int)
    if not 1 <= sent.get("seconds", 0) <= LONGEST_S:
        raise BadRequestError(f"seconds must be 1 to {LONGEST_S}.")
    workflow().start_timer(sent["seconds"], key_sent())
    return done(202)


def key_sent() -> str:
    """The header Idempotency-Key. Raises BadRequestError."""
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        raise BadRequestError("Idempotency-Key must have 8 to 64 letters, digits, - or _.")
    return key


@api.post("/<bracket:bracket_id>/pause")
def pause(bracket_id: str) -> Response:
    """Finish the frame and wait."""
    fields()
    must_be_current(bracket_id)
    workflow().pause()
    return done()


@api.post("/<bracket:bracket_id>/resume")
def resume(bracket_id: str) -> Response:
    """Go on after a pause, or shoot the missing frames of a stopped or interrupted bracket."""
    fields()
    workflow().resume(bracket_id)
    return done(202)


@api.post("/<bracket:bracket_id>/extend")
def extend(bracket_id: str) -> Response:
    """Shoot more frames beyond the end that is cut, or beyond {"end": "near" | "far"} by {"frames": n}."""
    sent = fields(end=str, frames=int)
    end = sent.get("end")
    if end not in (None, "near", "far"):
        raise BadRequestError('end must be "near" or "far".')
    if "frames" in sent and not 1 <= sent["frames"] <= MOST_EXTRA:
        raise BadRequestError(f"frames must be 1 to {MOST_EXTRA}.")
    workflow().extend(bracket_id, sent.get("frames"), end)
    return done(202)


@api.post("/<bracket:bracket_id>/fill")
def fill(bracket_id: str) -> Response:
    """Shoot between frames that lie too far apart."""
    fields()
    workflow().fill_gaps(bracket_id)
    return done(202)


@api.post("/<bracket:bracket_id>/stop")
def stop(bracket_id: str) -> Response:
    """Stop at once; every frame is kept."""
    fields()
    must_be_current(bracket_id)
    workflow().stop()
    return done()


def must_be_current(bracket_id: str) -> None:
    """A page that slept must not stop another bracket than the one it shows. Raises NotAllowedError."""
    current = workflow().status().bracket
    if current is None or current.id != bracket_id:
        raise NotAllowedError(
            say("action.not_being_shot", "The bracket {id} is not being shot.", id=bracket_id)
        )


@api.get("")
def listing() -> Response:
    """A page of the brackets on the card, newest first."""
    page = whole_number("page", default=1, low=1, high=100_000)
    every = workflow().brackets()
    shown = every[(page - 1) * PAGE : page * PAGE]
    return jsonify(
        {"total": len(every), "page": page, "per_page": PAGE, "brackets": [with_mark(one) for one in shown]}
    )


@api.get("/<bracket:bracket_id>")
def detail(bracket_id: str) -> Response:
    """Everything noted about a bracket."""
    return jsonify(with_mark(workflow().bracket(bracket_id)))


@api.patch("/<bracket:bracket_id>")
def describe(bracket_id: str) -> Response:
    """Say of a bracket any of {"title": "…", "tags": ["…"], "rating": 0..5}."""
    return jsonify(with_mark(workflow().describe(bracket_id, fields(title=str, tags=list, rating=int))))


@api.delete("/<bracket:bracket_id>")
def delete(bracket_id: str) -> Response:
    """Remove a bracket, its frames and results. There is no way back."""
    fields()
    workflow().delete(bracket_id)
    return done()


def with_mark(bracket: BracketSummary | BracketDetail) -> dict[str, Any]:
    """The bracket as JSON, with `v`: a mark for addresses that may be cached for ever.

    Made of id and date, for a card formatted anew starts counting ids again.
    """
    summary = bracket.summary if isinstance(bracket, BracketDetail) else bracket
    mark = hashlib.sha256(f"{summary.id} {summary.created}".encode()).hexdigest()[:8]
    return {**bracket.as_dict(), "v": mark}
