"""A ZIP file as a stream of known length: stored, not compressed, nothing kept in memory.

Photographs do not get smaller by deflating, and with the length known the phone shows progress.
Format: PKWARE APPNOTE 6.3, sections 4.3.7 (local header), 4.3.12 (directory), 4.3.14-16 (ends).
Checksums stand in the local headers, because a stored entry without them cannot be read as a stream.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 256 * 1024  # bytes per piece handed to the server
ELSEWHERE = 0xFFFFFFFF  # in a 32-bit field: look into the 64-bit record
LIMIT = ELSEWHERE  # from here on a figure needs the 64-bit record
UTF8_NAMES = 0x0800
VERSION = 45  # zip64
DOS_EPOCH = (0, 0x21)  # 1980-01-01: the frames carry their own dates


@dataclass(frozen=True)
class Entry:
    """A file and its name within the archive."""

    path: Path
    name: str


@dataclass(frozen=True)
class _Placed:
    """An entry whose place in the archive is known."""

    name: bytes
    size: int
    offset: int
    crc: int = 0


def archive_length(entries: Iterable[Entry]) -> int:
    """Bytes that stream() will yield."""
    offset, placed = 0, []
    for entry in entries:
        one = _Placed(entry.name.encode(), entry.path.stat().st_size, offset)
        placed.append(one)
        offset += len(_local_header(one)) + one.size
    return offset + len(_directory(placed, offset))


def stream(entries: Iterable[Entry]) -> Iterator[bytes]:
    """The archive, piece by piece. Files must not change meanwhile; ours never do once named."""
    offset, done = 0, []
    for entry in entries:
        placed = _Placed(entry.name.encode(), entry.path.stat().st_size, offset, _crc(entry.path))
        header = _local_header(placed)
        yield header
        yield from _pieces(entry.path)
        offset += len(header) + placed.size
        done.append(placed)
    yield _directory(done, offset)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece


def _crc(path: Path) -> int:
    crc = 0
    for piece in _pieces(path):
        crc = zlib.crc32(piece, crc)
    return crc


def _local_header(entry: _Placed) -> bytes:
    """4.3.7. A single file of ours stays below 4 GiB (61 MP at 16 bit has 0.4)."""
    if entry.size >= LIMIT:
        raise ValueError(
            f"{entry.name.decode()} has {entry.size} bytes, a file in the archive may have {LIMIT}"
        )
    fixed = struct.pack(
        "<4s5H3L2H", b"PK\3\4", VERSION, UTF8_NAMES, 0, *DOS_EPOCH, entry.crc, entry.size, entry.size,
        len(entry.name), 0,
    )  # fmt: skip
    return fixed + entry.name


def _directory(entries: list[_Placed], start: int) -> bytes:
    """4.3.12 and the end records; 64-bit ones only where a figure does not fit."""
    records = b"".join(_directory_record(e) for e in entries)
    count, size = len(entries), len(records)
    big = start >= LIMIT or count >= 0xFFFF
    ends = b""
    if big:
        ends = struct.pack(
            "<4sQ2H2L4Q", b"PK\6\6", 44, VERSION, VERSION, 0, 0, count, count, size, start
        ) + struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
    shown = min(count, 0xFFFF)
    ends += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, shown, shown, _short(size), _short(start), 0)
    return records + ends


def _directory_record(entry: _Placed) -> bytes:
    extra = struct.pack("<2HQ", 1, 8, entry.offset) if entry.offset >= LIMIT else b""
    fixed = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", VERSION, VERSION, UTF8_NAMES, 0, *DOS_EPOCH, entry.crc, entry.size,
        entry.size, len(entry.name), len(extra), 0, 0, 0, 0, _short(entry.offset),
    )  # fmt: skip
    return fixed + entry.name + extra


def _short(figure: int) -> int:
    return figure if figure < LIMIT else ELSEWHERE
