"""Frames of a card -> a bracket of the store: copied, checked and noted, and there as a whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rig.bracketfolder import BracketFolder, finish_folder
from rig.brackets import BracketSummary
from rig.cardfiles import JPEGS, CardFile, FileChangedError, opened_file, suffix_of
from rig.durable import as_store_error, sync_folder
from rig.errors import SourceError
from rig.saying import say
from rig.scan import CardFrame
from rig.sources import Source, shown_name
from rig.status import Outcome

CHUNK = 1 << 20  # stopping, and standing back for a bracket being shot, are felt within one
RESULT_SHARE = 0.3  # a fused picture, its depth map and small copies, of the bytes of one pixel


class CopyCancelledError(Exception):
    """The photographer called it off; the card has everything."""


def kept_suffix(frame: CardFrame) -> str:
    """What its file is called by in a bracket."""
    suffix = suffix_of(frame.file.path)
    return ".jpg" if suffix in JPEGS else suffix


def expected_bytes(frames: Sequence[CardFrame]) -> int:
    """Room that the frames and their stack will take."""
    pixels = max(frame.width * frame.height for frame in frames)
    return sum(frame.file.size for frame in frames) + round(3 * RESULT_SHARE * pixels)


def head_of(source: Source, frames: Sequence[CardFrame]) -> dict[str, Any]:
    """The first fact of a bracket from a card."""
    first = frames[0]
    return {
        "created": moment(first.taken),
        "frames_planned": len(frames),
        "imported": source.name,
        "devices": {
            "camera": {"name": first.camera or "unknown", "lens": first.lens, "f_number": first.f_number}
        },
    }


def copy_frames(
    begun: BracketFolder,
    source: Source,
    frames: Sequence[CardFrame],
    small: Callable[[int], Path | None],
    progress: Callable[[int], None],
    go_on: Callable[[], bool],
) -> BracketFolder:
    """Copy every frame into a bracket that was begun and give that its name; the card is only read.

    small: the small picture of a frame, where there is one. go_on: asked between chunks; it may wait, and False
    ends the copy. Whatever goes wrong, nothing is left behind: raises CopyCancelledError, SourceError,
    StoreError.
    """
    try:
        for index, frame in enumerate(frames):
            digest = _copy(source, frame.file, begun.new_frame_path(index, kept_suffix(frame)), go_on)
            picture = small(index)
            if picture is not None:
                with contextlib.suppress(OSError):
                    shutil.copyfile(picture, begun.thumb_path(index))
            begun.note("frame", **_facts(index, frame, digest))
            progress(index + 1)
        sync_folder(begun.path / "frames")
        begun.note("ended", outcome=Outcome.COMPLETE.value)
        return finish_folder(begun)
    except BaseException:
        shutil.rmtree(begun.path, ignore_errors=True)
        raise


def _copy(source: Source, file: CardFile, to: Path, go_on: Callable[[], bool]) -> str:
    """Copy one file; its SHA-256."""
    digest, left = hashlib.sha256(), file.size
    with contextlib.ExitStack() as opened:
        try:
            handle = opened.enter_context(opened_file(source.root, file))
        except OSError as error:
            raise _unread(source, file, error) from error
        try:
            copy = opened.enter_context(to.open("wb", buffering=0))  # nothing left to fail in closing it
        except OSError as error:
            raise as_store_error(error, to, file.size) from error
        while left > 0:
            if not go_on():
                raise CopyCancelledError
            try:
                chunk = os.read(handle, min(CHUNK, left))
            except OSError as error:
                raise _unread(source, file, error) from error
            if not chunk:
                raise _unread(source, file, FileChangedError())
            digest.update(chunk)
            left -= len(chunk)
            try:
                _write_all(copy, chunk)
                if left == 0:
                    os.fsync(copy.fileno())
            except OSError as error:
                raise as_store_error(error, to, file.size) from error
    return digest.hexdigest()


def _write_all(copy: io.FileIO, data: bytes) -> None:
    """Near a full disk a write takes less than asked without an error."""
    while data:
        data = data[copy.write(data) :]


def _unread(source: Source, file: CardFile, error: OSError) -> SourceError:
    """Why a file of the card could not be copied; its name alone, for pages need not know where it lies."""
    name = shown_name(file.path.rpartition("/")[2])
    if isinstance(error, FileChangedError):
        return SourceError(
            say(
                "card.file_changed",
                "{name} has changed since it was looked at: look through {source} again",
                name=name,
                source=source.name,
            )
        )
    why = error.strerror or str(error)
    return SourceError(
        say(
            "card.file_unread",
            "{name} on {source} cannot be read ({why}): was the card taken out?",
            name=name,
            source=source.name,
            why=why,
        )
    )


def _facts(index: int, frame: CardFrame, sha256: str) -> dict[str, Any]:
    return {
        "index": index,
        "name": f"{index:03d}{kept_suffix(frame)}",
        "original": frame.name,
        "position_steps": index,  # only the order is known of another camera's focus
        "position_um": float(index),
        "exposure_us": round(1e6 * (frame.exposure_s or 0)),
        "gain": (frame.iso or 100) / 100,
        "sharpness": frame.sharpness,
        "width": frame.width,
        "height": frame.height,
        "size_bytes": frame.file.size,
        "sha256": sha256,
    }


def moment(taken: str | None) -> str | None:
    """The camera's time as ISO 8601 without a zone, for cameras tell none: phones show it as it stands."""
    if taken is None:
        return None
    try:
        return datetime.strptime(taken.partition(".")[0], "%Y:%m:%d %H:%M:%S").isoformat()
    except (ValueError, OverflowError):
        return None


def brackets_known(
    brackets: Iterable[BracketSummary], source: Source
) -> Callable[[CardFrame, int], str | None]:
    """Which of these brackets was copied from this source, by its first frame and the number of its frames."""
    known: dict[tuple[str | None, int], str] = {
        (one.created, one.frames_planned): one.id
        for one in brackets
        if one.imported == source.name and one.created is not None
    }
    return lambda first, count: known.get((moment(first.taken), count))
