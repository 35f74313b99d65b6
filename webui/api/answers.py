"""Answers several views share."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import IO, Any, cast

from flask import Response, jsonify, request, send_file

from rig.share import Shareable
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


def shareable_of(path: Path, download_name: str) -> Response:
    """A picture without what the camera wrote about place, owner and itself; it never changes either."""
    picture = Shareable(path)
    answer = send_file(
        cast(IO[bytes], picture),
        mimetype=TYPES[path.suffix.lower()],
        as_attachment="download" in request.args,
        download_name=download_name,
        conditional=True,
        etag=f"{path.stat().st_mtime_ns}-{picture.size}",
    )
    if answer.status_code == HTTPStatus.OK:
        answer.content_length = picture.size
    answer.headers["Cache-Control"] = keeping()
    return answer


def keeping() -> str:
    """How long a phone may keep a file that never changes."""
    return "private, max-age=31536000, immutable" if request.args.get("v") else "private, no-cache"
