"""Every word the pages say, in one place: static/i18n/<language>.json.

Templates call t("shoot.near"); scripts read the same file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request

FOLDER = Path(__file__).parent / "static" / "i18n"
LANGUAGES = {"en": "English", "de": "Deutsch"}
DEFAULT = "en"
# What the page remembers in readable cookies, so that the first paint is already right.
LOOKS = {"theme": ("sun", "dark", "night"), "hand": ("right", "left"), "units": ("metric", "imperial")}

Catalogue = Mapping[str, Mapping[str, str]]


def load() -> Catalogue:
    """Language -> key -> sentence."""
    return {code: json.loads((FOLDER / f"{code}.json").read_text("utf-8")) for code in LANGUAGES}


def language() -> str:
    """The language chosen on the phone, else the first one its browser prefers that we have."""
    chosen = request.cookies.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(LANGUAGES, DEFAULT) or DEFAULT


def look(name: str) -> str:
    """Theme, hand or units as remembered by the phone, checked against what exists."""
    choices = LOOKS[name]
    chosen = request.cookies.get(name)
    return chosen if chosen in choices else choices[0]


def register(app: Flask) -> None:
    """Give every template t(), the language and the look."""

    @app.context_processor
    def words() -> dict[str, Any]:
        code = language()
        catalogue: Catalogue = current_app.extensions["fieldstack"].strings
        return {
            "t": lambda key, **figures: catalogue[code][key].format(**figures),
            "lang": code,
            "languages": LANGUAGES,
            "looks": LOOKS,
            **{name: look(name) for name in LOOKS},
            "guest": g.get("guest", False),
        }
