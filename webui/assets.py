"""Scripts, styles and words under an address that changes with their content.

So a phone may keep them for ever and still never shows yesterday's page after an update.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, send_from_directory, url_for

FOLDER = Path(__file__).parent / "static"

pages = Blueprint("assets", __name__)


@functools.cache
def version() -> str:
    """A short hash over every file in static/."""
    digest = hashlib.sha256()
    for path in sorted(p for p in FOLDER.rglob("*") if p.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@pages.get("/s/<tag>/<path:name>")
def file(tag: str, name: str) -> Response:
    """One file. Another version's address is gone, not answered with other content."""
    if tag != version():
        abort(404)
    answer = send_from_directory(FOLDER, name, conditional=True)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def register(app: Flask) -> None:
    """Give every template asset("js/shoot.js")."""
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.file", tag=version(), name=name)
