"""The pieces of a picture that are put together already, out of the way until the last one is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stacker.planes import Planes

Array = NDArray[Any]


class Pieces:
    """Bands of one picture, from the top. Kept in a file without a name where there is a folder for it.

    folder: None to keep them in memory. The file vanishes with the process, whatever happens.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file: IO[bytes] | None = None
        if folder is not None:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the pieces
        self._held: list[Planes] = []
        self._shapes: list[tuple[list[tuple[int, ...]], np.dtype[Any], int]] = []

    def __len__(self) -> int:
        return len(self._shapes)

    def append(self, piece: Planes) -> None:
        """Add the next one. Raises OSError when the disk is full."""
        self._shapes.append(([plane.shape for plane in piece], piece.dtype, piece.chroma_shift))
        if self._file is None:
            self._held.append(piece)
            return
        self._file.seek(0, 2)
        for plane in piece:
            self._file.write(np.ascontiguousarray(plane).data)
        self._file.flush()

    def __iter__(self) -> Iterator[Planes]:
        """The pieces, one at a time."""
        if self._file is None:
            yield from self._held
            return
        position = 0
        for shapes, dtype, chroma_shift in self._shapes:
            planes = []
            for shape in shapes:
                self._file.seek(position)
                data = bytearray(int(np.prod(shape)) * dtype.itemsize)
                position += self._file.readinto(data)  # type: ignore[attr-defined]
                planes.append(np.frombuffer(data, dtype).reshape(shape))
            yield Planes(planes[0], planes[1], planes[2], chroma_shift)

    def joined(self) -> Planes:
        """The whole picture."""
        if len(self) == 1:
            return next(iter(self))
        heights = [sum(shapes[index][0] for shapes, _, _ in self._shapes) for index in range(3)]
        shapes, dtype, chroma_shift = self._shapes[0]
        whole = [np.empty((height, shape[1]), dtype) for height, shape in zip(heights, shapes, strict=True)]
        rows = [0, 0, 0]
        for piece in self:
            for index, plane in enumerate(piece):
                whole[index][rows[index] : rows[index] + len(plane)] = plane
                rows[index] += len(plane)
        return Planes(whole[0], whole[1], whole[2], chroma_shift)
