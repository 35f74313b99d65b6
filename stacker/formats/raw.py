"""Camera raws and DNG, developed by LibRaw to 16 bit; needs the optional package rawpy."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from stacker.errors import FrameError
from stacker.formats.exif import Exif
from stacker.formats.header import Header
from stacker.formats.ifd import byte_order, first_directory, integers, read_directory
from stacker.formats.metadata import Metadata
from stacker.formats.whole import with_red_and_blue_exchanged
from stacker.saying import say

# Raws share the magic number of TIFF, or have one per maker: they are known by their suffix.
SUFFIXES = frozenset(
    f".{kind}"
    for kind in (
        *("3fr", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "iiq", "kdc", "mef", "mos"),
        *("mrw", "nef", "nrw", "orf", "pef", "raf", "raw", "rw2", "rwl", "srf", "srw", "x3f"),
    )
)

_TURNS = {3: cv2.ROTATE_180, 5: cv2.ROTATE_90_COUNTERCLOCKWISE, 6: cv2.ROTATE_90_CLOCKWISE}  # LibRaw's flips
_SUB_DIRECTORIES = 330
_PIECES = (273, 279), (324, 325)  # where the strips, the tiles of a picture begin, and how long they are


def read_header(path: Path) -> Header:
    """Size of the developed, upright picture. Raises FrameError without rawpy, for an unknown raw or half a DNG."""
    _check_length(path)
    with _open(path) as raw:
        sizes = raw.sizes
        # LibRaw flips: 3 = half turn, 5 and 6 = quarter turns. It turns the picture itself when developing.
        turned = sizes.flip in (5, 6)
        height, width = (sizes.iwidth, sizes.iheight) if turned else (sizes.iheight, sizes.iwidth)
        return Header(int(height), int(width), 16, chroma_shift=0)


def read_image(path: Path) -> npt.NDArray[Any]:
    """The developed picture, upright BGR uint16: camera white balance, sRGB, no automatic brightness.

    Automatic brightness would differ from frame to frame with the blur, and be undone by the photometric
    step.
    """
    with _open(path) as raw:
        rgb = raw.postprocess(use_camera_wb=True, no_auto_bright=True, output_bps=16)
    return with_red_and_blue_exchanged(rgb)


def read_preview(path: Path) -> npt.NDArray[Any] | None:
    """The picture that the camera put into the raw, upright (h, w, 3) BGR uint8; None where there is none of use."""
    import rawpy

    with _open(path) as raw:
        try:
            found = raw.extract_thumb()
        except rawpy.LibRawError:
            return None
        flip = raw.sizes.flip
    if found.format == rawpy.ThumbFormat.JPEG:
        image = cv2.imdecode(
            np.frombuffer(found.data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
    else:
        image = np.asarray(found.data)[..., ::-1]
    if image is None:
        return None
    turned = _TURNS.get(flip)
    return np.ascontiguousarray(image if turned is None else cv2.rotate(np.asarray(image), turned))


def read_metadata(path: Path) -> Metadata:
    """EXIF of raws built like a TIFF (DNG, NEF, CR2, ARW, ...); none of the others."""
    return Metadata(Exif.parse(path.read_bytes()[: 1 << 20]).pack())


def _check_length(path: Path) -> None:
    """Raise FrameError for a DNG that ends before its picture does: LibRaw would print that past any setting."""
    if path.suffix.lower() != ".dng":
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as block:
        order, main = byte_order(block) or "<", first_directory(block)
        directories = [
            main,
            *(read_directory(block, start) for start in integers(main.get(_SUB_DIRECTORIES), order)),
        ]
        for directory in directories:
            for starts, sizes in _PIECES:
                pieces = zip(
                    integers(directory.get(starts), order),
                    integers(directory.get(sizes), order),
                    strict=False,
                )
                if any(start + size > len(block) for start, size in pieces):
                    raise FrameError(
                        say("frame.cut_off", "the picture is damaged (the {kind} is cut off)", kind="raw")
                    )


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    try:
        import rawpy
    except ImportError as error:
        raise FrameError(
            say("frame.no_rawpy", "camera raws need the package rawpy: install fieldstack[raw]")
        ) from error
    try:
        with rawpy.imread(str(path)) as raw:
            yield raw
    except rawpy.LibRawError as error:
        raise FrameError(
            say("frame.undeveloped", "the raw cannot be developed ({why})", why=_told(error))
        ) from error


def _told(error: Exception) -> str:
    """LibRaw's own words; rawpy hands them on as bytes."""
    words = error.args[0] if error.args else ""
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
