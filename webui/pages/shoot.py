"""The page at /."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint("shoot", __name__)


@pages.get("/")
def page() -> str:
    """The shell; the script fills it."""
    return render_template("shoot.html")
