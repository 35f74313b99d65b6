"""The page at /pair."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.context import workflow

pages = Blueprint("pair", __name__)


@pages.get("/pair")
def page() -> str:
    """The shell; the script fills it."""
    return render_template("pair.html", look_only=workflow().settings.web.look_only)
