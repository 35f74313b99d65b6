"""One bracket's files -> a folder of a stick. What is there with the same bytes stays; anything else is left alone."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from rig.errors import StoreError
from rig.saying import say
from rig.targetfolder import (
    CHUNK,
    InTheWayError,
    Original,
    Tick,
    is_same,
    names_in,
    size_there,
    write_checked,
)

NO_SUCH_NAME = {errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG}
MOST_COPIES = 20  # folders of one bracket that are looked at


@dataclass(frozen=True)
class Piece:
    """A file of a bracket and its place within the copy."""

    path: Path
    place: tuple[str, ...]
    size: int  # bytes


@dataclass(frozen=True)
class BracketFiles:
    """What is to be copied of a bracket."""

    id: str
    folder_name: str
    pieces: tuple[Piece, ...]
    contents: Mapping[str, Any] = field(
        default_factory=dict
    )  # as they are noted: see rig.bracketfolder.contents_of

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(piece.size for piece in self.pieces)


def missing(top: int, bracket: BracketFiles) -> tuple[Piece, ...]:
    """What would have to be copied, as far as names and sizes tell."""
    fewest = bracket.pieces
    for name in _folders_of(top, bracket.id):
        sizes = _sizes(top, name, bracket)
        if sizes is not None:
            rest = [piece for size, piece in zip(sizes, bracket.pieces, strict=True) if size is None]
            fewest = min(fewest, tuple(rest), key=len)
    return fewest


def copy_bracket(top: int, bracket: BracketFiles, tick: Tick) -> None:
    """Copy a bracket into a folder below top: into one that holds nothing else under these names.

    tick: see rig.targetfolder; called twice for every byte of the bracket. Raises StoreError for a file of the bracket
    that cannot be read, OSError for what goes wrong on the stick.
    """
    try:
        for name in _candidates(top, bracket):
            if _copied_into(top, name, bracket, tick):
                return
    except OSError as error:
        if error.errno not in NO_SUCH_NAME or bracket.folder_name == bracket.id:
            raise
        copy_bracket(
            top, replace(bracket, folder_name=bracket.id), tick
        )  # a title that this stick cannot write
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), bracket.folder_name)


def _copied_into(top: int, folder: str, bracket: BracketFiles, tick: Tick) -> bool:
    """Whether this folder now holds the bracket; False where something else is in it, which stays."""
    told = _Counted(tick)
    try:
        rest = _rest(top, folder, bracket, told)
        for piece in rest or ():
            with _original(piece, bracket.id) as original:
                write_checked(top, (folder, *piece.place), original, told)
    except InTheWayError:
        rest = None
    if rest is None:
        tick(-told.bytes)
    return rest is not None


def _folders_of(top: int, bracket_id: str) -> list[str]:
    names = [name for name in names_in(top) if name == bracket_id or name.startswith(f"{bracket_id} ")]
    return names[:MOST_COPIES]


def _candidates(top: int, bracket: BracketFiles) -> Iterator[str]:
    """Folders that may be this bracket's: those that look like it, then new names."""
    there = _folders_of(top, bracket.id)
    yield from there
    taken = {name.casefold() for name in there}
    for number in count(1):
        name = bracket.folder_name if number == 1 else f"{bracket.folder_name} ({number})"
        if name.casefold() not in taken:
            yield name
            if number > MOST_COPIES:
                return


def _rest(top: int, folder: str, bracket: BracketFiles, tick: Tick) -> list[Piece] | None:
    """The pieces that are not in this folder of the stick; None where one of the names is another file's."""
    sizes = _sizes(top, folder, bracket)
    if sizes is None:
        return None
    rest = []
    for size, piece in zip(sizes, bracket.pieces, strict=True):
        if size is None:
            rest.append(piece)
            continue
        with _original(piece, bracket.id) as original:
            if not is_same(top, (folder, *piece.place), original, lambda n: tick(2 * n)):
                return None
    return rest


def _sizes(top: int, folder: str, bracket: BracketFiles) -> list[int | None] | None:
    """Of each piece, its size where it is in this folder; None where one of them has another size."""
    sizes = [size_there(top, (folder, *piece.place)) for piece in bracket.pieces]
    right = (size in (None, piece.size) for size, piece in zip(sizes, bracket.pieces, strict=True))
    return sizes if all(right) else None


class _Counted:
    """A tick that knows what it told, to take it back."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self.bytes = 0

    def __call__(self, size: int) -> None:
        self.bytes += size
        self._tick(size)


@contextmanager
def _original(piece: Piece, bracket_id: str) -> Iterator[Original]:
    def unread(error: OSError) -> StoreError:
        return StoreError(
            say(
                "copy.original_unread",
                "{name} of bracket {id} cannot be read: {why}",
                name="/".join(piece.place),
                id=bracket_id,
                why=error.strerror or error,
            )
        )

    def read(at: int) -> bytes:
        try:
            return os.pread(handle, CHUNK, at)
        except OSError as error:
            raise unread(error) from error

    try:
        handle = os.open(piece.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise unread(error) from error
    try:
        yield read
    finally:
        os.close(handle)
