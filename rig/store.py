"""The brackets' folder: numbered bracket folders, room on the card, one writer at a time, recovery."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rig.bracketfolder import BRACKET_ID, RESULT_FILES, BracketFolder, begin_folder, create_folder
from rig.brackets import BracketDetail, BracketSummary
from rig.durable import PART, FreeBytes, free_bytes, sweep_parts, sync_folder, write_derived, write_whole
from rig.errors import NoSuchBracketError, StorageFullError, StoreError
from rig.frameview import make_shown
from rig.pictures import FRAME_THUMB_PX, SCREEN_PX, SCREEN_QUALITY, small_jpeg
from rig.saying import Room, Said, say
from rig.screencopy import make_screen_copy
from rig.status import Outcome
from rig.tiles import make_tiles, tile_path

COUNTER = "counter"
LOCK = ".lock"
TRASH = ".trash-"


THE_BRACKET = say("store.the_bracket", "the bracket")
A_VIEW = say("store.a_view", "this view")

TILES = "tiles"  # folder beside a result; can be made again
FRAMES_IN_TILES = 2  # of a bracket at a time: 25 MB each where frames have 60 MP


class Store:
    """All brackets under one folder. Looking needs no open(); everything that writes does."""

    def __init__(self, folder: Path, reserve_bytes: int = 0, free: FreeBytes = free_bytes) -> None:
        self.folder = folder
        self.active_id: str | None = None  # the bracket being shot by this process
        self._reserve_bytes = reserve_bytes
        self._free = free
        self._lock_handle: int | None = None
        self._making = threading.Lock()  # what is made when it is first asked for: by one who asks
        self._known: dict[str, tuple[tuple[int, int], BracketDetail]] = {}

    # --- life -----------------------------------------------------------------------------------
    def open(self) -> None:
        """Become the one writer and put right what a power cut left.

        Raises StoreError when the folder cannot be made or another process writes to it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StoreError(
                say(
                    "store.folder_unusable",
                    "the brackets' folder {folder} cannot be used: {why}",
                    folder=self.folder,
                    why=error.strerror,
                )
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(handle, 32, 0).decode(errors="replace").strip()
            os.close(handle)
            raise StoreError(
                say(
                    "store.in_use",
                    "another fieldstack{process} is using {folder}: stop it first, or give another "
                    "folder with --data",
                    process=f" (process {owner})" if owner else "",
                    folder=self.folder,
                )
            ) from error
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._lock_handle = handle
        self._recover()

    def close(self) -> None:
        """Let another process write. Safe to call twice."""
        if self._lock_handle is not None:
            os.close(self._lock_handle)
            self._lock_handle = None

    def _recover(self) -> None:
        sweep_parts(self.folder)
        for trash in self.folder.glob(f"{TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)

    def see_active(self) -> None:
        """For a looker: the newest bracket is being shot when another process writes and it has no end."""
        newest = next(iter(self.ids()), None)
        if newest is None or not self._is_locked():
            return
        try:
            if self.detail(newest).summary.outcome is Outcome.INTERRUPTED:
                self.active_id = newest
        except StoreError:
            return  # damaged; detail() will say so to whoever asks

    def _is_locked(self) -> bool:
        """Whether any process holds the lock, without ever standing in its way."""
        try:
            stat = (self.folder / LOCK).stat()
            held = Path("/proc/locks").read_text()
        except OSError:
            return False
        device = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}"
        return any(f" {device}:{stat.st_ino} " in line and "FLOCK" in line for line in held.splitlines())

    # --- looking --------------------------------------------------------------------------------
    def ids(self) -> tuple[str, ...]:
        """Every bracket's id, newest first."""
        if not self.folder.is_dir():
            return ()
        names = (entry.name for entry in self.folder.iterdir() if entry.is_dir())
        return tuple(sorted(filter(BRACKET_ID.fullmatch, names), key=_number, reverse=True))

    def folder_of(self, bracket_id: str) -> BracketFolder:
        """One bracket's folder. Raises NoSuchBracketError when there is none of that id."""
        if not BRACKET_ID.fullmatch(bracket_id) or not (self.folder / bracket_id).is_dir():
            raise NoSuchBracketError(
                say("store.no_bracket", "there is no bracket {id}", id=repr(bracket_id[:40]))
            )
        return BracketFolder(self.folder / bracket_id, self._free)

    def detail(self, bracket_id: str) -> BracketDetail:
        """Everything noted about a bracket; read again only when its facts have changed."""
        folder = self.folder_of(bracket_id)
        if bracket_id == self.active_id:
            return folder.detail(active=True)
        try:
            stat = folder.facts_path.stat()
        except OSError as error:
            raise StoreError(
                say(
                    "store.not_read",
                    "{path} cannot be read: {why}",
                    path=folder.facts_path,
                    why=error.strerror,
                )
            ) from error
        stamp = (stat.st_mtime_ns, stat.st_size)
        known = self._known.get(bracket_id)
        if known is None or known[0] != stamp:
            known = self._known[bracket_id] = (stamp, folder.detail())
        return known[1]

    def details(self) -> Iterator[BracketDetail]:
        """Every bracket that can be understood, newest first."""
        for bracket_id in self.ids():
            try:
                yield self.detail(bracket_id)
            except (StoreError, NoSuchBracketError):
                continue  # damaged facts must not hide the others; `brackets show` says what is wrong

    def summaries(self) -> tuple[BracketSummary, ...]:
        """One line for each bracket, newest first."""
        return tuple(detail.summary for detail in self.details())

    def keys(self, newest: int = 64) -> dict[str, str]:
        """Idempotency key -> id of the newest brackets, oldest first."""
        found: dict[str, str] = {}
        for bracket_id in reversed(self.ids()[:newest]):
            try:
                key = self.folder_of(bracket_id).facts()[0].get("key")
            except (StoreError, NoSuchBracketError):
                continue
            if isinstance(key, str):
                found[key] = bracket_id
        return found

    def with_reports(self, detail: BracketDetail) -> BracketDetail:
        """The same with each result's report, read from its file; empty where that cannot be read."""
        folder = self.folder_of(detail.id)
        return replace(
            detail,
            results=tuple(replace(result, report=_report(folder, result.id)) for result in detail.results),
        )

    def file(
        self, bracket_id: str, kind: str, *, frame: int | None = None, result: str | None = None
    ) -> Path:
        """Path of an existing file of a bracket.

        kind: "frame", "frame_shown", "frame_screen" and "frame_thumb" (with frame), "fused",
        "screen", "thumb", "depth", "report" (of result, the newest when None).
        Raises NoSuchBracketError when there is none.
        """
        folder = self.folder_of(bracket_id)
        if kind in ("frame", "frame_shown", "frame_screen", "frame_thumb"):
            path = self._frame_file(folder, kind, frame)
        elif kind in RESULT_FILES:
            path = self._result_file(folder, kind, result)
        else:
            raise NoSuchBracketError(
                say("store.no_such_kind", "a bracket has no file of kind {kind}", kind=repr(kind[:40]))
            )
        return folder.present(path)

    def _frame_file(self, folder: BracketFolder, kind: str, frame: int | None) -> Path:
        if frame is None or frame < 0:
            raise NoSuchBracketError(
                say("store.no_frame", "bracket {id} has no frame {frame}", id=folder.id, frame=frame)
            )
        if kind == "frame":
            return folder.frame_path(frame)
        if kind == "frame_shown":
            return self._as_jpeg(folder, frame)
        small = folder.screen_path(frame) if kind == "frame_screen" else folder.thumb_path(frame)
        if not small.is_file() and folder.frame_path(frame).is_file():
            with self._making:
                if not small.is_file():
                    self._make_small(folder, frame, kind)
        return small

    def _make_small(self, folder: BracketFolder, frame: int, kind: str) -> None:
        """What is missing of a frame's small copies. A file of somebody else's may take all the memory there is."""
        jpeg, screen = self._as_jpeg(folder, frame), folder.screen_path(frame)
        strange = self.detail(folder.id).summary.imported is not None
        if (strange or kind == "frame_screen") and not screen.is_file():
            self.need_room(jpeg.stat().st_size, A_VIEW)
            if strange:
                make_screen_copy(jpeg, screen)
            else:
                write_derived(screen, small_jpeg(jpeg, SCREEN_PX, SCREEN_QUALITY))
        if kind == "frame_thumb":
            write_derived(folder.thumb_path(frame), small_jpeg(screen if strange else jpeg, FRAME_THUMB_PX))

    def _as_jpeg(self, folder: BracketFolder, frame: int) -> Path:
        """The frame itself, or a JPEG of it."""
        path = folder.frame_path(frame)
        if path.suffix == ".jpg" or not path.is_file():
            return path
        shown = folder.shown_path(frame)
        if not shown.is_file():
            self.need_room(path.stat().st_size, A_VIEW)
            make_shown(path, shown)
        return shown

    def tile(self, bracket_id: str, result: str, column: int, row: int) -> Path:
        """One of the tiles of a fused image, cut when the first is asked for. Raises NoSuchBracketError, StoreError."""
        fused = self.file(bracket_id, "fused", result=result)
        return self._tile(bracket_id, fused, fused.parent / TILES, column, row)

    def frame_tile(self, bracket_id: str, frame: int, column: int, row: int) -> Path:
        """The same of a frame. Only the tiles of the frames looked at last are kept."""
        jpeg = self.file(bracket_id, "frame_shown", frame=frame)
        folder = self.folder_of(bracket_id).frame_tiles_path(frame)
        if not folder.is_dir():
            folder.parent.mkdir(exist_ok=True)
            with self._making:
                _keep_newest(folder.parent, FRAMES_IN_TILES - 1)
        return self._tile(bracket_id, jpeg, folder, column, row)

    def _tile(self, bracket_id: str, picture: Path, folder: Path, column: int, row: int) -> Path:
        if not folder.is_dir():
            self.need_room(2 * picture.stat().st_size, A_VIEW)
            make_tiles(picture, folder)
        path = tile_path(folder, column, row)
        if not path.is_file():
            raise NoSuchBracketError(
                say("store.no_file", "bracket {id} has no {file}", id=bracket_id, file=f"{TILES}/{path.name}")
            )
        return path

    def _result_file(self, folder: BracketFolder, kind: str, result: str | None) -> Path:
        detail = self.detail(folder.id)
        if result is None and detail.results:
            result = detail.results[-1].id
        if result is not None:
            return folder.result_path(result) / RESULT_FILES[kind]
        if kind == "thumb" and detail.frames:
            return self._frame_file(folder, "frame_thumb", detail.frames[len(detail.frames) // 2].index)
        raise NoSuchBracketError(say("store.no_result", "bracket {id} has no result yet", id=folder.id))

    # --- room -----------------------------------------------------------------------------------
    def room(self) -> int:
        """Bytes free for brackets: what the card has, less the reserve."""
        folder = self.folder
        while not folder.exists():
            folder = folder.parent
        return max(0, self._free(folder) - self._reserve_bytes)

    def need_room(self, size: int, what: Said = THE_BRACKET) -> None:
        """Raise StorageFullError when size bytes would eat into the reserve."""
        room = self.room()
        if size > room:
            raise StorageFullError(
                say(
                    "store.no_room",
                    "{what} needs about {size} but {free} are free (beside {reserve} in reserve): delete "
                    "brackets or shoot fewer frames",
                    what=what,
                    size=Room(size),
                    free=Room(room),
                    reserve=Room(self._reserve_bytes),
                )
            )

    # --- adding and removing --------------------------------------------------------------------
    def create(self, expected_bytes: int, **head: Any) -> BracketFolder:
        """A new bracket with the next id. head: frames_planned, plan, devices, simulated, created, key.

        Raises StorageFullError when expected_bytes do not fit.
        """
        self._must_be_open()
        self.need_room(expected_bytes)
        return create_folder(self.folder / self._next_id(), head, self._free)

    def begin(self, expected_bytes: int, **head: Any) -> BracketFolder:
        """As create, but without a final name: the bracket appears with finish_folder, and not before."""
        self._must_be_open()
        self.need_room(expected_bytes)
        return begin_folder(self.folder / self._next_id(), head, self._free)

    def delete(self, bracket_id: str) -> None:
        """Remove a bracket. After a power cut it is either all there or gone."""
        empty(self.take_out(bracket_id))

    def take_out(self, bracket_id: str) -> Path:
        """Take a bracket off the list; its folder, to be emptied: of hundreds of frames that takes a card seconds."""
        self._must_be_open()
        trash = self.folder / f"{TRASH}{bracket_id}"
        shutil.rmtree(trash, ignore_errors=True)
        self.folder_of(bracket_id).path.rename(trash)
        sync_folder(self.folder)
        self._known.pop(bracket_id, None)
        return trash

    def _next_id(self) -> str:
        """The next number, noted before it is used, so that none is given twice.

        A lost counter starts again from the folders.
        """
        counter = self.folder / COUNTER
        try:
            last = int(counter.read_text())
        except (OSError, ValueError):
            last = 0
        number = max([last, *map(_number, self.ids())]) + 1
        write_whole(counter, f"{number}\n".encode())
        return f"b{number:06d}"

    def _must_be_open(self) -> None:
        if self._lock_handle is None:
            raise StoreError(
                say(
                    "store.looking_only",
                    "the brackets' folder {folder} is open for looking only",
                    folder=self.folder,
                )
            )


def empty(trash: Path) -> None:
    """Remove what Store.take_out has put aside; what stays is removed at the next start."""
    shutil.rmtree(trash, ignore_errors=True)


@contextmanager
def opened(store: Store) -> Iterator[Store]:
    """The store as the one writer, for the length of a with block."""
    store.open()
    try:
        yield store
    finally:
        store.close()


def _report(folder: BracketFolder, result_id: str) -> dict[str, Any]:
    try:
        report = json.loads((folder.result_path(result_id) / RESULT_FILES["report"]).read_bytes())
    except (OSError, ValueError, NoSuchBracketError):
        return {}
    return report if isinstance(report, dict) else {}


def _number(bracket_id: str) -> int:
    return int(bracket_id[1:])


def _keep_newest(folder: Path, count: int) -> None:
    """Remove the folders within a folder but for so many made last; not those that are being made."""
    made = [one for one in folder.iterdir() if one.suffix != PART]
    for old in sorted(made, key=lambda one: one.stat().st_mtime_ns, reverse=True)[count:]:
        shutil.rmtree(old, ignore_errors=True)
