"""The first pass over the frames of a job, and the order they are taken in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from stacker.errors import CancelledError
from stacker.frames import FileSource, FrameSource
from stacker.order import Order
from stacker.readahead import ReadAhead
from stacker.stack import Cancelled, Glimpse, Progress, Stack, one_opencv_thread

Warn = Callable[[str], None]

_NAMES_TOLD = 6


@dataclass(frozen=True)
class Looking:
    """How to go about the first pass. start: makes a stack that has looked at nothing yet."""

    start: Callable[[], Stack]
    order: Order
    is_folder: bool  # nobody has put the frames into this order on purpose
    keeps_order: bool = False  # the order is part of what is known about the frames

    def look(
        self, source: FileSource, progress: Progress, cancelled: Cancelled, warn: Warn
    ) -> tuple[Stack, FileSource, list[int] | None]:
        """A stack that has looked at all frames; these in the order they were taken in; that order if it is not theirs.

        Frames of a folder that clearly do not follow one another in focus are taken in the order in which they do;
        frames given in some order stay in it, with a warning. Raises MemoryLimitError, CancelledError.
        """
        stack = self.start()
        look_at_all(stack, source, progress, cancelled)
        order = None if self.keeps_order else stack.order_of_focus(if_better=self.order != "focus")
        if order is None:
            return stack, source, None
        names = enumerated([source.names[index] for index in order])
        if self.order != "focus" and not self.is_folder:
            warn(f"the frames do not follow one another in focus; --order focus would take them as {names}")
            return stack, source, None
        if self.order != "focus":
            warn(f"the names do not follow the focus; the frames are taken as {names}")
        stack, source = self.start(), source.reordered(order)
        look_at_all(stack, source, progress, cancelled)
        return stack, source, order


def look_at_all(stack: Stack, source: FrameSource, progress: Progress, cancelled: Cancelled) -> None:
    """Have a stack look at every frame. Raises MemoryLimitError, CancelledError."""
    with ThreadPoolExecutor(1) as pool, one_opencv_thread():
        ahead = ReadAhead(lambda at: stack.glimpse(source, at), pool)
        for at in range(len(source)):
            if cancelled():
                raise CancelledError("the stack was cancelled")
            stack.look(source, at, lambda at=at: _glimpse(stack, ahead, at, len(source)))  # type: ignore[misc]
            progress(at + 1, len(source), "aligning")


def _glimpse(stack: Stack, ahead: ReadAhead[Glimpse], at: int, count: int) -> Glimpse:
    """What was read of a frame; the next one is read while this one is looked at."""
    try:
        return ahead.take(at)
    finally:
        if stack.threads > 1 and at + 1 < count:
            ahead.begin(at + 1)


def enumerated(names: Sequence[str]) -> str:
    """The first of some names, in a sentence."""
    told = ", ".join(names[:_NAMES_TOLD])
    return told if len(names) <= _NAMES_TOLD else f"{told} and so on"
