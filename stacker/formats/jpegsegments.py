"""The segments of a JPEG in front of its picture data: read, left out, put in; pixels are never touched."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from typing import BinaryIO

from stacker.formats.metadata import Metadata

START = b"\xff\xd8"
SOS, EOI, APP0, APP1, APP2 = 0xDA, 0xD9, 0xE0, 0xE1, 0xE2
EXIF, ICC = b"Exif\0\0", b"ICC_PROFILE\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
_LARGEST_PAYLOAD = 65533


def segments(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Marker and payload of every segment up to the picture data; ends early where the file does."""
    if file.read(2) != START:
        return
    while True:
        if file.read(1) != b"\xff":
            return
        byte = b"\xff"
        while byte == b"\xff":  # a marker may be preceded by any number of fill bytes
            byte = file.read(1)
        length = file.read(2)
        if not byte or byte[0] in (SOS, EOI) or len(length) < 2:
            return
        payload = file.read(max(int.from_bytes(length, "big") - 2, 0))
        yield byte[0], payload


def without_segments(data: bytes, markers: set[int]) -> bytes:
    """The JPEG without the segments of these markers; from the picture data on it is copied as it is."""
    head, rest = head_without(data, markers)
    return head + data[rest:]


def head_without(data: bytes | mmap, markers: set[int]) -> tuple[bytes, int]:
    """What comes before the picture data, without the segments of these markers, and where the picture data begin."""
    kept = [data[:2]]
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if marker == SOS:
            break
        if marker not in markers:
            kept.append(data[position:end])
        position = end
    return b"".join(kept), position


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def write_with_metadata(file: BinaryIO, data: bytes, metadata: Metadata) -> None:
    """Write the JPEG with EXIF, XMP (APP1) and ICC (APP2) segments in front; pixels are not touched.

    EXIF must be the first segment (EXIF 2.3, 4.5.4), so the JFIF segment is dropped, as cameras do. An EXIF
    block too large for a segment is left out.
    """
    file.write(START)
    rest = len(START)
    if metadata.exif and len(metadata.exif) + len(EXIF) <= _LARGEST_PAYLOAD:
        file.write(_segment(APP1, EXIF + metadata.exif))
        if data[rest : rest + 2] == bytes([0xFF, APP0]):
            rest += 2 + int.from_bytes(data[rest + 2 : rest + 4], "big")
    if metadata.xmp and len(metadata.xmp) + len(XMP) <= _LARGEST_PAYLOAD:
        file.write(_segment(APP1, XMP + metadata.xmp))
    if metadata.icc:
        room = _LARGEST_PAYLOAD - len(ICC) - 2
        pieces = [metadata.icc[start : start + room] for start in range(0, len(metadata.icc), room)]
        for number, piece in enumerate(pieces, start=1):
            file.write(_segment(APP2, ICC + bytes([number, len(pieces)]) + piece))
    file.write(memoryview(data)[rest:])  # a copy would be as large as the file
