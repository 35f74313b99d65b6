"""The pictures within one root, found and opened so that nothing outside it can be reached and nothing is changed.

A card is hostile until shown otherwise: links, pipes, endless trees and huge files are passed over. Every
component of a path is opened on its own and without following links, so that a link put there later is refused too.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

DEEPEST = 8  # folders within folders
MOST_ENTRIES = 50_000  # looked at, of any kind
MOST_PICTURES = 5_000  # a card of 64 GB with 12 MB frames
LARGEST_BYTES = 250_000_000
JPEGS = {".jpg", ".jpeg"}
TIFFS = {".tif", ".tiff"}
PNGS = {".png"}
RAWS = {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".pef"}
OTHER_PICTURES = {".heic"}
KINDS = (JPEGS, TIFFS, PNGS, RAWS)
# On a card that was mounted for writing, even reading would otherwise write the time of the last access.
_QUIETLY = getattr(os, "O_NOATIME", 0)
_NEVER_LINKS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(frozen=True)
class CardFile:
    """One picture file, and what must still be true of it when it is read."""

    path: str  # below the root, with "/"
    size: int
    mtime_ns: int


@dataclass
class Listing:
    """The pictures of a root, and what else was there."""

    files: list[CardFile] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)  # raw, other_kind, large, link, beyond
    entries: int = 0

    @property
    def full(self) -> bool:
        """Whether there is more than is looked at."""
        return self.entries >= MOST_ENTRIES or len(self.files) >= MOST_PICTURES


class FileChangedError(OSError):
    """A file is no longer what was listed: replaced by a link, another size or another time."""


def list_pictures(root: Path, leave_out: Collection[tuple[int, int]] = (), raws: bool = True) -> Listing:
    """Every picture of KINDS below root, folder by folder; of a picture in several kinds the first of these.

    leave_out: (device, inode) of folders not to enter. raws: False counts them as passed over, where nothing can
    develop them. Raises OSError when the root itself cannot be read.
    """
    listing = Listing()
    with _opened(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as handle:
        device = os.fstat(handle).st_dev
        _list(handle, "", DEEPEST, (device, leave_out), listing)
    best: dict[str, int] = {}
    for file in listing.files:
        stem = _stem(file.path)
        best[stem] = min(best.get(stem, len(KINDS)), _rank(file.path))
    listing.files = [file for file in listing.files if _rank(file.path) == best[_stem(file.path)]]
    if not raws:
        developed = [file for file in listing.files if suffix_of(file.path) not in RAWS]
        listing.passed_over["raw"] += len(listing.files) - len(developed)
        listing.files = developed
    listing.passed_over = +listing.passed_over
    return listing


def suffix_of(path: str) -> str:
    """The end of a file's name that tells its kind: ".jpg"."""
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - a name, not a path of ours


def _stem(path: str) -> str:
    return path.rpartition(".")[0].casefold()


def _rank(path: str) -> int:
    return next(rank for rank, kind in enumerate(KINDS) if suffix_of(path) in kind)


def _list(
    handle: int, prefix: str, depth: int, limits: tuple[int, Collection[tuple[int, int]]], listing: Listing
) -> None:
    device, leave_out = limits
    folders = []
    with os.scandir(handle) as entries:
        for entry in entries:
            listing.entries += 1
            if listing.full:
                listing.passed_over["beyond"] += 1
                return
            if entry.name.startswith("."):
                continue
            if entry.is_symlink():
                listing.passed_over["link"] += 1
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                _take(entry, prefix, listing)
    for name in sorted(folders):
        if depth == 0 or listing.full:
            listing.passed_over["beyond"] += 1
            continue
        with contextlib.suppress(OSError), _opened(name, _NEVER_LINKS | os.O_DIRECTORY, handle) as inner:
            about = os.fstat(inner)
            if about.st_dev == device and (about.st_dev, about.st_ino) not in leave_out:
                _list(inner, f"{prefix}{name}/", depth - 1, limits, listing)


def _take(entry: os.DirEntry[str], prefix: str, listing: Listing) -> None:
    suffix = suffix_of(entry.name)
    if not any(suffix in kind for kind in KINDS):
        if suffix in OTHER_PICTURES:
            listing.passed_over["other_kind"] += 1
        return
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return
    if not stat.S_ISREG(about.st_mode):
        listing.passed_over["link"] += 1
    elif not 0 < about.st_size <= LARGEST_BYTES:
        listing.passed_over["large" if about.st_size else "damaged"] += 1
    else:
        listing.files.append(CardFile(prefix + entry.name, about.st_size, about.st_mtime_ns))


@contextmanager
def opened_file(root: Path, file: CardFile) -> Iterator[int]:
    """A handle for reading the file, which is still the one that was listed.

    Raises FileChangedError when it is not, OSError when it cannot be read.
    """
    names = file.path.split("/")
    if any(name in ("", ".", "..") for name in names):
        raise FileChangedError(f"{file.path!r} leads out of its source")
    with contextlib.ExitStack() as handles:
        handle = handles.enter_context(_opened(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        for name in names[:-1]:
            handle = handles.enter_context(_opened(name, _NEVER_LINKS | os.O_DIRECTORY, handle))
        last = handles.enter_context(_opened(names[-1], _NEVER_LINKS, handle))
        about = os.fstat(last)
        same = (about.st_size, about.st_mtime_ns) == (file.size, file.mtime_ns)
        if not stat.S_ISREG(about.st_mode) or not same:
            raise FileChangedError(f"{file.path} has changed since it was looked at")
        yield last


@contextmanager
def _opened(name: Path | str, flags: int, folder: int | None = None) -> Iterator[int]:
    try:
        handle = os.open(name, flags | _QUIETLY, dir_fd=folder)
    except PermissionError:  # only a file's owner may read without a trace
        handle = os.open(name, flags, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)
