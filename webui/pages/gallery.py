"""The page at /gallery."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint("gallery", __name__)


@pages.get("/gallery")
def page() -> str:
    """The shell; the script fills it."""
    return render_template("gallery.html")
