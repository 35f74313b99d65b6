"""A glance at a picture file: what it says of itself, and where it is sharp; quicker than reading it in full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker.bracketfinder import FoundFrame
from stacker.formats.header import Header
from stacker.formats.shotfacts import shot_facts
from stacker.imagefile import read_header, read_low, read_metadata, read_preview
from stacker.light import light_of
from stacker.sequence import Signature, signature

Array = NDArray[Any]

_ENOUGH_PX = 480  # of the longer side: signatures have 24 tiles across


def found_frame(path: Path, folder: str = "", name: str | None = None) -> tuple[FoundFrame, Header]:
    """What the file says before any pixel. Raises FrameError when it is no picture.

    folder and name: how it is called, where path is only the way to open it.
    """
    header = read_header(path)
    facts = shot_facts(read_metadata(path))
    return FoundFrame(folder, path.name if name is None else name, header.shape, facts), header


def low_copy(path: Path, header: Header) -> Array:
    """(h, w, 3) BGR uint8, upright, of 480 px or somewhat more. Raises FrameError when it is damaged."""
    preview = read_preview(path)
    if preview is not None and max(preview.shape) >= _ENOUGH_PX:
        return reduced(preview, max(preview.shape) // _ENOUGH_PX)
    scale = 8
    while scale > 1 and max(header.shape) < _ENOUGH_PX * scale:
        scale //= 2
    low = read_low(path, scale, header)
    return low if low.dtype == np.uint8 else np.asarray(low >> 8, np.uint8)


def reduced(image: Array, times: int) -> Array:
    """A picture so many times smaller each way, by area averaging."""
    height, width = (max(side // times, 1) for side in image.shape[:2])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def focus_signature(low: Array) -> Signature:
    """Where a low copy is sharp, to be compared with others of the same size."""
    light = light_of(cv2.cvtColor(low, cv2.COLOR_BGR2GRAY))
    edges = cv2.Laplacian(light, cv2.CV_32F, ksize=3)
    return signature(np.asarray(cv2.multiply(edges, edges), np.float32))
