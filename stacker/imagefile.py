"""Read and write picture files of any kind the stacker knows; the kind is told by content, not by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy.typing as npt

from stacker.atomic import writing_atomically
from stacker.errors import FrameError, OutputError
from stacker.formats import bmp, jpeg, png, raw
from stacker.formats.header import Header, turn_upright
from stacker.formats.metadata import Metadata, result_metadata
from stacker.kernel.jpegs import Decoding
from stacker.planes import Planes, from_bgr, low_from_planes, with_bit_depth
from stacker.saying import say

Array = npt.NDArray[Any]

JPEG_SUFFIXES = frozenset({".jpg", ".jpeg"})
PNG_SUFFIXES = frozenset({".png"})
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
OUTPUT_SUFFIXES = JPEG_SUFFIXES | PNG_SUFFIXES | TIFF_SUFFIXES
_TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
INPUT_SUFFIXES = OUTPUT_SUFFIXES | raw.SUFFIXES | {".bmp"}


class _WholeFormat(Protocol):
    """A kind of picture that can only be decoded in one piece."""

    def read_header(self, path: Path) -> Header: ...
    def read_image(self, path: Path) -> Array: ...
    def read_metadata(self, path: Path) -> Metadata: ...


def read_header(path: Path) -> Header:
    """Size, depth and orientation without decoding. Raises FrameError naming the file if it is no picture."""
    with _named(path):
        whole = _whole_format(path)
        return whole.read_header(path) if whole else jpeg.read_header(path)


def read_planes(path: Path, header: Header | None = None) -> Planes:
    """The whole picture, upright. Raises FrameError naming the file when any part of it is damaged.

    header: what read_header gave, to save reading it again.
    """
    header = header or read_header(path)
    with _named(path):
        whole = _whole_format(path)
        if whole is None:
            return jpeg.read_planes(path, header)
        return from_bgr(turn_upright(whole.read_image(path), header.orientation), header.chroma_shift)


def begin_planes(path: Path, header: Header) -> Decoding | None:
    """Begin to decode what read_planes gives, from the top; None where a picture comes only whole, or not at all."""
    try:
        return None if _whole_format(path) else jpeg.begin_planes(path, header)
    except (FrameError, ValueError, OSError):
        return None


def read_low(path: Path, scale: int, header: Header | None = None) -> Array:
    """An upright copy `scale` (1, 2, 4, 8) times smaller: (h // scale, w // scale, 3) BGR, depth as stored.

    Straight from the DCT for a JPEG, by area reduction for others. Raises FrameError as read_planes does.
    """
    header = header or read_header(path)
    with _named(path):
        if _whole_format(path) is None:
            return jpeg.read_low(path, header, scale)
    return low_from_planes(read_planes(path, header), scale)


def read_preview(path: Path) -> Array | None:
    """The picture that a camera put into its raw, upright BGR uint8; None for other files, and where there is none.

    Raises FrameError when the raw is damaged.
    """
    with _named(path):
        return raw.read_preview(path) if _whole_format(path) is raw else None


def read_metadata(path: Path) -> Metadata:
    """EXIF and ICC profile of a picture file. Raises FrameError when it is no picture."""
    with _named(path):
        return (_whole_format(path) or jpeg).read_metadata(path)


def is_own_result(path: Path) -> bool:
    """Whether the file is a picture that this program wrote, and may write again."""
    try:
        return read_metadata(path).written_by_us
    except FrameError:
        return False


def write_planes(
    path: Path,
    planes: Planes,
    *,
    quality: int = 95,
    bit_depth: int | None = None,
    metadata: Metadata | None = None,
) -> None:
    """Write a picture; the suffix says the kind (.jpg, .png, .tif). Complete under its name, or not at all.

    quality: of a JPEG, 1..100. bit_depth: 8, 16, or None for that of the planes; a JPEG has always 8.
    Raises OutputError for an unknown suffix, or when the file cannot be written.
    """
    metadata = metadata or Metadata()
    suffix = path.suffix.lower()
    if suffix not in OUTPUT_SUFFIXES:
        raise OutputError(f"{path.name}: the name of a result should end in .jpg, .png or .tif")
    bit_depth = bit_depth or planes.bit_depth
    with writing_atomically(path) as file:
        if suffix in JPEG_SUFFIXES:
            jpeg.write(file, with_bit_depth(planes, 8), quality, metadata)
        elif suffix in PNG_SUFFIXES:
            png.write(file, planes, bit_depth, metadata)
        else:
            _tiff().write(file, planes, bit_depth, metadata)


def write_grey(
    path: Path,
    shape: tuple[int, int],
    bands: Iterable[Array],
    bit_depth: int = 16,
    chunks: Iterable[png.Chunk] = (),
) -> None:
    """Write a map of (h, w) pixels as a grey PNG. Raises OutputError.

    bands: its rows from the top, (n, w) each, uint8 or uint16 as bit_depth says. chunks: what else the file carries.
    """
    with writing_atomically(path) as file:
        png.write_grey(file, shape, bit_depth, bands, result_metadata(Metadata(), shape), chunks)


def _whole_format(path: Path) -> _WholeFormat | None:
    """The module that reads this file, None for a JPEG. Raises FrameError when it is none of them."""
    with path.open("rb") as file:
        start = file.read(8)
    if start and path.suffix.lower() in raw.SUFFIXES:
        return raw
    if start.startswith(jpeg.MAGIC):
        return None
    if start == png.MAGIC:
        return png
    if start.startswith(_TIFF_MAGICS):
        return _tiff()
    if start.startswith(bmp.MAGIC):
        return bmp
    raise FrameError(
        say("frame.no_picture", "this is no picture (JPEG, PNG, TIFF, BMP or camera raw)")
        if start
        else say("frame.empty", "the file is empty")
    )


def _tiff() -> ModuleType:
    """The module for TIFF; with what it needs it takes 3 MB, which a job with JPEGs does not have to carry."""
    from stacker.formats import tiff

    return tiff


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Put the file's name before what is wrong with it."""
    try:
        yield
    except FrameError as error:
        raise type(error)(say("frame.named", "{name}: {why}", name=path.name, why=error)) from error
    except OSError as error:
        raise FrameError(
            say(
                "frame.unread",
                "{name}: cannot be read ({why})",
                name=path.name,
                why=error.strerror or error,
            )
        ) from error
