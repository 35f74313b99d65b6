"""The page of one bracket and its results."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.context import workflow

pages = Blueprint("result", __name__)


@pages.get("/b/<bracket:bracket_id>")
def page(bracket_id: str) -> str:
    """The shell of a bracket that exists; the script fills it."""
    workflow().bracket(bracket_id)
    return render_template("result.html", bracket_id=bracket_id)
