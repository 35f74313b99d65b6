"""The tag directories (IFD) of TIFF 6.0, which EXIF and TIFF share: read, edit and write them as raw values.

Tolerant in reading: cameras write broken tags; an entry that does not fit its block is left out, never fatal.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
MAX_ENTRIES = 1000  # a directory of a photograph has some 60; a broken count should not make us read for ever


@dataclass(frozen=True)
class Entry:
    """One tag: its TIFF type, how many values, and these as bytes in the byte order of their block."""

    kind: int
    count: int
    raw: bytes


Directory = dict[int, Entry]
Block = bytes | mmap.mmap  # a block of EXIF, or a TIFF file mapped so that its pixels are never read


def byte_order(block: Block) -> str | None:
    """'<' or '>' for the struct module, None when the block does not begin like a TIFF."""
    return {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))


def read_directory(block: Block, offset: int) -> Directory:
    """The tags of the directory at this offset from the start of the block; empty when there is none."""
    order = byte_order(block)
    if order is None or not 8 <= offset <= len(block) - 2:
        return {}
    (entries,) = struct.unpack_from(order + "H", block, offset)
    directory = {}
    for position in range(offset + 2, offset + 2 + 12 * min(entries, MAX_ENTRIES), 12):
        if position + 12 > len(block):
            break
        tag, kind, count = struct.unpack_from(order + "HHI", block, position)
        size = TYPE_SIZES.get(kind, 0) * count
        start = position + 8 if size <= 4 else struct.unpack_from(order + "I", block, position + 8)[0]
        if size > 0 and start + size <= len(block):
            directory[tag] = Entry(kind, count, bytes(block[start : start + size]))
    return directory


def first_directory(block: Block) -> Directory:
    """The tags of IFD0."""
    order = byte_order(block)
    if order is None or len(block) < 8:
        return {}
    return read_directory(block, struct.unpack_from(order + "I", block, 4)[0])


def short_entry(order: str, *values: int) -> Entry:
    """Values 0..65535 as an entry."""
    return Entry(SHORT, len(values), struct.pack(f"{order}{len(values)}H", *values))


def long_entry(order: str, *values: int) -> Entry:
    """Values 0..2³²-1 as an entry."""
    return Entry(LONG, len(values), struct.pack(f"{order}{len(values)}I", *values))


def ascii_entry(value: str) -> Entry:
    """Text as an entry; what is not ASCII becomes '?'."""
    raw = value.encode("ascii", "replace") + b"\0"
    return Entry(ASCII, len(raw), raw)


def integer(entry: Entry | None, order: str, default: int) -> int:
    """The first value of a SHORT or LONG tag, or the default."""
    if entry is None or entry.kind not in (SHORT, LONG, 13):
        return default
    return int(struct.unpack_from(order + ("H" if entry.kind == SHORT else "I"), entry.raw)[0])


def rational(entry: Entry | None, order: str) -> float | None:
    """The first value of a RATIONAL tag; None when absent, of another type, or not above 0."""
    if entry is None or entry.kind != RATIONAL:
        return None
    above, below = struct.unpack_from(order + "II", entry.raw)
    return above / below if above and below else None


def integers(entry: Entry | None, order: str) -> tuple[int, ...]:
    """All values of a SHORT or LONG tag; none when absent or of another type."""
    if entry is None or entry.kind not in (SHORT, LONG, 13):
        return ()
    return struct.unpack(f"{order}{entry.count}{'H' if entry.kind == SHORT else 'I'}", entry.raw)


def text(entry: Entry | None) -> str | None:
    """An ASCII tag as text; None when absent or of another type."""
    if entry is None or entry.kind != ASCII:
        return None
    return entry.raw.split(b"\0", 1)[0].decode("ascii", "replace").strip()


def write_directory(directory: Directory, order: str, offset: int) -> bytes:
    """A directory as bytes that will lie at this (even) offset of their block, with its values behind it."""
    size = 2 + 12 * len(directory) + 4
    table = [struct.pack(order + "H", len(directory))]
    values = b""
    for tag, entry in sorted(directory.items()):
        if len(entry.raw) <= 4:
            value = entry.raw.ljust(4, b"\0")
        else:
            value = struct.pack(order + "I", offset + size + len(values))
            values += entry.raw + b"\0" * (len(entry.raw) % 2)
        table.append(struct.pack(order + "HHI", tag, entry.kind, entry.count) + value)
    return b"".join(table) + b"\0\0\0\0" + values
