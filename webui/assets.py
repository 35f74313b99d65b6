"""Scripts, styles and words under an address that changes with their content.

So a phone may keep them for ever and still never shows yesterday's page after an update. They are made small when
they are first asked for: comments and indentation are for those who read the source, not for a weak link.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import rcssmin
import rjsmin
from flask import Blueprint, Flask, Response, abort, request, send_from_directory, url_for
from werkzeug.security import safe_join

FOLDER = Path(__file__).parent / "static"
TEXT = {".js": "text/javascript", ".css": "text/css", ".json": "application/json", ".svg": "image/svg+xml"}
LONGEST_NAME = 200  # characters; ours have 20, and where file systems end varies
SHORTENED: dict[str, Callable[[str], str]] = {".js": rjsmin.jsmin, ".css": rcssmin.cssmin}
IMPORT = re.compile(r"""^import [^;]*?["']\./([\w.-]+\.js)["'];""", re.MULTILINE)

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
    path = Path(safe_join(str(FOLDER), name[:LONGEST_NAME]) or FOLDER)
    if path.suffix in TEXT and path.is_file():
        answer = packed(path)
    else:
        answer = send_from_directory(FOLDER, name, conditional=True)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


def packed(path: Path) -> Response:
    """A text, small and compressed where the phone takes that, which all do."""
    plain, zipped = small(path)
    takes = request.accept_encodings.quality("gzip") > 0
    answer = Response(zipped if takes else plain, mimetype=TEXT[path.suffix])
    answer.vary.add("Accept-Encoding")
    if takes:
        answer.content_encoding = "gzip"
    return answer


@functools.cache
def small(path: Path) -> tuple[bytes, bytes]:
    """A file without what only its reader needs, and the same compressed. A few ms once, on a small computer too."""
    shorten = SHORTENED.get(path.suffix, str)
    plain = shorten(path.read_text("utf-8")).encode()
    return plain, gzip.compress(plain, mtime=0)


@functools.cache
def modules(name: str) -> tuple[str, ...]:
    """A script and all that it imports, as names of js/. Asked for at once they cost one way over a weak link, not one
    for each step of the chain."""
    found = [name]
    for known in found:
        imported = IMPORT.findall((FOLDER / "js" / known).read_text("utf-8"))
        found += [one for one in imported if one not in found]
    return tuple(found)


def register(app: Flask) -> None:
    """Give every template asset("js/shoot.js") and modules("shoot.js")."""
    app.jinja_env.globals["asset"] = lambda name: url_for("assets.file", tag=version(), name=name)
    app.jinja_env.globals["modules"] = modules
