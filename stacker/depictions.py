"""`fieldstack depth`: pictures of a depth map, from file to file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy.typing as npt

from stacker.atomic import check_output, writing_atomically
from stacker.depthmap import anaglyph, false_colour, wiggle_frames
from stacker.errors import FrameError, OutputError, SettingsError
from stacker.formats.metadata import result_metadata
from stacker.imagefile import OUTPUT_SUFFIXES, read_header, read_metadata, read_planes, write_planes
from stacker.planes import from_bgr, to_bgr, with_bit_depth

Array = npt.NDArray[Any]

WIGGLE_SUFFIXES = frozenset({".gif", ".webp"})
WIGGLE_WIDTH = 1000  # pixels at most: an animation is for a phone's screen
WIGGLE_FRAME_MS = 80
_PALETTE_PX = 200


@dataclass(frozen=True)
class Depictions:
    """Which pictures to write, and where. Raises SettingsError if none, or for a name with another ending."""

    false_colour: Path | None = None
    anaglyph: Path | None = None
    wiggle: Path | None = None
    strength_percent: float = 2.0

    def __post_init__(self) -> None:
        if not self.paths:
            raise SettingsError("say what to write: --false-colour, --anaglyph or --wiggle")
        for path in (self.false_colour, self.anaglyph):
            if path is not None and path.suffix.lower() not in OUTPUT_SUFFIXES:
                raise SettingsError(f"{path}: the name should end in .jpg, .png or .tif")
        if self.wiggle is not None and self.wiggle.suffix.lower() not in WIGGLE_SUFFIXES:
            raise SettingsError(f"{self.wiggle}: the name of an animation should end in .gif or .webp")

    @property
    def paths(self) -> list[Path]:
        """Every file that will be written."""
        return [path for path in (self.false_colour, self.anaglyph, self.wiggle) if path is not None]


def write_depictions(image: Path, depth: Path, confidence: Path | None, wanted: Depictions) -> list[Path]:
    """Write the pictures wanted; returns their paths.

    Raises FrameError, OutputError, and SettingsError when an input or another result would be replaced.
    """
    taken = {path.resolve() for path in (image, depth, confidence) if path is not None}
    for path in wanted.paths:
        if path.resolve() in taken:
            raise SettingsError(f"{path} is an input or another result already; give another name")
        taken.add(path.resolve())
        check_output(path)
    depths = _read_map(depth)
    if wanted.false_colour is not None:
        certain = None if confidence is None else _read_map(confidence)
        write_planes(wanted.false_colour, from_bgr(false_colour(depths, certain)))
    if wanted.anaglyph is not None or wanted.wiggle is not None:
        _write_views(image, depths, wanted)
    return wanted.paths


def _write_views(path: Path, depth: Array, wanted: Depictions) -> None:
    image = to_bgr(with_bit_depth(read_planes(path), 8))
    if image.shape[:2] != depth.shape:
        sizes = [f"{shape[1]}×{shape[0]}" for shape in (image.shape, depth.shape)]
        raise FrameError(
            f"{path.name} is {sizes[0]}, its depth map {sizes[1]}: they are not of the same stack"
        )
    if wanted.anaglyph is not None:
        picture = from_bgr(anaglyph(image, depth, wanted.strength_percent))
        write_planes(wanted.anaglyph, picture, metadata=result_metadata(read_metadata(path), depth.shape))
    if wanted.wiggle is not None:
        small_image, small_depth = _at_most(WIGGLE_WIDTH, image), _at_most(WIGGLE_WIDTH, depth)
        views = wiggle_frames(small_image, small_depth, strength_percent=wanted.strength_percent)
        write_animation(wanted.wiggle, views)


def write_animation(path: Path, pictures: list[Array]) -> None:
    """Write (h, w, 3) BGR uint8 pictures as an endless GIF or WebP, by the suffix. Raises OutputError."""
    try:
        from PIL import Image
    except ImportError as error:
        raise OutputError(f"{path}: animations need the package pillow") from error
    first, *others = (Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)) for picture in pictures)
    kind = path.suffix.lower().removeprefix(".")
    if kind == "gif":
        # One palette for all views, of a small copy: finding one for each takes ten times as long, and flickers.
        palette = first.resize((_PALETTE_PX, _PALETTE_PX)).quantize(256)
        first, *others = (view.quantize(palette=palette) for view in (first, *others))
    with writing_atomically(path) as file:
        first.save(
            file, kind, save_all=True, append_images=others, duration=WIGGLE_FRAME_MS, loop=0, quality=80
        )


def _read_map(path: Path) -> Array:
    """A grey picture of 8 or 16 bit as (h, w) uint16, white being 65535. Raises FrameError for one in colour."""
    if read_header(path).chroma_shift == 0:
        raise FrameError(f"{path.name} is a picture in colour, no depth or confidence map")
    return with_bit_depth(read_planes(path), 16).y


def _at_most(width: int, image: Array) -> Array:
    if image.shape[1] <= width:
        return image
    height = max(round(image.shape[0] * width / image.shape[1]), 1)
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
