"""Align only: every frame as the reference frame sees it, in a file each, for other programs or for another look."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from stacker import memory
from stacker.atomic import check_output
from stacker.errors import OutputError, SettingsError
from stacker.formats.metadata import result_metadata
from stacker.frames import open_frames
from stacker.hotpixels import in_dark_frame, no_defects
from stacker.imagefile import JPEG_SUFFIXES, is_own_result, write_planes
from stacker.looked import Looked
from stacker.looking import Looking
from stacker.order import Order
from stacker.pipeline import Warn, check_reference, fail_if_strict, warn_of_input
from stacker.planes import Planes
from stacker.report import Report
from stacker.settings import StackSettings
from stacker.stack import Cancelled, Progress, Stack, never, no_progress
from stacker.transformsfile import KnownAligner, load_transforms, save_transforms


@dataclass(frozen=True)
class AlignJob:
    """What `fieldstack stack --align-only` is asked for."""

    inputs: tuple[Path, ...]
    folder: Path  # is made if it does not exist; the folder above it must
    settings: StackSettings = field(default_factory=StackSettings)
    quality: int = 95  # of JPEGs
    order: Order = "given"
    dark: Path | None = None
    strict: bool = False
    transforms: Path | None = None
    save_transforms: Path | None = None


def align_files(
    job: AlignJob,
    progress: Progress = no_progress,
    cancelled: Cancelled = never,
    warn: Warn = lambda sentence: None,
) -> Report:
    """Write every frame that fits, aligned and cropped alike: JPEG frames as JPEGs, others as TIFFs.

    Each file is written as soon as it is ready; those that are written stay when the work is cancelled. Raises
    what stack_files does, and SettingsError when a frame would be overwritten.
    """
    memory.return_freed_memory()
    source = open_frames(job.inputs, job.order, exclude=() if job.dark is None else (job.dark,))
    outputs = [job.folder / (path.stem + _suffix(path)) for path in source.paths]
    _check(job, source.paths, outputs)
    check_reference(source, job.settings)
    said = warn_of_input(source, job.strict, warn)
    known = None if job.transforms is None else load_transforms(job.transforms)
    if known is not None:
        known.check(len(source), source.shape)
    defects = no_defects() if job.dark is None else in_dark_frame(job.dark, source.shape)
    looking = Looking(
        lambda: Stack(job.settings, known=None if known is None else KnownAligner(known), defects=defects),
        job.order,
        is_folder=False,  # alignment depends little on the order, and the files keep their names
        keeps_order=known is not None,
    )
    stack, source, _ = looking.look(source, progress, cancelled, warn)
    outputs = [job.folder / (path.stem + _suffix(path)) for path in source.paths]
    job.folder.mkdir(exist_ok=True)

    def write(frame: Looked, planes: Planes) -> None:
        metadata = result_metadata(source.metadata(frame.at), planes.shape, f"{frame.name}, aligned")
        write_planes(outputs[frame.at], planes, quality=job.quality, metadata=metadata)

    report = stack.align(write, progress, cancelled)
    for sentence in report.warnings:
        if sentence not in said:
            warn(sentence)
    if job.save_transforms is not None:
        save_transforms(job.save_transforms, report, source.shape)
    fail_if_strict(report, job.strict)
    return report


def _suffix(frame: Path) -> str:
    return frame.suffix if frame.suffix.lower() in JPEG_SUFFIXES else ".tif"


def _check(job: AlignJob, frames: list[Path], outputs: list[Path]) -> None:
    taken = {path.resolve() for path in frames}
    for path in outputs:
        if path.resolve() in taken:
            raise SettingsError(
                f"{path} is a frame already, or two frames have its name; give another folder"
            )
        taken.add(path.resolve())
        if path.exists() and not is_own_result(path):
            raise SettingsError(f"{path} is there already and is no earlier result; give another folder")
    if job.folder.exists() and not job.folder.is_dir():
        raise OutputError(f"{job.folder} is no folder")
    if not job.folder.exists() and not job.folder.parent.is_dir():
        raise OutputError(f"{job.folder} cannot be made: the folder {job.folder.parent} does not exist")
    first = outputs[0] if job.folder.exists() else job.folder.parent / outputs[0].name
    check_output(first)
    if job.save_transforms is not None:
        check_output(job.save_transforms)
