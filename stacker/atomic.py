"""Results appear whole under their final name or not at all; what cannot be written is said before."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from stacker.errors import OutputError
from stacker.saying import say

PART_SUFFIX = ".part"


def check_output(path: Path, needed_bytes: int = 0, what: str = "it needs") -> None:
    """Raise OutputError if a file cannot be written there: to be called before any work.

    Looks at the folder and the free space, and creates the .part file for a moment: only that is certain. what: needs
    so many bytes, as the sentence puts it.
    """
    folder, part = path.parent, _part_of(path)
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; give the name of a file")
        if not folder.is_dir():
            raise OutputError(f"{path} cannot be written: the folder {folder} does not exist")
        part.open("wb").close()
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
    _remove(part)
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        need, have = max(math.ceil(needed_bytes / 1e6), 1), math.floor(free / 1e6)
        raise OutputError(
            say(
                "stacker.too_little_space",
                "{file} cannot be written: {what} about {need} MB, only {have} MB are free",
                file=path,
                what=what,
                need=need,
                have=have,
            )
        )


@contextmanager
def writing_atomically(path: Path, lasting: bool = True) -> Iterator[BinaryIO]:
    """A binary file to write into; it gets its name if the block ends well, else it vanishes.

    Written as NAME.part beside it, fsynced, renamed, folder fsynced: after a power cut the old file or the
    new one is there, whole. Raises OutputError, naming the file and what is needed, when the disk is full or
    not writable. Not lasting: whole as long as there is power, for what is replaced again and again; cards sync slowly.
    """
    part = _part_of(path)
    try:
        with part.open("wb") as file:
            yield file
            if lasting:
                file.flush()
                os.fsync(file.fileno())
        part.replace(path)
        if lasting:
            _sync_folder(path.parent)
    except OSError as error:
        _remove(part)
        raise OutputError(_sentence(path, error)) from error
    except BaseException:
        _remove(part)
        raise


def write_atomically(path: Path, data: bytes) -> None:
    """Write a whole file as writing_atomically does."""
    with writing_atomically(path) as file:
        file.write(data)


def _sentence(path: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return say(
            "stacker.no_space",
            "{file} was not written: there is no space left in {folder}; free some and try again",
            file=path,
            folder=path.parent,
        )
    return say("stacker.not_written", "{file} was not written: {why}", file=path, why=error.strerror or error)


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + PART_SUFFIX)


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
