"""A picture to be given away, without what the camera wrote about place, owner and itself."""

from __future__ import annotations

import io
import mmap
import os
from pathlib import Path

from stacker.formats.jpegsegments import APP1, head_without

APP13, COMMENT = 0xED, 0xFE  # IPTC captions and addresses; free text
LEFT_OUT = {APP1, APP13, COMMENT}


class Shareable(io.RawIOBase):
    """The JPEG under a path without EXIF, XMP, IPTC and comments; its pixels and its colour profile are as they were.

    A file to read from, for of a large picture no phone that takes its time should hold a copy in the rig's memory.
    Raises OSError when there is no such file, ValueError when it is empty.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            self._head, self._rest = head_without(data, LEFT_OUT)
            self.size = len(self._head) + max(0, len(data) - self._rest)
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Read on from there."""
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """At most so many bytes; all that are left without a number."""
        left = max(0, self.size - self._at)
        wanted = left if size is None or size < 0 else min(size, left)
        data = self._head[self._at : self._at + wanted]
        if len(data) < wanted:
            place = self._at + len(data) - len(self._head)
            data += os.pread(self._file.fileno(), wanted - len(data), self._rest + place)
        self._at += len(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
