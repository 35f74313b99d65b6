"""The next frame, decoded into the rows of the one at work that nobody needs any more: no thread waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Any

from numpy.typing import NDArray

from stacker.kernel.jpegs import Decoding
from stacker.planes import Planes

# Of the rows, at most. The others are for a thread that has little to do while the coarse levels are made.
_SHARE = 0.35
_ROWS_AT_ONCE = 64  # to ask the decoder for fewer costs more than they do


class RowsBehind:
    """Follows the work on a frame, task by task, with the decoding of another one of the same shape.

    planes: of the frame at work. That the other one is damaged is only told at the end: the frame at work must not be
    disturbed.
    """

    whole = True  # the frame at work

    def __init__(self, decoding: Decoding, planes: Planes) -> None:
        self._decoding = decoding
        self._planes = planes
        self._needed: dict[int, int] = {}
        self._of_needed = Lock()
        self._damaged = False
        self._begun = 0  # rows asked for
        self._decodes = Lock()

    def follow(self, needed: Sequence[tuple[int, int]], reduces: bool = False) -> None:
        """The work begins. needed: of each task, the first row of the frame that it needs, and the end of those."""
        self._needed = {task: first for task, (first, _) in enumerate(needed)}

    def reduced(self) -> list[NDArray[Any]]:
        """Not asked for: the frame at work is there as a whole."""
        raise NotImplementedError

    def begin(self, task: int) -> None:
        """Decode what there is room for, unless another thread does."""
        if self._damaged or not self._decodes.acquire(blocking=False):
            return
        try:
            most = int(_SHARE * self._planes.shape[0])
            with self._of_needed:
                end = min(self._needed.values(), default=0)
            end = min(end, most)
            if end >= self._begun + _ROWS_AT_ONCE:
                self._begun = end
                self._decode(end)
        finally:
            self._decodes.release()

    def done(self, task: int) -> None:
        """Nothing of the frame at work is needed any more for this task."""
        with self._of_needed:
            del self._needed[task]

    def finish(self) -> Planes | None:
        """The other frame, complete, when the one at work is done; None if it is damaged."""
        with self._decodes:
            self._decode(None)
        return None if self._damaged else self._planes

    def _decode(self, end: int | None) -> None:
        try:
            self._decoding.rows(self._planes, end)
        except (ValueError, OSError):
            self._damaged = True
