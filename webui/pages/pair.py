"""The page at /pair."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint("pair", __name__)


@pages.get("/pair")
def page() -> str:
    """The shell; the script fills it."""
    return render_template("pair.html")
