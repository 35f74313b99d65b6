"""A live picture of now: previews wait in the camera's queue, and old ones say nothing about a move."""

from __future__ import annotations

from typing import Protocol

from rig.devices.camera import Preview

STALE_PREVIEWS = 8  # that a camera's queue may hold


class PreviewSource(Protocol):
    """What is needed of a camera."""

    def preview(self) -> Preview:
        """The next live picture."""

    def now_ns(self) -> int:
        """The clock of the previews' timestamps."""


def fresh_preview(camera: PreviewSource) -> Preview:
    """The first preview whose exposure begins after this call."""
    called_ns = camera.now_ns()
    for _ in range(STALE_PREVIEWS):
        preview = camera.preview()
        if preview.timestamp_ns >= called_ns:
            break
    return preview
