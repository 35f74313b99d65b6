"""Pure: a picture to be given away, without what the camera wrote about place, owner and itself."""

from __future__ import annotations

from stacker.formats.jpegsegments import APP1, without_segments

APP13, COMMENT = 0xED, 0xFE  # IPTC captions and addresses; free text


def shareable(jpeg: bytes) -> bytes:
    """The JPEG without EXIF, XMP, IPTC and comments; its pixels and its colour profile are as they were."""
    return without_segments(jpeg, {APP1, APP13, COMMENT})
