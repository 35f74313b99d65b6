"""Files within one folder of a stick: written whole, read back and compared; nothing replaced, nothing outside reached.

A stick is hostile until shown otherwise. Every component of a path is opened on its own, by the handle of the one
before and without following links; handles stay with the stick when it is pulled out, so that nothing lands in the
empty folder that it was mounted on.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rig.durable import PART

CHUNK = 1 << 20  # bytes between two questions whether to go on
FLUSH_BYTES = 8 << 20  # no more of a copy waits in memory: what the camera saves does not queue behind it
MOST_ENTRIES = 10_000  # of a folder that are looked at
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Tick = Callable[[int], None]  # called with the bytes just dealt with; may wait, and raises to end the work
Original = Callable[[int], bytes]  # the next CHUNK of what is copied, from an offset on; nothing at its end


class InTheWayError(OSError):
    """Something that is no folder has the name of one that is needed."""


class NotAsWrittenError(OSError):
    """What was read back is not what was written."""


@contextmanager
def opened_root(root: Path) -> Iterator[int]:
    """A handle of the mount point or folder itself. Raises OSError."""
    with _closing(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)) as handle:
        yield handle


@contextmanager
def inner_folder(folder: int, names: Sequence[str], make: bool = True) -> Iterator[int]:
    """A handle of a folder within. make: where it is not there; else FileNotFoundError.

    Raises InTheWayError where a file, or a link to whatever, has its name; OSError.
    """
    with contextlib.ExitStack() as handles:
        for name in names:
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(name, 0o755, dir_fd=folder)
            try:
                folder = os.open(name, _FOLDER, dir_fd=folder)
            except OSError as error:
                if error.errno in (errno.ENOTDIR, errno.ELOOP):
                    raise InTheWayError(error.errno, "is no folder", name) from error
                raise
            handles.callback(os.close, folder)
        yield folder


def names_in(folder: int) -> list[str]:
    """Names of what is in a folder, sorted, the first MOST_ENTRIES found."""
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry, _ in zip(entries, range(MOST_ENTRIES), strict=False))


def size_there(folder: int, place: Sequence[str]) -> int | None:
    """Size of the file at this place, -1 of what is no file; None where nothing is."""
    try:
        with inner_folder(folder, place[:-1], make=False) as inner:
            about = os.stat(place[-1], dir_fd=inner, follow_symlinks=False)
    except InTheWayError:
        return -1
    except FileNotFoundError:
        return None
    return about.st_size if stat.S_ISREG(about.st_mode) else -1


def is_same(folder: int, place: Sequence[str], original: Original, tick: Tick) -> bool:
    """Whether the file at this place has the bytes of the original, read from the stick itself."""
    with inner_folder(folder, place[:-1], make=False) as inner:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _closing(os.open(place[-1], flags, dir_fd=inner)) as there:
            _forget_cached(there)
            at = 0
            while chunk := original(at):
                if os.pread(there, CHUNK, at) != chunk:
                    return False
                at += len(chunk)
                tick(len(chunk))
            return not os.pread(there, 1, at)


def write_checked(folder: int, place: Sequence[str], original: Original, tick: Tick) -> None:
    """Copy the original to a place where nothing is; there whole and checked, or not at all.

    tick: called twice for every byte, once it is written and once it is checked. Raises NotAsWrittenError, OSError.
    """
    with inner_folder(folder, place[:-1]) as inner:
        name = place[-1]
        part = name + PART
        with contextlib.suppress(FileNotFoundError):
            os.unlink(
                part, dir_fd=inner
            )  # of a copy that was cut short; a link is removed, not what it leads to
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with _closing(os.open(part, flags, 0o644, dir_fd=inner)) as copy:
            try:
                written = _pour(original, copy, tick)
                _forget_cached(copy)
                if _digest(copy, tick) != written:
                    raise NotAsWrittenError(errno.EIO, "reads otherwise than it was written", name)
                if size_there(inner, (name,)) is not None:
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name)
                os.rename(part, name, src_dir_fd=inner, dst_dir_fd=inner)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(part, dir_fd=inner)
                raise


def flush_all(folder: int) -> None:
    """Everything written to the file system of this folder is on the stick when this returns. Raises OSError."""
    if not sys.platform.startswith("linux"):
        os.sync()
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syncfs(folder) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _pour(original: Original, copy: int, tick: Tick) -> bytes:
    """Write all that the original holds, and have it written out; its digest."""
    digest, at = hashlib.sha256(), 0
    while chunk := original(at):
        digest.update(chunk)
        left = memoryview(chunk)
        while left:  # near the end of a full stick a write takes less than asked without an error
            left = left[os.write(copy, left) :]
        at += len(chunk)
        if at % FLUSH_BYTES == 0:
            os.fdatasync(copy)
        tick(len(chunk))
    os.fsync(copy)
    return digest.digest()


def _digest(file: int, tick: Tick) -> bytes:
    digest, at = hashlib.sha256(), 0
    while chunk := os.pread(file, CHUNK, at):
        digest.update(chunk)
        at += len(chunk)
        tick(len(chunk))
    return digest.digest()


def _forget_cached(file: int) -> None:
    """What is read next comes from the stick, not from the memory that was to be written to it."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def _closing(file: int) -> Iterator[int]:
    try:
        yield file
    finally:
        os.close(file)
