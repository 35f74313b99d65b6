"""The only names that may stand in an address: ids by a fixed pattern, never file names."""

from __future__ import annotations

from werkzeug.routing import BaseConverter


class BracketIdConverter(BaseConverter):
    """A bracket: b000123."""

    regex = r"b[0-9]{6,9}"


class SourceIdConverter(BaseConverter):
    """A card or folder with frames of another camera: s3f2a91c0."""

    regex = r"s[0-9a-f]{8}"


class JobIdConverter(BaseConverter):
    """A look through a card, or an import: j0123abcd."""

    regex = r"j[0-9a-f]{8}"


class ResultIdConverter(BaseConverter):
    """A result of a bracket: r01."""

    regex = r"r[0-9]{2,4}"
