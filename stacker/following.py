"""A folder that fills up while a bracket is being shot: its frames in order, each as soon as it is complete."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stacker.errors import CancelledError, InputError
from stacker.formats.raw import SUFFIXES as RAW_SUFFIXES
from stacker.imagefile import INPUT_SUFFIXES, JPEG_SUFFIXES
from stacker.order import natural_key

_POLL_S = 0.2
# A file that does not show its end (a JPEG does) counts as complete when it has not changed for so long.
_QUIET_S = 2.0
_JPEG_END = b"\xff\xd9"
_PADDING = 4096  # bytes that some cameras write behind the end of a JPEG


@dataclass(frozen=True)
class Follow:
    """What to wait for. expect: so many frames; otherwise the bracket ends when none has come for idle_s seconds."""

    folder: Path
    expect: int | None = None
    idle_s: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class _Seen:
    """A file as it was when last looked at."""

    state: tuple[int, int]
    since: float


@dataclass
class Follower:
    """Finds the frames of a folder as they appear."""

    wanted: Follow
    exclude: Collection[Path] = ()  # results of the job, which may lie in the folder
    _taken: set[str] = field(default_factory=set)
    _seen: dict[str, _Seen] = field(default_factory=dict)

    def frames(
        self, cancelled: Callable[[], bool], meanwhile: Callable[[], bool] = lambda: False
    ) -> Iterator[Path]:
        """The frames, in the order of their names; waits for those to come.

        meanwhile: done again and again instead of waiting, as long as it has something to do. A file whose turn it is
        holds back those behind it until it is complete. The wait for the first frame has no end. Raises CancelledError,
        InputError when the folder vanishes.
        """
        wanted, last = self.wanted, self.wanted.clock()
        while wanted.expect is None or len(self._taken) < wanted.expect:
            if cancelled():
                raise CancelledError("the work was cancelled")
            path = self._next()
            if path is not None:
                self._taken.add(path.name)
                yield path
                last = wanted.clock()
            elif meanwhile():
                continue
            elif self._seen:
                last = wanted.clock()  # one is being written
                wanted.sleep(_POLL_S)
            elif wanted.expect is None and self._taken and wanted.clock() - last >= wanted.idle_s:
                return
            else:
                wanted.sleep(_POLL_S)

    def _next(self) -> Path | None:
        """The next frame, if it is complete."""
        try:
            paths = list(self.wanted.folder.iterdir())
        except OSError as error:
            raise InputError(f"{self.wanted.folder} cannot be read: {error.strerror}") from error
        results = {path.resolve() for path in self.exclude}
        waiting = [path for path in paths if path.name not in self._taken]
        waiting = [path for path in waiting if _may_be_a_frame(path) and path.resolve() not in results]
        waiting = self._one_of_each_exposure(waiting)
        self._seen = {
            path.name: self._seen[path.name] for path in waiting if path.name in self._seen
        }  # of those that are still there
        if not waiting:
            return None
        path = min(waiting, key=lambda path: natural_key(path.name))
        if not self._complete(path):
            return None
        del self._seen[path.name]
        return path

    def _one_of_each_exposure(self, waiting: list[Path]) -> list[Path]:
        """Without the raw beside a JPEG of the same name, whichever comes first."""
        ready = {path.stem for path in waiting if path.suffix.lower() not in RAW_SUFFIXES}
        taken = {Path(name).stem for name in self._taken}
        return [
            path
            for path in waiting
            if path.stem not in taken and (path.stem not in ready or path.suffix.lower() not in RAW_SUFFIXES)
        ]

    def _complete(self, path: Path) -> bool:
        now = self.wanted.clock()
        try:
            status = path.stat()
        except OSError:  # renamed this moment
            return False
        state = status.st_size, status.st_mtime_ns
        seen = self._seen.get(path.name)
        if seen is None or seen.state != state:
            self._seen[path.name] = seen = _Seen(state, now)
        if status.st_size == 0:
            return now - seen.since >= 5 * _QUIET_S
        return _shows_its_end(path) or now - seen.since >= _QUIET_S


def _may_be_a_frame(path: Path) -> bool:
    return path.suffix.lower() in INPUT_SUFFIXES and not path.name.startswith(".")


def _shows_its_end(path: Path) -> bool:
    if path.suffix.lower() not in JPEG_SUFFIXES:
        return False
    try:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _PADDING, 0))
            return file.read().rstrip(b"\0").endswith(_JPEG_END)
    except OSError:
        return False
