"""Reading a request's JSON body and query without trusting them."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from flask import request

from webui.errors import BadRequestError

LONGEST_WHOLE = 18  # digits; what is longer fits no 64-bit number, and no float either in the end


def json_object() -> dict[str, Any]:
    """The JSON object sent, of finite numbers and whole characters. Raises BadRequestError."""
    try:
        sent = json.loads(
            request.get_data(), parse_int=_whole, parse_float=_finite, parse_constant=_no_number
        )
        json.dumps(sent, ensure_ascii=False).encode()  # half a character (a lone surrogate) is no text
    except (ValueError, RecursionError) as error:
        raise BadRequestError("The body must be a JSON object.") from error
    if not isinstance(sent, dict):
        raise BadRequestError("The body must be a JSON object.")
    return sent


def _whole(text: str) -> int:
    if len(text) > LONGEST_WHOLE:
        raise ValueError(f"{text[:20]}… is too long a number")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is beyond every number")
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number in JSON")


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
