"""Many brackets in one go: those found in folders, each stacked on its own; a bad one never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stacker.bracketfinder import FEWEST_FRAMES, Group, find_groups, shot_order
from stacker.errors import CancelledError, FrameError, InputError, OutputError, StackerError
from stacker.glance import focus_signature, found_frame, low_copy
from stacker.imagefile import INPUT_SUFFIXES
from stacker.inputs import list_inputs
from stacker.job import StackJob
from stacker.order import natural_key
from stacker.sequence import Signature
from stacker.stack import Cancelled, Progress

DEEPEST = 8  # folders within folders


@dataclass(frozen=True)
class FoundBracket:
    """A bracket to be stacked: what its result is called, and its frames in order."""

    name: str
    frames: tuple[Path, ...]


@dataclass(frozen=True)
class BracketOutcome:
    """What became of one bracket: the picture (`why` None), or why there is none."""

    bracket: FoundBracket
    out: Path
    why: str | None = None
    was_there: bool = False  # stacked by an earlier run, and left as it is


def picture_folders(folder: Path, depth: int = DEEPEST) -> Iterator[Path]:
    """The folder and those within it that hold pictures, in the order people count; links are not followed.

    Raises InputError when a folder cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir(), key=lambda path: natural_key(path.name))
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be read: {error.strerror or error}") from error
    if any(path.suffix.lower() in INPUT_SUFFIXES and path.is_file() for path in entries):
        yield folder
    for path in entries:
        if depth and path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
            yield from picture_folders(path, depth - 1)


def find_brackets(
    folder: Path,
    whole: bool,
    progress: Progress,
    cancelled: Cancelled,
    warn: Callable[[str], None],
) -> list[FoundBracket]:
    """The brackets among the pictures of one folder; with whole all of them are one, in the order of names.

    Raises InputError when there is no bracket, CancelledError.
    """
    paths, passed_over = list_inputs([folder])
    for sentence in passed_over:
        warn(f"{folder.name}: {sentence}")
    if whole:
        return [FoundBracket(folder.name, tuple(paths))]
    readable = []
    for path in paths:
        try:
            readable.append((path, *found_frame(path)))
        except FrameError as error:
            warn(f"{folder.name}: {error}")
    order = shot_order([frame for _, frame, _ in readable])
    files = [readable[index] for index in order]
    signatures: dict[int, Signature] = {}
    for index, (path, _, header) in enumerate(files):
        if cancelled():
            raise CancelledError("the batch was cancelled")
        progress(index + 1, len(files), f"looking at {folder.name}")
        try:
            signatures[index] = focus_signature(low_copy(path, header))
        except FrameError:
            continue  # what is wrong with it is told when it is stacked
    groups = find_groups([frame for _, frame, _ in files], signatures)
    found = [group for group in groups if group.bracket]
    alone = sum(len(group) for group in groups if not group.bracket)
    if not found:
        raise InputError(
            f"there is no bracket of {FEWEST_FRAMES} frames or more among the {len(paths)} pictures of {folder}; "
            "--whole takes them as one"
        )
    if alone:
        warn(f"{folder.name}: {alone} of {len(files)} pictures belong to no bracket")
    return [
        FoundBracket(_name(folder, number, found), tuple(files[at][0] for at in range(g.first, g.last + 1)))
        for number, g in enumerate(found, start=1)
    ]


def _name(folder: Path, number: int, found: Sequence[Group]) -> str:
    return folder.resolve().name if len(found) == 1 else f"{folder.resolve().name}-{number:02d}"


def stack_each(
    brackets: Sequence[FoundBracket],
    outs: Sequence[Path],
    job: StackJob,
    again: bool,
    stack: Callable[[StackJob, str], object],
) -> Iterator[BracketOutcome]:
    """Stack the brackets one after the other, each outcome as soon as it is known.

    job: how; its inputs and out are replaced. stack: does one, given the job and what to call it; whatever it
    raises but CancelledError is an outcome.
    """
    for number, (bracket, out) in enumerate(zip(brackets, outs, strict=True), start=1):
        if out.exists() and not again:
            yield BracketOutcome(bracket, out, was_there=True)
            continue
        one = replace(
            job,
            inputs=bracket.frames,
            out=out,
            depth_map=None if job.depth_map is None else out.with_name(f"{out.stem}-depth.png"),
            report=None if job.report is None else out.with_suffix(".json"),
        )
        try:
            stack(one, f"{number} of {len(brackets)}, {bracket.name}")
        except CancelledError:
            raise
        except StackerError as error:
            yield BracketOutcome(bracket, out, why=str(error))
        except Exception as error:  # noqa: BLE001 - a fault met in one bracket must not cost the others
            yield BracketOutcome(
                bracket, out, why=f"this should not happen ({type(error).__name__}: {error})"
            )
        else:
            yield BracketOutcome(bracket, out)


def free_names(names: Sequence[str], folder: Path, suffix: str) -> list[Path]:
    """A file in the folder for each name; the same name twice gets a number, the same at every run."""
    taken: dict[str, int] = {}
    paths = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        count = f"-{taken[name]}" if taken[name] > 1 else ""
        paths.append(folder / f"{name}{count}{suffix}")
    return paths


def make_folder(folder: Path) -> None:
    """The folder of the results. Raises OutputError when it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {folder} cannot be made: {error.strerror or error}") from error
