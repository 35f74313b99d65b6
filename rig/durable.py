"""Files that are either whole or not there, whatever instant the power fails.

Write beside as .part, fsync, rename, fsync the folder: the order in which POSIX promises that a name never
points at half a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from rig.errors import StorageFullError, StoreError
from rig.saying import Room, say

PART = ".part"
# EFBIG is what a process' own file size limit (ulimit -f, systemd LimitFSIZE) answers instead of ENOSPC.
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

FreeBytes = Callable[[Path], int]


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written into folder by this user."""
    return shutil.disk_usage(folder).free


def sync_file(path: Path) -> None:
    """Make what another process wrote into path survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make renames and removals within folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Put data under path, whole or not at all; replaces what was there.

    Raises StorageFullError when there is no room (nothing is left behind), StoreError for anything else.
    """
    part = path.with_name(path.name + PART)
    try:
        with part.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise as_store_error(error, path, len(data)) from error


def write_derived(path: Path, data: bytes) -> None:
    """Put a file that can be made again under path: never seen half written, but not worth an fsync."""
    part = path.with_name(path.name + PART)
    try:
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise as_store_error(error, path, len(data)) from error


def as_store_error(error: OSError, path: Path, size: int) -> StoreError:
    """An operating system's refusal as a sentence for the photographer."""
    if error.errno in NO_ROOM:
        return StorageFullError(
            say(
                "store.no_room_to_write",
                "no room to write {name} ({n}): free some space or delete brackets",
                name=path.name,
                n=Room(size),
            )
        )
    return StoreError(
        say("store.not_written", "{path} cannot be written: {why}", path=path, why=error.strerror or error)
    )


def sweep_parts(folder: Path) -> int:
    """Remove every .part file and folder below folder; returns how many there were."""
    parts = sorted(folder.rglob(f"*{PART}"), key=lambda path: len(path.parts))
    for part in parts:
        if part.is_dir() and not part.is_symlink():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
    return len(parts)


def megabytes(size: int) -> str:
    """A size for a sentence: "12.3 MB", "4.1 GB", "800 kB"."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    if size >= 1_000_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e3:.0f} kB"
