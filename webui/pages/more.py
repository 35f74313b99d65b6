"""The page at /more."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint("more", __name__)


@pages.get("/more")
def page() -> str:
    """The shell; the script fills it."""
    return render_template("more.html")
