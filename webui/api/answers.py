"""Answers several views share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Response, jsonify, request, send_file

from webui.api.control import seen_by_me
from webui.api.state import snapshot
from webui.context import workflow

TYPES = {
    ".jpg": "image/jpeg", ".png": "image/png", ".tif": "image/tiff", ".json": "application/json",
    ".dng": "image/x-adobe-dng",
}  # fmt: skip


def done(status: int = 200, **more: Any) -> Response:
    """What a command answers: the state after it, so the page need not wait for the stream."""
    answer = jsonify({"state": snapshot(workflow().status()), "control": seen_by_me(), **more})
    answer.status_code = status
    return answer


def file_of(path: Path, download_name: str | None = None) -> Response:
    """A complete, never-changing file of a bracket, by ETag and byte range.

    With `?v=` (the bracket's own mark, see `mark`) the phone may keep it; without, it asks each time.
    `?download` makes it a saved file under download_name.
    """
    answer = send_file(
        path,
        mimetype=TYPES.get(path.suffix.lower(), "application/octet-stream"),
        as_attachment="download" in request.args,
        download_name=download_name or path.name,
        conditional=True,
    )
    answer.headers["Cache-Control"] = keeping()
    return answer


def bytes_of(data: bytes, made_from: Path, download_name: str) -> Response:
    """Something made from such a file, which never changes either."""
    answer = Response(data, mimetype=TYPES[made_from.suffix.lower()])
    answer.set_etag(f"{made_from.stat().st_mtime_ns}-{len(data)}")
    answer.headers["Cache-Control"] = keeping()
    if "download" in request.args:
        answer.headers["Content-Disposition"] = f'attachment; filename="{download_name}"'
    answer.make_conditional(request)
    return answer


def keeping() -> str:
    """How long a phone may keep a file that never changes."""
    return "private, max-age=31536000, immutable" if request.args.get("v") else "private, no-cache"
