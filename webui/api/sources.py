"""Cards and folders with the frames of other cameras: what there is, and what was found on it."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify, request

from rig.copying import brackets_known
from rig.scan import ScanView
from rig.sources import Source
from stacker.formats.shotfacts import ShotFacts
from webui.api.answers import done, file_of
from webui.body import fields, whole_number
from webui.context import workflow
from webui.errors import BadRequestError

api = Blueprint("sources", __name__, url_prefix="/api/sources")

SCAN_ID = re.compile(r"[0-9a-f]{8}")


@api.get("")
def listing() -> Response:
    """Every source there is now, with what is known of it."""
    return jsonify({"sources": [told(source, seen) for source, seen in workflow().imports.sources()]})


@api.get("/<source:source_id>")
def detail(source_id: str) -> Response:
    """What was found on one, by numbers of frames; `?frames=0` leaves out what does not change any more."""
    source, seen = workflow().imports.source(source_id)
    answer = told(source, seen)
    if seen is not None:
        answer["groups"] = groups_of(source, seen)
        if whole_number("frames", default=1, low=0, high=1):
            answer["frames"] = columns_of(seen)
    return jsonify(answer)


@api.post("/<source:source_id>/scan")
def scan(source_id: str) -> Response:
    """Look through it, anew if that was done before; the answer names the job."""
    fields()
    return done(202, job=workflow().imports.scan(source_id))


@api.get("/<source:source_id>/frames/<int(max=99999):frame>.jpg")
def frame(source_id: str, frame: int) -> Response:
    """A small picture of a frame of the scan `?scan=`; 404 until it was looked at."""
    return file_of(workflow().imports.picture(source_id, scan_named(), frame))


def scan_named() -> str:
    """The scan that the numbers of frames belong to. Raises BadRequestError."""
    text = request.args.get("scan", "")
    if not SCAN_ID.fullmatch(text):
        raise BadRequestError("scan must be the id of a scan.")
    return text


def told(source: Source, seen: ScanView | None) -> dict[str, Any]:
    """A source as JSON, without its path."""
    scan = None
    if seen is not None:
        scan = {
            "id": seen.id,
            "state": seen.state,
            "done": seen.done,
            "total": seen.total,
            "frames": len(seen.frames),
            "brackets": seen.brackets,
            "complete": seen.complete,
            "passed_over": seen.passed_over,
            "error": seen.error,
        }
    return {"id": source.id, "name": source.name, "kind": source.kind, "scan": scan}


def groups_of(source: Source, seen: ScanView) -> list[dict[str, Any]]:
    """Neighbouring frames first..last, as the rig would divide them."""
    known = brackets_known(workflow().brackets(), source)
    makers: dict[Any, int] = {}
    groups = []
    for first, last, is_bracket in seen.groups:
        frame = seen.frames[first]
        about = asdict(frame)
        groups.append(
            {
                "first": first,
                "last": last,
                "bracket": is_bracket,
                "maker": makers.setdefault(
                    frame.maker, len(makers)
                ),  # only of one maker can groups be joined
                "bracket_id": known(frame, last - first + 1),
                **{name: about[name] for name in ("camera", "lens", "f_number", "exposure_s", "iso")},
            }
        )
    return groups


def columns_of(seen: ScanView) -> dict[str, Any]:
    """Of every frame its name, size, and time in seconds of the camera's own clock (null: not told)."""
    return {
        "names": [frame.name for frame in seen.frames],
        "bytes": [frame.file.size for frame in seen.frames],
        "times": [ShotFacts(taken=frame.taken).taken_s for frame in seen.frames],
    }
