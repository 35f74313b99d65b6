"""What this rig is: versions, names, clock; and everything a helper asks for, in one file."""

from __future__ import annotations

import io
import platform
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from flask import Blueprint, Response, json, jsonify, request

from rig.configfile import to_toml
from webui.api.state import snapshot
from webui.context import web, workflow

api = Blueprint("about", __name__)

LIBRARIES = ("fieldstack", "numpy", "opencv-python-headless", "flask", "waitress", "picamera2")


@api.get("/api/about")
def about() -> Response:
    """Version, the names this rig answers to, and its clock."""
    return jsonify(facts())


@api.get("/api/logs.zip")
def logs() -> Response:
    """Log, settings and state in one small file, without anything that would let somebody in."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("log.txt", without_secrets("\n".join(web().log.lines())) + "\n")
        archive.writestr("settings.toml", to_toml(workflow().settings.changed({"web.wifi_key": ""})))
        archive.writestr("state.json", json.dumps(snapshot(workflow().status()), indent=1))
        archive.writestr("about.json", json.dumps(facts(), indent=1))
    answer = Response(packed.getvalue(), mimetype="application/zip")
    answer.headers["Content-Disposition"] = 'attachment; filename="fieldstack-logs.zip"'
    return answer


def facts() -> dict[str, Any]:
    """What a person asks of a program that misbehaves."""
    return {
        "version": _version("fieldstack"),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "names": list(web().settings.host_names),
        "address": request.host,
        "now": round(workflow().time.now_s()),
        "clock": workflow().time.source.value,
        "peak_memory_mb": _peak_memory_mb(),
    }


def without_secrets(text: str) -> str:
    """The text with the PIN and the key of the network struck out, should one ever have got into it."""
    for secret in filter(None, (web().settings.pin, web().settings.wifi_key)):
        text = text.replace(secret, "•" * len(secret))
    return text


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _peak_memory_mb() -> float | None:
    """Most memory this process ever had resident; None where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return None
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, 1)
