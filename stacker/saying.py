"""Sentences that programs can say in other languages too: English text that knows its code and figures.

The command line shows the text. Who shows it elsewhere (the report, the worker's events) has code and figures beside
it. This is what the stacker needs of rig/saying.py, which it may not know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Any


class Said(str):
    """A sentence with its code and figures."""

    __slots__ = ("code", "figures")
    code: str
    figures: Mapping[str, Any]  # plain JSON values

    def __new__(cls, text: str, code: str, figures: Mapping[str, Any]) -> Said:
        """The text as it stands."""
        made = super().__new__(cls, text)
        made.code, made.figures = code, figures
        return made

    def __deepcopy__(self, memo: object) -> Said:
        """Itself, as every text."""
        return self


def say(code: str, english: str, /, **figures: object) -> Said:
    """The sentence of this code: English with {figures} filled in, rounded as their format says.

    code and english stand literally in every call. A figure that is itself Said, or an error that was raised with
    one, is translated with it.
    """
    told = {
        name: _figure(figures[name], spec or "") for _, name, spec, _ in Formatter().parse(english) if name
    }
    values = {name: getattr(value, "said", value) for name, value in figures.items()}
    return Said(english.format(**values), code, told)


def coded(text: object) -> dict[str, Any] | None:
    """Code and figures of a sentence, as JSON; None of a plain text."""
    return {"code": text.code, "figures": dict(text.figures)} if isinstance(text, Said) else None


def all_coded(texts: Iterable[str]) -> list[dict[str, Any] | None] | None:
    """The same of several; None where none of them has a code."""
    codes = [coded(text) for text in texts]
    return codes if any(codes) else None


def _figure(value: object, spec: str) -> Any:
    value = getattr(value, "said", value)
    if isinstance(value, Said):
        return {"text": str(value), **(coded(value) or {})}
    if isinstance(value, int):
        return value
    return float(format(value, spec)) if isinstance(value, float) else str(value)
