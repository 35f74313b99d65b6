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

Plane = NDArray[Any]  # float32

_STEPS = 64.0  # per level of 255, as in a running result


class SmallPlanes:
    """A queue of planes of one size, one frame each; in a file without a name where there is a folder for it.

    most: that it will ever hold at once. exact: keep them as they are, not in 1/64 levels. folder: None to keep them in
    memory. The file vanishes with the process.
    """

    def __init__(self, most: int, exact: bool, folder: Path | None) -> None:
        self._most = most
        self._kind = np.dtype(np.float32 if exact else np.int16)
        self._file: IO[bytes] | None = None
        if folder is not None:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the planes
        self._held: deque[NDArray[Any]] = deque()
        self._shape: tuple[int, ...] = ()
        self._first = self._end = 0  # numbers of the first one in the queue, and of the next to come

    def __len__(self) -> int:
        return self._end - self._first

    def append(self, planes: list[Plane]) -> None:
        """Put the planes of one frame aside. Raises OSError when the disk is full."""
        stored = np.stack(planes) if self._kind == np.float32 else _coded(planes)
        self._shape = stored.shape
        if self._file is None:
            self._held.append(stored)
        else:
            self._file.seek(self._end % self._most * stored.nbytes)
            self._file.write(stored.data)
            self._file.flush()
        self._end += 1

    def take(self) -> list[Plane]:
        """The oldest ones; they are gone then. Raises OSError when they cannot be read back."""
        stored = self._held.popleft() if self._file is None else self._read(self._first % self._most)
        self._first += 1
        if self._kind == np.float32:
            return list(stored)
        return [plane.astype(np.float32) / np.float32(_STEPS) for plane in stored]

    def _read(self, place: int) -> NDArray[Any]:
        assert self._file is not None
        stored = np.empty(self._shape, self._kind)
        self._file.seek(place * stored.nbytes)
        if self._file.readinto(stored.data) != stored.nbytes:  # type: ignore[attr-defined]
            raise OSError("what was put aside cannot be read back")
        return stored


def _coded(planes: list[Plane]) -> NDArray[Any]:
    coded = np.empty((len(planes), *planes[0].shape), np.int16)
    for out, plane in zip(coded, planes, strict=True):
        np.rint(plane * np.float32(_STEPS), out=out, casting="unsafe")
    return coded
