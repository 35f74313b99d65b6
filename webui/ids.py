"""The only names that may stand in an address: ids by a fixed pattern, never file names."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class BracketIdConverter(BaseConverter):
    """A bracket: b000123."""

    regex = r"b[0-9]{6,9}"


class ResultIdConverter(BaseConverter):
    """A result of a bracket: r01."""

    regex = r"r[0-9]{2,4}"
