"""Brackets of other cameras ordered from the phone, and the jobs that come of it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from rig.importdesk import MOST_AT_ONCE
from webui.api.answers import done
from webui.api.brackets import KEY
from webui.api.sources import SCAN_ID
from webui.body import fields
from webui.context import workflow
from webui.errors import BadRequestError
from webui.ids import SourceIdConverter

api = Blueprint("imports", __name__)


@api.post("/api/imports")
def order() -> Response:
    """Copy and stack {"source", "scan", "brackets": [{"first": n, "last": m}, …], "settings": {…}}.

    The header Idempotency-Key makes a double tap or a repeated request the same jobs.
    """
    sent = fields(source=str, scan=str, brackets=list, settings=dict)
    key = request.headers.get("Idempotency-Key", "")
    if not KEY.fullmatch(key):
        raise BadRequestError("Idempotency-Key must have 8 to 64 letters, digits, - or _.")
    source, scan = sent.get("source", ""), sent.get("scan", "")
    if not re.fullmatch(SourceIdConverter.regex, source) or not SCAN_ID.fullmatch(scan):
        raise BadRequestError("source and scan must be ids.")
    ends = ends_of(sent.get("brackets"))
    return done(202, jobs=list(workflow().imports.order(source, scan, ends, sent.get("settings", {}), key)))


def ends_of(brackets: Any) -> list[tuple[int, int]]:
    """The ranges sent. Raises BadRequestError."""
    if not isinstance(brackets, list) or not 1 <= len(brackets) <= MOST_AT_ONCE:
        raise BadRequestError(f"brackets must be a list of 1 to {MOST_AT_ONCE} ranges.")
    ends = []
    for one in brackets:
        if not isinstance(one, dict) or one.keys() != {"first", "last"}:
            raise BadRequestError('Each bracket must be {"first": n, "last": m}.')
        if type(one["first"]) is not int or type(one["last"]) is not int:
            raise BadRequestError("first and last must be whole numbers.")
        ends.append((one["first"], one["last"]))
    return ends


@api.get("/api/jobs")
def jobs() -> Response:
    """Every job since the rig was started: those to be done in their order, then those that are over."""
    return jsonify({"jobs": [asdict(job) for job in workflow().imports.jobs()]})


@api.get("/api/jobs/<job:job_id>")
def job(job_id: str) -> Response:
    """One job."""
    return jsonify(asdict(workflow().imports.job(job_id)))


@api.post("/api/jobs/<job:job_id>")
def prefer(job_id: str) -> Response:
    """{"next": true}: do this import before the others that wait."""
    if fields(next=bool).get("next") is not True:
        raise BadRequestError('Send {"next": true}.')
    workflow().imports.prefer(job_id)
    return done()


@api.delete("/api/jobs/<job:job_id>")
def cancel(job_id: str) -> Response:
    """End a job; what a scan has found and frames that are copied stay."""
    fields()
    workflow().imports.cancel(job_id)
    return done()
