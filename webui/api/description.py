"""The OpenAPI description, written by hand in static/openapi.json and tested against the routes."""

from __future__ import annotations

from flask import Blueprint, Response

from webui.api.answers import file_of
from webui.assets import FOLDER

api = Blueprint("description", __name__)


@api.get("/api/openapi.json")
def openapi() -> Response:
    """What this API offers, as OpenAPI 3.1."""
    return file_of(FOLDER / "openapi.json")
