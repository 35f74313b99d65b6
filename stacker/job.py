"""One stacking job: which frames, how, and where everything goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from stacker.atomic import check_output
from stacker.errors import SettingsError
from stacker.imagefile import (
    INPUT_SUFFIXES,
    JPEG_SUFFIXES,
    OUTPUT_SUFFIXES,
    PNG_SUFFIXES,
    TIFF_SUFFIXES,
    is_own_result,
)
from stacker.order import Order
from stacker.settings import StackSettings

STATE_SUFFIX = ".fieldstack-state"  # of a checkpoint, behind the name of the result


@dataclass(frozen=True)
class StackJob:
    """What `fieldstack stack` is asked for. Raises SettingsError for values that make no sense together."""

    inputs: tuple[Path, ...]  # frames in order, or one folder
    out: Path  # .jpg, .png or .tif: the suffix says the kind
    settings: StackSettings = field(default_factory=StackSettings)
    depth_map: Path | None = None  # 16-bit PNG
    confidence: Path | None = None  # PNG, 16-bit if bit_depth is 16, otherwise 8-bit
    report: Path | None = None  # JSON
    source_map: Path | None = None  # 16-bit PNG
    transforms: Path | None = None  # JSON, used instead of aligning
    save_transforms: Path | None = None  # JSON
    preview: Path | None = None  # JPEG of the growing picture
    tiff: Path | None = None  # the same picture with 16 bit and without loss, besides
    bit_depth: int | None = None  # 8 or 16; None = that of the frames (a JPEG has always 8)
    quality: int = 95  # of a JPEG, 1..100
    slab: int | None = None  # so many neighbouring frames are fused on their own too
    dark: Path | None = None  # a frame taken with the cap on: its hot pixels are painted over
    order: Order = "given"
    # From a checkpoint: True = that or nothing, None = if there is one, False = never.
    resume: bool | None = None
    checkpoint_s: float = 20.0  # between checkpoints
    strict: bool = False  # fail when any frame has to be left out

    def __post_init__(self) -> None:
        if self.out.suffix.lower() not in OUTPUT_SUFFIXES:
            raise SettingsError(f"{self.out}: the name of a result should end in .jpg, .png or .tif")
        for path in (self.depth_map, self.confidence, self.source_map):
            if path is not None and path.suffix.lower() not in PNG_SUFFIXES:
                raise SettingsError(
                    f"{path}: depth map and confidence are PNG files, a source map too; "
                    "the name should end in .png"
                )
        if self.preview is not None and self.preview.suffix.lower() not in JPEG_SUFFIXES:
            raise SettingsError(f"{self.preview}: a preview is a JPEG; the name should end in .jpg")
        if self.transforms is not None and self.settings.align.method == "none":
            raise SettingsError("--transforms and --align none contradict each other")
        if self.bit_depth not in (None, 8, 16):
            raise SettingsError(f"bit depth {self.bit_depth} is not 8 or 16")
        if self.bit_depth == 16 and self.out.suffix.lower() in JPEG_SUFFIXES:
            raise SettingsError(f"{self.out}: a JPEG has 8 bits; for 16 write a .png or .tif")
        if not 1 <= self.quality <= 100:
            raise SettingsError(f"quality {self.quality} is outside 1..100")
        if self.slab is not None and self.slab < 3:
            raise SettingsError(
                f"slabs of {self.slab} frames are too few: they overlap by 2, so 3 is the least"
            )
        if self.order not in get_args(Order):
            raise SettingsError(f"order {self.order!r} is not one of {', '.join(get_args(Order))}")
        self._check_that_nothing_is_overwritten()

    @property
    def outputs(self) -> tuple[Path, ...]:
        """Every file this job writes."""
        others = (
            self.depth_map,
            self.confidence,
            self.report,
            self.source_map,
            self.save_transforms,
            self.preview,
            self.tiff,
        )
        return (self.out, *(path for path in others if path is not None))

    @property
    def not_frames(self) -> tuple[Path, ...]:
        """Files that may lie among the frames and are none."""
        return (*self.outputs, *(path for path in (self.dark, self.transforms) if path is not None))

    def _check_that_nothing_is_overwritten(self) -> None:
        taken = {path.resolve(): "a frame" for path in self.inputs}
        if self.transforms is not None:
            taken[self.transforms.resolve()] = "an input"
        if self.dark is not None:
            taken[self.dark.resolve()] = "an input"
        for path in self.outputs:
            if path.resolve() in taken and not path.is_dir():
                raise SettingsError(f"{path} is {taken[path.resolve()]} already; give another name")
            taken[path.resolve()] = "another result"


def check_outputs(job: StackJob, shape: tuple[int, int] | None = None, bit_depth: int = 8) -> None:
    """Raise OutputError when a result cannot be written: folder missing, no right, too little space.

    shape, bit_depth: (h, w) and depth of the frames, where known; then the space that the results of a folder need
    together is checked too. Raises SettingsError when one would take the place of a picture among the frames.
    """
    needed: dict[Path, int] = {}
    for path in job.outputs:
        folder = path.parent.resolve()
        needed[folder] = needed.get(folder, 0) + (
            _largest_size(job, path, shape, job.bit_depth or bit_depth) if shape else 0
        )
        check_output(path, needed[folder], "the results need")
        _check_that_no_frame_is_replaced(job, path)


def _check_that_no_frame_is_replaced(job: StackJob, path: Path) -> None:
    """Only what an earlier run wrote may be replaced in a folder of frames: the rest may be frames, seen once only."""
    among_frames = any(each.is_dir() and path.parent.samefile(each) for each in job.inputs)
    if among_frames and path.suffix.lower() in INPUT_SUFFIXES and path.exists() and not is_own_result(path):
        raise SettingsError(f"{path} lies among the frames and is no earlier result; give another name")


def _largest_size(job: StackJob, path: Path, shape: tuple[int, int], bit_depth: int) -> int:
    """About the most bytes a result may need; a JPEG takes half a byte per pixel at quality 95."""
    pixels = shape[0] * shape[1]
    if path in (job.report, job.save_transforms, job.preview):
        return 1_000_000
    if path == job.tiff:
        return 6 * pixels
    if path != job.out:
        return 2 * pixels
    if path.suffix.lower() in JPEG_SUFFIXES:
        return pixels // 2
    uncompressed = 3 * pixels * bit_depth // 8
    return uncompressed if path.suffix.lower() in TIFF_SUFFIXES else uncompressed * 2 // 3
