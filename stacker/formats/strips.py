"""Whether the strips of a TIFF hold what they must, for kinds of compression whose decoder takes damage for good.

libtiff stops when a strip is full and passes over the rest. Neither LZW nor PackBits has a checksum, but a changed byte
mostly changes how many bytes the codes stand for. (Not always: a byte of PackBits that is taken as it is may be any.)
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterator
from typing import Any, BinaryIO

from stacker.kernel import load

LZW, PACKBITS = 5, 32773
_TILES, _SEPARATE = 322, 2  # a tag; a planar configuration
_CLEAR, _END, _FIRST, _MOST = 256, 257, 258, 4096  # codes of LZW
_PADDING_BITS = 24  # what may follow the last code

_LIBRARY = load("_lzw", "fieldstack_lzw_holds")
if _LIBRARY is not None:
    _LIBRARY.fieldstack_lzw_holds.argtypes = [ctypes.c_char_p, *[ctypes.c_int64] * 3]
    _LIBRARY.fieldstack_lzw_holds.restype = ctypes.c_int


def first_that_is_damaged(page: Any, file: BinaryIO) -> int | None:
    """Number of the first strip or tile of a tifffile page that cannot be whole; None when all may be.

    file: what the page is in, open.
    """
    holds = {LZW: lzw_holds, PACKBITS: packbits_holds}[int(page.compression)]
    pieces = zip(page.dataoffsets, page.databytecounts, _sizes(page), strict=False)
    for number, (offset, count, (wanted, padded)) in enumerate(pieces):
        file.seek(offset)
        if count and not holds(file.read(count), wanted, padded):
            return number
    return None


def _sizes(page: Any) -> Iterator[tuple[int, int]]:
    """Bytes that each piece stands for: those that the picture needs, and those that some programs fill it up to."""
    planes = page.samplesperpixel if page.planarconfig == _SEPARATE else 1
    samples = page.samplesperpixel // planes
    if _TILES in page.tags:
        across = -(-page.imagewidth // page.tilewidth) * -(-page.imagelength // page.tilelength)
        whole = page.tilelength * -(-page.tilewidth * samples * page.bitspersample // 8)
        yield from [(whole, whole)] * across * planes
        return
    row = -(-page.imagewidth * samples * page.bitspersample // 8)
    rows = min(page.rowsperstrip, page.imagelength)
    for _ in range(planes):
        for strip in range(math.ceil(page.imagelength / rows)):
            yield min(rows, page.imagelength - strip * rows) * row, rows * row


def lzw_holds(data: bytes, wanted: int, padded: int) -> bool:
    """Whether LZW codes (TIFF 6.0, section 13) stand for `wanted` bytes, or for `padded`."""
    if data[:1] == b"\0" and data[1:2] and data[1] & 1:  # codes begin at the lowest bit, as before TIFF 5
        return True
    if _LIBRARY is not None:
        return bool(_LIBRARY.fieldstack_lzw_holds(data, len(data), wanted, padded))
    return lzw_holds_by_hand(data, wanted, padded)


def lzw_holds_by_hand(data: bytes, wanted: int, padded: int) -> bool:
    """The same as the kernel says, a hundred times slower."""
    lengths = [1] * _MOST
    free, width, before, total, at, bits = _FIRST, 9, 0, 0, 0, 8 * len(data)
    while True:
        complete = total in (wanted, padded)
        if at + width > bits or (complete and bits - at < _PADDING_BITS):
            return complete
        word = int.from_bytes(data[at >> 3 : (at >> 3) + 3].ljust(3, b"\0"), "big")
        code = word >> (24 - (at & 7) - width) & ((1 << width) - 1)
        at += width
        if code == _END:
            return complete
        if code == _CLEAR:
            free, width, before = _FIRST, 9, 0
            continue
        if code > free or (code >= _FIRST and not before):
            return False
        here = lengths[code] if code < free else before + 1
        if before and free < _MOST:
            lengths[free] = before + 1
            free += 1
        while width < 12 and free >= (1 << width) - 1:
            width += 1
        before, total = here, total + here
        if total > max(wanted, padded):
            return False


def packbits_holds(data: bytes, wanted: int, padded: int) -> bool:
    """Whether runs (TIFF 6.0, section 9) stand for `wanted` bytes, or for `padded`; a byte may fill it up."""
    at = total = 0
    while at < len(data) - (total in (wanted, padded)):
        head = data[at]
        if head < 128:
            at, total = at + 2 + head, total + 1 + head
        elif head > 128:
            at, total = at + 2, total + 257 - head
        else:
            at += 1
    return at <= len(data) and total in (wanted, padded)
