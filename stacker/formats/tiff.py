"""TIFF, 8 and 16 bit: first page of any usual TIFF in; one plain, streamed page with EXIF and ICC out."""

from __future__ import annotations

import logging
import math
import mmap
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import tifffile

from stacker.errors import FrameError
from stacker.formats.exif import Exif
from stacker.formats.header import Header
from stacker.formats.ifd import BYTE, UNDEFINED, Directory, Entry, first_directory, long_entry, short_entry
from stacker.formats.metadata import Metadata
from stacker.formats.strips import LZW, PACKBITS, first_that_is_damaged
from stacker.formats.whole import as_bgr_or_grey, read_with_opencv, with_red_and_blue_exchanged
from stacker.planes import Planes, bgr_strips
from stacker.saying import say

Array = npt.NDArray[Any]

_ICC_PROFILE, _ORIENTATION, _STRIP_OFFSETS, _XMP = 34675, 274, 273, 700
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_PLAIN = {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE}  # no samples left out, as in YCbCr
# What tifffile decodes by itself, and strictly; OpenCV's libtiff takes a damaged deflate strip for good.
_OWN_COMPRESSIONS = {1, 8, 32946}
_ROWS_PER_STRIP = 64
# A tile may be larger than a small picture; beyond these a broken tag asks for memory without end.
_MOST_CHANNELS, _LEAST_PIECE_PX = 8, 512 * 512
_NOT_RGB = {"SEPARATED": "CMYK", "CIELAB": "Lab", "ICCLAB": "Lab", "ITULAB": "Lab"}
# What tifffile raises at broken tags: it takes their values for what they should be.
_BROKEN = (
    *(tifffile.TiffFileError, zlib.error, struct.error, ValueError, TypeError, LookupError, RuntimeError),
    *(ArithmeticError, AttributeError, MemoryError),
)

# A broken file is reported once, as a FrameError, not also through the log.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def read_header(path: Path) -> Header:
    """Size, depth and orientation of the first page. Raises FrameError if there is none, or for floats."""
    with _first_page(path) as page:
        height, width = int(page.imagelength), int(page.imagewidth)
        if page.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)) or height == 0 or width == 0:
            raise FrameError(
                say(
                    "frame.bits",
                    "a {kind} of {sample} cannot be stacked; save it with 8 or 16 bits per channel",
                    kind="TIFF",
                    sample=page.dtype,
                )
            )
        if max(page.size, math.prod(page.chunks)) > _MOST_CHANNELS * max(height * width, _LEAST_PIECE_PX):
            raise FrameError(
                say("frame.claims_more", "the picture is damaged (the TIFF claims more than its pixels)")
            )
        space = _NOT_RGB.get(getattr(page.photometric, "name", ""))
        if space:
            raise FrameError(
                say(
                    "frame.colours",
                    "a TIFF in {space} colours cannot be stacked; save it as RGB",
                    space=space,
                )
            )
        tag = page.tags.get(_ORIENTATION)
        orientation = int(tag.value) if tag is not None and tag.value in range(1, 9) else 1
        shift = 1 if page.photometric in (_WHITE_IS_ZERO, _BLACK_IS_ZERO) else 0
        return Header(height, width, 8 * page.dtype.itemsize, shift, orientation)


def read_image(path: Path) -> Array:
    """The first page as stored, BGR or grey. Raises FrameError when it is cut off or does not decode."""
    with _first_page(path) as page:
        own = page.compression in _OWN_COMPRESSIONS and page.photometric in (
            _WHITE_IS_ZERO,
            _BLACK_IS_ZERO,
            _RGB,
        )
        if not own:
            _check_parts(page, path)
        image = page.asarray() if own else None
        axes, photometric = page.axes, page.photometric
    if image is None:
        return read_with_opencv(path)
    if axes == "SYX":
        image = np.moveaxis(image, 0, -1)
    image = as_bgr_or_grey(np.asarray(image))
    if photometric == _WHITE_IS_ZERO:
        image = np.invert(image)
    return image if image.ndim == 2 else with_red_and_blue_exchanged(image)


def _check_parts(page: Any, path: Path) -> None:
    """Raise FrameError for a strip or tile that OpenCV would take for good though it is none."""
    ends = [start + size for start, size in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=0) > path.stat().st_size:
        raise FrameError(say("frame.cut_off", "the picture is damaged (the {kind} is cut off)", kind="TIFF"))
    if page.compression not in (LZW, PACKBITS) or page.fillorder != 1 or page.photometric not in _PLAIN:
        return
    with path.open("rb") as file:
        damaged = first_that_is_damaged(page, file)
    if damaged is not None:
        raise FrameError(
            say(
                "frame.part",
                "the picture is damaged (part {part} of the TIFF does not decode)",
                part=damaged + 1,
            )
        )


def read_metadata(path: Path) -> Metadata:
    """EXIF (the directories of the file are such a block) and ICC profile."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as block:
        profile = first_directory(block).get(_ICC_PROFILE)
        return Metadata(Exif.parse(block).pack(), profile.raw if profile else None)


def write(file: BinaryIO, planes: Planes, bit_depth: int, metadata: Metadata) -> None:
    """Write the picture as one RGB page of 8 or 16 bit, in strips.

    Uncompressed: every program reads it, and every size is known before the first pixel is converted.
    """
    height, width = planes.shape
    row_bytes = width * 3 * bit_depth // 8
    sizes = [min(_ROWS_PER_STRIP, height - top) * row_bytes for top in range(0, height, _ROWS_PER_STRIP)]
    exif = Exif.parse(metadata.exif or b"")
    page = exif.main | _page_directory(exif.order, planes.shape, bit_depth, sizes)
    if metadata.icc:
        page[_ICC_PROFILE] = Entry(UNDEFINED, len(metadata.icc), metadata.icc)
    if metadata.xmp:
        page[_XMP] = Entry(BYTE, len(metadata.xmp), metadata.xmp)
    start = len(
        replace(exif, main=page).pack()
    )  # known before the offsets are: they are as long as the zeros
    offsets = accumulate(sizes[:-1], initial=start)
    page[_STRIP_OFFSETS] = long_entry(exif.order, *offsets)
    file.write(replace(exif, main=page).pack())
    dtype = np.dtype(f"{exif.order}u{bit_depth // 8}")
    for _, strip in bgr_strips(planes, _ROWS_PER_STRIP, bit_depth):
        file.write(np.ascontiguousarray(strip[..., ::-1], dtype).data)


def _page_directory(order: str, shape: tuple[int, int], bit_depth: int, strip_sizes: list[int]) -> Directory:
    """The tags TIFF 6.0 asks for in an RGB page (section 6), offsets still zero."""
    height, width = shape
    return {
        256: long_entry(order, width),
        257: long_entry(order, height),
        258: short_entry(order, *[bit_depth] * 3),
        259: short_entry(order, 1),  # no compression
        262: short_entry(order, _RGB),
        _STRIP_OFFSETS: long_entry(order, *[0] * len(strip_sizes)),
        _ORIENTATION: short_entry(order, 1),
        277: short_entry(order, 3),  # samples per pixel
        278: long_entry(order, _ROWS_PER_STRIP),
        279: long_entry(order, *strip_sizes),
        284: short_entry(order, 1),  # samples of a pixel lie together
    }


@contextmanager
def _first_page(path: Path) -> Iterator[Any]:
    try:
        with tifffile.TiffFile(path) as file:
            yield file.pages[0]
    except FrameError:
        raise
    except _BROKEN as error:
        raise FrameError(
            say("frame.tiff_broken", "the picture is damaged (the TIFF is cut off or does not decode)")
        ) from error
