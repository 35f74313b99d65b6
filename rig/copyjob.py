"""An order of copies, done: what is wanted and not there yet, whether it fits, bracket by bracket, checked."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rig.bracketcopy import BracketFiles, Piece, copy_bracket, missing
from rig.bracketfolder import contents_of
from rig.brackets import BracketSummary
from rig.durable import NO_ROOM
from rig.errors import NoSuchBracketError, NotAllowedError, RigError, StoreError, TargetError
from rig.saying import Room, Said, joined, plain, say
from rig.store import Store
from rig.targetfolder import InTheWayError, NotAsWrittenError, flush_all, inner_folder, opened_root
from rig.targets import Target
from rig.worthkeeping import What, folder_name, kept_files

TOP = "Fieldstack"  # folder on the stick
SPARE_BYTES = 1 << 20  # for the stick's own tables
ENOUGH_S = 2.0  # of copying, before its pace says when it will be done


class CopyCancelledError(Exception):
    """The photographer called it off; what is copied stays."""


@dataclass(frozen=True)
class CopyOrder:
    """What is to be copied where."""

    target: Target
    brackets: tuple[str, ...] | None  # ids; None: every bracket that is not there yet
    what: What
    top: str = TOP


@dataclass
class Meter:
    """How much of a job is behind it, and how long the rest will take."""

    total: int = 0  # bytes, each counted when written and again when checked
    done: int = 0
    worked_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _since: float = field(default=0.0)

    def began(self) -> None:
        """Work begins, or goes on after standing still."""
        self._since = self.clock()

    def add(self, size: int) -> None:
        """So many bytes more."""
        now = self.clock()
        self.worked_s, self._since, self.done = self.worked_s + now - self._since, now, self.done + size

    @property
    def eta_s(self) -> float | None:
        """Seconds to go; None while that cannot be told."""
        if self.worked_s < ENOUGH_S or self.done <= 0:
            return None
        return round(max(0, self.total - self.done) * self.worked_s / self.done, 1)


@dataclass(frozen=True)
class CopyJob:
    """One order at work.

    present: whether the target is still the one that was chosen. date: the time in ISO 8601, None while it is not
    known. begins: a bracket's turn has come. go_on: called between chunks; may wait, and raises CopyCancelledError.
    tell: the meter has changed.
    """

    order: CopyOrder
    store: Store
    present: Callable[[], bool]
    date: Callable[[], str | None]
    begins: Callable[[str], None]
    go_on: Callable[[], None]
    tell: Callable[[Meter], None]

    def run(self) -> Said:
        """Do it; what is to be said at the end.

        Raises CopyCancelledError; TargetError, NotAllowedError where nothing is to be copied, StoreError where a
        bracket could not be read.
        """
        try:
            with opened_root(self.order.target.root) as root:
                if not self.present():  # pulled out before it was opened
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
                with inner_folder(root, (self.order.top,)) as top:
                    return self._copy(root, top)
        except RigError:
            raise
        except OSError as error:
            raise TargetError(self._why(error)) from error

    def _copy(self, root: int, top: int) -> Said:
        name, failures = self.order.target.name, list[Said]()
        wanted = list(self._wanted(top, failures))
        self._check_room(root, top, wanted)
        meter, copied = Meter(2 * sum(bracket.bytes for bracket in wanted)), 0
        for bracket in wanted:
            try:
                copied += self._one(root, top, bracket, meter)
            except StoreError as error:  # of a damaged bracket; the others can be copied all the same
                failures.append(error.said)
        if failures:
            told = say(
                "copy.some",
                "On {name} and checked: {n} of {total} brackets.",
                name=name,
                n=copied,
                total=copied + len(failures),
            )
            raise StoreError(joined((told, failures[0])))
        if self.order.target.kind == "folder":  # of the settings: nothing to pull out
            return say("copy.done_in_folder", "Everything is on {name} and checked.", name=name)
        return say("copy.done", "Everything is on {name} and checked; you can pull it out.", name=name)

    def _one(self, root: int, top: int, bracket: BracketFiles, meter: Meter) -> bool:
        def tick(size: int) -> None:
            meter.add(size)
            self.tell(meter)
            self.go_on()
            meter.began()

        self.begins(bracket.id)
        self.go_on()
        meter.began()
        try:
            folder = self.store.folder_of(bracket.id)
        except NoSuchBracketError:  # deleted meanwhile
            meter.total -= 2 * bracket.bytes
            return False
        copy_bracket(top, bracket, tick)
        flush_all(root)
        folder.note("copied", to=self.order.target.name, at=self.date(), **bracket.contents)
        return True

    # --- what is to be done -----------------------------------------------------------------------
    def _wanted(self, top: int, failures: list[Said]) -> Iterator[BracketFiles]:
        """What is to be copied; why something cannot be is added to the failures."""
        found = False
        every = self.order.brackets is None
        for bracket_id in self.order.brackets or sorted(self.store.ids()):
            self.go_on()
            try:
                summary, files = self._files(bracket_id)
            except (RigError, OSError) as error:
                if bracket_id not in self.store.ids():  # deleted meanwhile
                    continue
                failures.append(error.said if isinstance(error, RigError) else plain(error))
                continue
            if summary.outcome is None or not files.pieces:  # being shot, or without a result
                continue
            found = True
            if not (every and self._is_noted(summary) and not missing(top, files)):
                yield files
        if not found and not failures:
            raise NotAllowedError(
                say("copy.nothing", "there is nothing to copy: stack the brackets first, or copy frames, too")
            )

    def _files(self, bracket_id: str) -> tuple[BracketSummary, BracketFiles]:
        detail, folder = self.store.detail(bracket_id), self.store.folder_of(bracket_id)
        kept = kept_files(folder, detail, self.order.what)
        pieces = tuple(Piece(path, place, path.stat().st_size) for path, place in kept)
        contents = contents_of(detail.frames, detail.results, self.order.what == "all")
        return detail.summary, BracketFiles(bracket_id, folder_name(detail), pieces, contents)

    def _is_noted(self, summary: BracketSummary) -> bool:
        """Whether a checked copy of the same was made to a stick of this name; if it is still there is not known."""
        copied = summary.copied
        frames = self.order.what == "all"
        return copied is not None and copied.to == self.order.target.name and copied.frames >= frames

    def _check_room(self, root: int, top: int, wanted: list[BracketFiles]) -> None:
        """Raises TargetError before anything is copied that will not fit."""
        target, about = self.order.target, os.fstatvfs(root)
        cluster = max(1, about.f_frsize)
        needed = SPARE_BYTES
        for bracket in wanted:
            rest = missing(top, bracket)
            folders = {piece.place[:-1] for piece in rest}
            needed += sum(-(-piece.size // cluster) for piece in rest) * cluster
            needed += (len(folders) + 1) * cluster if rest else 0
            for piece in rest:
                if target.largest_file is not None and piece.size > target.largest_file:
                    raise TargetError(
                        say(
                            "copy.file_too_large",
                            "{file} of {id} has {size}, {name} takes no file of more than {most}: format it as exFAT",
                            file=piece.place[-1],
                            id=bracket.id,
                            size=Room(piece.size),
                            name=target.name,
                            most=Room(target.largest_file),
                        )
                    )
        free = about.f_bavail * about.f_frsize
        if needed > free:
            raise TargetError(
                say(
                    "copy.no_room",
                    "these brackets need about {size} on {name}, {free} are free: choose fewer, or another stick",
                    size=Room(needed),
                    name=target.name,
                    free=Room(free),
                )
            )

    # --- what went wrong --------------------------------------------------------------------------
    def _why(self, error: OSError) -> Said:
        """What the stick's refusal means."""
        name = self.order.target.name
        if not self.present():
            return say(
                "copy.pulled_out",
                "{name} was pulled out: what was copied until then is safe on it. Put it in and copy again to go on.",
                name=name,
            )
        if isinstance(error, InTheWayError):
            return say(
                "copy.in_the_way",
                "{file} on {name} is no folder: rename it and copy again",
                file=self.order.top,
                name=name,
            )
        if isinstance(error, NotAsWrittenError):
            return say(
                "copy.not_as_written",
                "{name} gives back something else than was written to it: do not trust this stick",
                name=name,
            )
        if error.errno in NO_ROOM:
            return say("copy.full", "{name} is full: what was copied until then is safe on it", name=name)
        if error.errno == errno.EROFS:
            return say(
                "copy.went_read_only",
                "{name} cannot be written any more, its files may be damaged: check it at a computer",
                name=name,
            )
        return say(
            "copy.unwritten", "{name} cannot be written: {why}", name=name, why=error.strerror or error
        )
