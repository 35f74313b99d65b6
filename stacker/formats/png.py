"""PNG, 8 and 16 bit: every checksum verified on reading; written in bands of rows with EXIF and ICC."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from stacker.errors import FrameError
from stacker.formats.header import Header
from stacker.formats.metadata import Metadata
from stacker.formats.whole import decode_with_opencv, read_with_opencv
from stacker.planes import Planes, bgr_strips
from stacker.saying import say

Array = npt.NDArray[Any]
Chunk = tuple[bytes, bytes]  # name, content

MAGIC = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _GREY_ALPHA = 0, 2, 4  # colour types of IHDR
_LARGEST_HELD = 1 << 24  # bytes of EXIF or ICC chunk; anything larger is no metadata of a photograph
# Photographs compress hardly better at higher levels, which cost a Pi many seconds; depth maps compress
# anyway.
_COMPRESSION_LEVEL = 2
# All that the picture needs. Of other chunks libpng prints warnings past any setting, such as "known incorrect sRGB
# profile", so it does not get to see them.
_PICTURE_CHUNKS = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}
_BAND_ROWS = 64
_FILTER_SUB = 1  # each byte minus that of the pixel to its left


def read_header(path: Path) -> Header:
    """Size, depth and orientation from the chunks before the picture. Raises FrameError if there are none."""
    size: tuple[int, int, int, int] | None = None
    exif: bytes | None = None
    with path.open("rb") as file:
        for name, payload in _chunks(file, hold={b"IHDR", b"eXIf"}, stop=b"IDAT"):
            if name == b"IHDR" and len(payload) == 13:
                size = struct.unpack_from(">IIBB", payload)
            elif name == b"eXIf":
                exif = payload
    if size is None or size[0] == 0 or size[1] == 0:
        raise FrameError(say("frame.ends_early", "the {kind} ends before its picture begins", kind="PNG"))
    width, height, bits, colour_type = size
    shift = 1 if colour_type in (_GREY, _GREY_ALPHA) else 0
    return Header(height, width, 16 if bits == 16 else 8, shift, Metadata(exif=exif).orientation)


def read_image(path: Path) -> Array:
    """The picture as stored, BGR or grey. Raises FrameError when a checksum fails or the end is missing."""
    with path.open("rb") as file:
        names = {name for name, _ in _chunks(file, hold=set(), stop=None)}
    if names <= _PICTURE_CHUNKS:
        return read_with_opencv(path)
    return decode_with_opencv(_without_the_rest(path))


def read_metadata(path: Path) -> Metadata:
    """EXIF and ICC profile of the file."""
    exif = icc = None
    with path.open("rb") as file:
        for name, payload in _chunks(file, hold={b"eXIf", b"iCCP"}, stop=None):
            if name == b"eXIf":
                exif = payload
            elif name == b"iCCP":
                icc = _profile(payload)
    return Metadata(exif, icc)


def write(file: BinaryIO, planes: Planes, bit_depth: int, metadata: Metadata) -> None:
    """Write the picture as RGB of 8 or 16 bit."""
    height, width = planes.shape
    bands = (strip[..., ::-1] for _, strip in bgr_strips(planes, _BAND_ROWS, bit_depth))
    _write(file, (width, height, bit_depth, _RGB), bands, metadata)


def write_grey(
    file: BinaryIO,
    shape: tuple[int, int],
    bit_depth: int,
    bands: Iterable[Array],
    metadata: Metadata,
    chunks: Iterable[Chunk] = (),
) -> None:
    """Write a grey PNG of (h, w) pixels. bands: its rows from the top, (n, w) uint8 or uint16.

    chunks: what else it carries, before the picture.
    """
    height, width = shape
    cut = (
        band[top : top + _BAND_ROWS, :, np.newaxis]
        for band in bands
        for top in range(0, len(band), _BAND_ROWS)
    )
    _write(file, (width, height, bit_depth, _GREY), cut, metadata, chunks)


def _write(
    file: BinaryIO,
    size: tuple[int, int, int, int],
    bands: Iterable[Array],
    metadata: Metadata,
    chunks: Iterable[Chunk] = (),
) -> None:
    file.write(MAGIC)
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, 0, 0, 0))
    if metadata.icc:
        _write_chunk(file, b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc))
    if metadata.exif:
        _write_chunk(file, b"eXIf", metadata.exif)
    if metadata.xmp:
        _write_chunk(file, b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp)
    for name, payload in chunks:
        _write_chunk(file, name, payload)
    packer = zlib.compressobj(_COMPRESSION_LEVEL)
    for band in bands:
        _write_chunk(file, b"IDAT", packer.compress(_filtered(band)))
    _write_chunk(file, b"IDAT", packer.flush())
    _write_chunk(file, b"IEND", b"")


def _filtered(band: Array) -> bytes:
    """Rows (n, w, c) as PNG scan lines with the Sub filter, big-endian."""
    height, width, channels = band.shape
    pixel_bytes = channels * band.dtype.itemsize
    raw = np.ascontiguousarray(band.astype(band.dtype.newbyteorder(">"))).view(np.uint8)
    raw = raw.reshape(height, width * pixel_bytes)
    lines = np.empty((height, 1 + width * pixel_bytes), np.uint8)
    lines[:, 0] = _FILTER_SUB
    lines[:, 1 : 1 + pixel_bytes] = raw[:, :pixel_bytes]
    np.subtract(raw[:, pixel_bytes:], raw[:, :-pixel_bytes], out=lines[:, 1 + pixel_bytes :])
    return lines.tobytes()


def _write_chunk(file: BinaryIO, name: bytes, payload: bytes) -> None:
    if payload or name == b"IEND":
        file.write(struct.pack(">I", len(payload)) + name)
        file.write(payload)
        file.write(struct.pack(">I", zlib.crc32(payload, zlib.crc32(name))))


def _chunks(file: BinaryIO, hold: set[bytes], stop: bytes | None) -> Iterator[tuple[bytes, bytes]]:
    """Name and payload of each chunk, the payload empty unless its name is in `hold`, until `stop` or IEND.

    Raises FrameError when a checksum fails or the file ends early.
    """
    file.read(len(MAGIC))
    name = b""
    while name != b"IEND":
        head = file.read(8)
        length, name = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8:
            raise FrameError(say("frame.png_early", "the picture is damaged (the PNG ends early)"))
        if name == stop:
            return
        crc = zlib.crc32(name)
        kept: list[bytes] = []
        while length > 0:
            piece = file.read(min(length, 1 << 16))
            if not piece:
                raise FrameError(say("frame.png_early", "the picture is damaged (the PNG ends early)"))
            crc, length = zlib.crc32(piece, crc), length - len(piece)
            if name in hold and len(kept) << 16 < _LARGEST_HELD:
                kept.append(piece)
        if file.read(4) != struct.pack(">I", crc):
            raise FrameError(
                say(
                    "frame.checksum",
                    "the picture is damaged (checksum of PNG chunk {chunk} is wrong)",
                    chunk=name.decode("ascii", "replace"),
                )
            )
        yield name, b"".join(kept)


def _without_the_rest(path: Path) -> bytearray:
    """The file with its picture alone; it must be whole."""
    kept = bytearray(MAGIC)
    with path.open("rb") as file:
        file.seek(len(MAGIC))
        while head := file.read(8):
            length = int.from_bytes(head[:4], "big") + 4  # and the checksum
            if head[4:] in _PICTURE_CHUNKS:
                kept += head + file.read(length)
            else:
                file.seek(length, os.SEEK_CUR)
            if head[4:] == b"IEND":
                break
    return kept


def _profile(payload: bytes) -> bytes | None:
    _, _, packed = payload.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], _LARGEST_HELD) or None
    except zlib.error:
        return None
