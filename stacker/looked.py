"""A frame of the bracket, and what the survey made of it."""

from __future__ import annotations

from dataclasses import dataclass

from stacker.frames import FrameSource


@dataclass
class Looked:
    """One frame, in shot order among the others."""

    source: FrameSource | None  # None when it could not even be opened
    at: int  # index within its source
    name: str
    slot: int | None = None  # number in the survey; None when it could not be read
    reason: str | None = None  # why it was left out, a sentence

    @property
    def opened(self) -> FrameSource:
        """The source of a frame that was read before."""
        assert self.source is not None
        return self.source
