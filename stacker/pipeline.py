"""The pipeline: frames in, one sharp picture out. Reads like a contents page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from stacker import memory
from stacker.atomic import check_output, write_atomically
from stacker.checkpoint import Checkpoint, fingerprint, state_files, state_path
from stacker.depthmap import encode_confidence
from stacker.errors import InputError, SettingsError
from stacker.formats.metadata import Metadata, result_metadata
from stacker.frames import FileSource, FrameSource, open_frames
from stacker.hotpixels import in_dark_frame, no_defects
from stacker.imagefile import write_grey, write_planes
from stacker.job import StackJob, check_outputs
from stacker.looking import Looking, look_at_all
from stacker.pixeldepth import depth_map
from stacker.planes import Planes
from stacker.preview import Preview
from stacker.regions import regions_chunk
from stacker.report import Report
from stacker.reporting import left_out_sentence
from stacker.settings import StackSettings
from stacker.slabs import slab_files, slab_path, slab_ranges
from stacker.sourcemap import source_map
from stacker.stack import Cancelled, FuseResult, Progress, Stack, never, no_progress
from stacker.stackfacts import stack_metadata
from stacker.transformsfile import KnownAligner, load_transforms, save_transforms

Warn = Callable[[str], None]


def stack_files(
    job: StackJob,
    progress: Progress = no_progress,
    cancelled: Cancelled = never,
    warn: Warn = lambda sentence: None,
) -> Report:
    """Do a whole job: read, stack, write every result it asks for. Returns what happened.

    warn is called with one sentence for everything the photographer should know. Raises InputError, OutputError,
    MemoryLimitError, CancelledError; nothing is then left under the name of a result.
    """
    check_outputs(job)
    known = None if job.transforms is None else load_transforms(job.transforms)
    heaps = 1 if job.settings.memory_limit_mb is not None else 1 + job.settings.most_threads
    memory.return_freed_memory(surveying=True, heaps=heaps)
    memory.forget_start()
    source = open_frames(
        job.inputs, job.order, exclude=(*job.not_frames, *state_files(job.out), *slab_files(job.out))
    )
    check_outputs(job, source.shape, 8 * source.dtype.itemsize)
    _check_slabs(job, source)
    if known is not None:
        known.check(len(source), source.shape)
    check_reference(source, job.settings)
    said = warn_of_input(source, job.strict, warn)
    defects = no_defects() if job.dark is None else in_dark_frame(job.dark, source.shape)
    looking = Looking(
        lambda: Stack(
            job.settings,
            scratch=job.out.parent,
            known=None if known is None else KnownAligner(known),
            defects=defects,
            slab=job.slab,
        ),
        job.order,
        is_folder=job.order == "given" and job.inputs[0].is_dir(),
        keeps_order=known is not None,
    )
    preview = None if job.preview is None else Preview(job.preview).show_now_and_then
    keeper = _checkpoint(job, source, warn)
    taken_up = _taken_up(job, looking.start(), source, keeper, warn)
    if taken_up is None:
        stack, source, keeper.order = looking.look(source, progress, cancelled, warn)
    else:
        stack, source = taken_up
    memory.return_freed_memory(heaps=heaps)

    def write_slab(number: int, planes: Planes) -> None:
        about = result_metadata(source.metadata(0), planes.shape, f"slab {number} of {job.out.name}")
        path = slab_path(job.out, number)
        write_planes(path, planes, quality=job.quality, bit_depth=job.bit_depth, metadata=about)

    result = stack.fuse(progress, cancelled, preview, keeper, write_slab)
    camera = source.metadata(result.report.reference)
    report = conclude(job, camera, len(source), result, source.shape, said, warn)
    keeper.remove()
    return report


def _check_slabs(job: StackJob, source: FileSource) -> None:
    """Raise OutputError when slabs cannot be written, SettingsError when one would replace a frame."""
    if job.slab is None:
        return
    frames = {path.resolve() for path in source.paths}
    for number, _ in enumerate(slab_ranges(len(source), job.slab), start=1):
        path = slab_path(job.out, number)
        if path.resolve() in frames:
            raise SettingsError(f"{path} is a frame already; give another name to the result")
        check_output(path)


def _checkpoint(job: StackJob, source: FileSource, warn: Warn) -> Checkpoint:
    others = [path for path in (job.transforms, job.dark) if path is not None]
    same = fingerprint(source.paths, job.settings, others)
    return Checkpoint(state_path(job.out), same, job.checkpoint_s, warn=warn)


def _taken_up(
    job: StackJob, stack: Stack, source: FileSource, keeper: Checkpoint, warn: Warn
) -> tuple[Stack, FileSource] | None:
    """The stack as an earlier run of the same job left it, and the frames in its order; None if there is none.

    Raises InputError when there must be one.
    """
    if job.resume is False:
        return None
    survived = keeper.load()
    if survived is not None:
        keeper.order = survived.order
        ordered = source if survived.order is None else source.reordered(survived.order)
        if stack.take_up(ordered, survived):
            warn("going on from where this stack was stopped (--no-resume starts anew)")
            return stack, ordered
    if job.resume:
        raise InputError(f"there is nothing to resume: {keeper.path} is missing or belongs to another stack")
    return None


def conclude(
    job: StackJob,
    camera: Metadata,
    frames: int,
    result: FuseResult,
    shape: tuple[int, int],
    said: Collection[str],
    warn: Warn,
) -> Report:
    """Say what was not said yet, and write the results; see write_results. Raises InputError with --strict."""
    for sentence in result.report.warnings:
        if sentence not in said:
            warn(sentence)
    fail_if_strict(result.report, job.strict)
    if result.report.used == 1:
        warn("only one frame could be used: the result is that frame")
    write_results(job, camera, frames, result, shape)
    return result.report


def fuse(
    source: FrameSource,
    settings: StackSettings | None = None,
    progress: Progress = no_progress,
    cancelled: Cancelled = never,
    scratch: Path | None = None,
) -> FuseResult:
    """Stack the frames of a source. Raises InputError, MemoryLimitError, CancelledError.

    scratch: a folder that may be written to where memory is short.
    """
    stack = Stack(settings or StackSettings(), scratch=scratch)
    look_at_all(stack, source, progress, cancelled)
    return stack.fuse(progress, cancelled)


def check_reference(source: FrameSource, settings: StackSettings) -> None:
    """Raise SettingsError, before the work, when the reference frame asked for is none of these."""
    wanted = settings.align.reference
    if wanted is not None and wanted >= len(source):
        raise SettingsError(
            f"reference frame {wanted} does not exist; there are {len(source)} frames, from 0"
        )


def warn_of_input(source: FrameSource, strict: bool, warn: Warn) -> list[str]:
    """Say what is wrong with the input before the work; returns what was said. strict: refuse missing frames."""
    said = [*source.warnings, *(left_out_sentence(problem.reason) for problem in source.problems)]
    for sentence in said:
        warn(sentence)
    if strict and source.problems:
        raise InputError(_refusal(len(source.problems)))
    return said


def fail_if_strict(report: Report, strict: bool) -> None:
    """Raise InputError when frames were left out and that must not be."""
    left_out = sum(not frame.used for frame in report.frames)
    if strict and left_out:
        raise InputError(_refusal(left_out))


def _refusal(frames: int) -> str:
    return f"{frames} frame{'s' * (frames > 1)} could not be used, and --strict was asked for"


def write_results(
    job: StackJob, camera: Metadata, frames: int, result: FuseResult, shape: tuple[int, int]
) -> None:
    """Write the picture and what else the job asks for, the picture last: when it is there, all is.

    camera: metadata of a frame, to be carried over. frames: how many there were, of (height, width).
    """
    report = result.report
    memory.trim()  # what the fusion took
    size = result.planes.shape
    if job.depth_map is not None:
        write_grey(job.depth_map, size, depth_map(result, frames), chunks=[regions_chunk(result)])
    if job.confidence is not None:
        bits = job.bit_depth or 8
        write_grey(job.confidence, size, [result.enlarge(encode_confidence(result.confidence, bits))], bits)
    if job.source_map is not None:
        write_grey(job.source_map, size, source_map(result))
    if job.save_transforms is not None:
        save_transforms(job.save_transforms, report, shape)
    if job.report is not None:
        write_atomically(job.report, report.as_json().encode())
    metadata = stack_metadata(camera, result, frames)
    if job.tiff is not None:
        write_planes(job.tiff, result.planes, bit_depth=16, metadata=metadata)
    write_planes(job.out, result.planes, quality=job.quality, bit_depth=job.bit_depth, metadata=metadata)
