"""A frame that is decoded row by row just ahead of the work on it, and forgotten behind: it is never there as a whole.

A live stack keeps its survey beside the running result, and has no room for a frame of 18 MB as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import memory
from stacker.kernel.jpegs import Decoding
from stacker.planes import Planes, chroma_shape
from stacker.state import FINE_LEVELS
from stacker.view import reduced_rows

_ROWS_AT_ONCE = 16  # that the decoder gives
_REACH = 16  # rows below, that a row is repaired from; at least hotpixels.REACH of either size
_AHEAD = 256  # rows that a thread with little else to do decodes before they are asked for
_FORGET_FROM = 128  # rows; to give back fewer costs more than they hold

Repair = Callable[[Planes, int, int], None]


class DamagedRowsError(OSError):
    """A frame can no longer be decoded, and part of it has gone into the result."""


class RowsAhead:
    """Follows the work on a frame, task by task. Every task begins and ends on one thread; several may be at work.

    shape: of the frame, (height, width). repair: is told which rows, (first, end), are there with what they are to be
    repaired from. threads: that work on it; a second one decodes rows before they are asked for.
    """

    whole = False

    def __init__(self, decoding: Decoding, shape: tuple[int, int], repair: Repair, threads: int = 1) -> None:
        half = chroma_shape(shape, 1)
        y, cb, cr = (np.empty(size, np.uint8) for size in (shape, half, half))
        self.planes = Planes(y, cb, cr, 1)
        self._decoding, self._repair = decoding, repair
        self._ahead = _AHEAD if threads > 1 else 0
        self._ready = self._forgotten = 0
        self._reduced: list[list[NDArray[Any]]] | None = None  # pieces of each plane
        self._needed: dict[int, tuple[int, int]] = {}
        self._decodes, self._of_needed = Lock(), Lock()

    def follow(self, needed: Sequence[tuple[int, int]], reduces: bool) -> None:
        """The work begins. needed: of each task, the first row of the frame that it needs, and the end of those.

        reduces: whether `reduced` will be asked for.
        """
        self._needed = dict(enumerate(needed))
        self._reduced = [[], [], []] if reduces else None

    def begin(self, task: int) -> None:
        """Have the rows that a task needs. Raises DamagedRowsError."""
        end = self._needed[task][1]
        if self._ready < end:
            with self._decodes:
                self._decode(end)
        elif self._ahead and self._ready < end + self._ahead and self._decodes.acquire(blocking=False):
            try:
                self._decode(end + self._ahead)
            finally:
                self._decodes.release()

    def done(self, task: int) -> None:
        """Nothing of the frame is needed any more for this task."""
        with self._of_needed:
            del self._needed[task]
            first = min((rows[0] for rows in self._needed.values()), default=self._ready)
            first = min(first, self._ready - _REACH)
            if first - self._forgotten < _FORGET_FROM:
                return
            self._forgotten = first
        for plane, row in zip(self.planes, (first, first // 2, first // 2), strict=True):
            memory.forget(plane[:row])

    def finish(self) -> None:
        """Decode what no task has needed: only then is it known that nothing is damaged. Raises DamagedRowsError."""
        with self._decodes:
            self._decode(self.planes.shape[0])

    def reduced(self) -> list[NDArray[Any]]:
        """The planes of the frame at a quarter of its size, see FrameView.reduced. Raises DamagedRowsError."""
        self.finish()
        assert self._reduced is not None
        return [np.concatenate(pieces) for pieces in self._reduced]

    def _decode(self, end: int) -> None:
        """Have all rows above `end` ready."""
        if end <= self._ready:
            return
        height, until = self.planes.shape[0], end + _REACH + _ROWS_AT_ONCE
        try:
            self._decoding.rows(self.planes, None if until >= height else until)
        except (ValueError, OSError) as error:
            raise DamagedRowsError(str(error)) from error
        ready = height if until >= height else until // _ROWS_AT_ONCE * _ROWS_AT_ONCE - _REACH
        self._repair(self.planes, self._ready, ready)
        if self._reduced is not None and (ready - self._ready >> FINE_LEVELS or not self._ready):
            rows = reduced_rows(self.planes, FINE_LEVELS, self._ready, ready)
            for pieces, piece in zip(self._reduced, rows, strict=True):
                pieces.append(piece)
        self._ready = ready
