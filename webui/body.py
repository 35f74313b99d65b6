"""Reading a request's JSON body and query without trusting them."""

from __future__ import annotations

from typing import Any

from flask import request

from webui.errors import BadRequestError


def json_object() -> dict[str, Any]:
    """The JSON object sent. Raises BadRequestError."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise BadRequestError("The body must be a JSON object.")
    return sent


def fields(**kinds: type) -> dict[str, Any]:
    """The JSON object sent, with only the named fields, each of its kind (or absent).

    Raises BadRequestError naming the field and what it should be. True is not an int here.
    """
    sent = json_object()
    for name, value in sent.items():
        if name not in kinds:
            raise BadRequestError(f"Unknown field {name[:40]!r}; known: {', '.join(kinds) or 'none'}.")
        if not isinstance(value, kinds[name]) or (isinstance(value, bool) and kinds[name] is not bool):
            raise BadRequestError(f"The field {name} must be of type {kinds[name].__name__}.")
    return sent


def whole_number(name: str, default: int, low: int, high: int) -> int:
    """A whole number of the query, clamped to low..high. Raises BadRequestError when it is none."""
    text = request.args.get(name)
    if text is None:
        return default
    try:
        return min(max(int(text[:20]), low), high)
    except ValueError as error:
        raise BadRequestError(f"{name} must be a whole number.") from error
