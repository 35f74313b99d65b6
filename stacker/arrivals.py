"""Frames that arrive one file at a time, while the bracket is being shot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stacker.errors import FrameError, InputError
from stacker.frames import FrameSource, open_frames
from stacker.report import FrameReport
from stacker.saying import say
from stacker.stack import Stack


@dataclass
class Arrivals:
    """Hands arriving frames to a stack."""

    stack: Stack
    first: FrameSource | None = None  # the first one that could be opened
    count: int = 0

    def take(self, path: Path) -> FrameReport:
        """Look at one more frame; one that cannot be opened keeps its number and is left out.

        Raises MemoryLimitError.
        """
        self.count += 1
        try:
            opened = open_frames([path])
        except (InputError, FrameError) as error:
            return self.stack.leave_out(path.name, error.said)
        self.first = self.first or opened
        return self.stack.look(opened, 0)

    @property
    def any(self) -> FrameSource:
        """A frame of the bracket. Raises InputError when there is none."""
        if self.first is None:
            raise InputError(say("stacker.none_left", "there are no frames that can be used"))
        return self.first
