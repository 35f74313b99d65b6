"""The page of a card or folder with the frames of another camera."""

from __future__ import annotations

from flask import Blueprint, render_template

from webui.context import workflow

pages = Blueprint("cards", __name__)


@pages.get("/cards/<source:source_id>")
def page(source_id: str) -> str:
    """The shell of a source that is there; the script fills it."""
    source, _ = workflow().imports.source(source_id)
    return render_template("cards.html", source_id=source.id, source_name=source.name)
