"""BMP, read only: some microscope cameras write nothing else."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy.typing as npt

from stacker.errors import FrameError
from stacker.formats.header import Header
from stacker.formats.metadata import Metadata
from stacker.formats.whole import read_with_opencv
from stacker.saying import say

MAGIC = b"BM"


def read_header(path: Path) -> Header:
    """Size from the BITMAPINFOHEADER. Raises FrameError when the file is too short for one."""
    with path.open("rb") as file:
        start = file.read(26)
    if len(start) < 26:
        raise FrameError(say("frame.ends_early", "the {kind} ends before its picture begins", kind="BMP"))
    width, height = struct.unpack_from("<ii", start, 18)  # a negative height means: stored from the top
    if width <= 0 or height == 0:
        raise FrameError(
            say("frame.no_size", "a BMP of {size} pixels is no picture", size=f"{width}×{height}")
        )
    return Header(abs(height), width, 8, chroma_shift=0)


def read_image(path: Path) -> npt.NDArray[Any]:
    """The picture, BGR or grey. Raises FrameError when it is cut off."""
    return read_with_opencv(path)


def read_metadata(path: Path) -> Metadata:
    """BMP carries none."""
    return Metadata()
