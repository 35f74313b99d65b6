"""What a live pass makes the coarse levels from, put aside for some frames.

The coarse levels are a sixteenth of the work, and reach so far that they need to know the depths all around. So of each
frame its planes at a quarter of the size are put aside, and fused when the focus map knows the frames behind it.
"""

from __future__ import annotations

import tempfile
from collections import deque
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Kept = NDArray[Any]  # see stacker.fusion


class SmallPlanes:
    """A queue of planes of one size, one frame each; in a file without a name where there is a folder for it.

    most: that it will ever hold at once. folder: None to keep them in memory. The file vanishes with the process.
    """

    def __init__(self, most: int, folder: Path | None) -> None:
        self._most = most
        self._file: IO[bytes] | None = None
        if folder is not None:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the planes
        self._held: deque[list[Kept]] = deque()
        self._shape: tuple[int, ...] = ()
        self._kind: np.dtype[Any] = np.dtype(np.int16)
        self._first = self._end = 0  # numbers of the first one in the queue, and of the next to come

    def __len__(self) -> int:
        return self._end - self._first

    def append(self, planes: list[Kept]) -> None:
        """Put a copy of the planes of one frame aside. Raises OSError when the disk is full."""
        if self._file is None:
            self._held.append([plane.copy() for plane in planes])
        else:
            self._shape, self._kind = (len(planes), *planes[0].shape), planes[0].dtype
            self._file.seek(self._end % self._most * sum(plane.nbytes for plane in planes))
            for plane in planes:
                self._file.write(plane.data)
            self._file.flush()
        self._end += 1

    def take(self, room: list[Kept] | None = None) -> list[Kept]:
        """The oldest ones; they are gone then. Raises OSError when they cannot be read back.

        room: planes that are of no more use, to be written over where that saves memory.
        """
        planes = self._held.popleft() if self._file is None else self._read(self._first % self._most, room)
        self._first += 1
        return planes

    def _read(self, place: int, room: list[Kept] | None) -> list[Kept]:
        assert self._file is not None
        planes = room or [np.empty(self._shape[1:], self._kind) for _ in range(self._shape[0])]
        self._file.seek(place * sum(plane.nbytes for plane in planes))
        for plane in planes:
            if self._file.readinto(plane.data) != plane.nbytes:  # type: ignore[attr-defined]
                raise OSError("what was put aside cannot be read back")
        return planes
