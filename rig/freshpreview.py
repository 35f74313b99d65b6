"""A live picture of now: previews wait in the camera's queue, and old ones say nothing about a move."""

from __future__ import annotations

from typing import Protocol

from rig.devices.camera import Preview

STALE_PREVIEWS = 8  # that a camera's queue may hold


class PreviewSource(Protocol):
    """What is needed of a camera."""

    def preview(self) -> Preview:
        """The next live picture."""


def preview_from(camera: PreviewSource, moment_ns: int) -> Preview:
    """The first preview exposed at or after this moment of the camera's clock."""
    for _ in range(STALE_PREVIEWS):
        preview = camera.preview()
        if preview.timestamp_ns >= moment_ns:
            break
    return preview
