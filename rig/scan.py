"""A look through a source, as the rig sees it: the process that does it, and what it has found so far."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from rig.cardfiles import CardFile
from rig.errors import NoSuchBracketError, NotOneBracketError
from rig.saying import Said, say
from rig.sources import Source, shown_name
from rig.stackjob import lower_disk_priority, parse_event, stand_back

SCANNER = (sys.executable, "-m", "rig.cardscan")
LOOK_S = 600.0  # CPU seconds for small pictures; what is not looked at then is told apart by time alone


@dataclass(frozen=True)
class CardFrame:
    """A frame of another camera, as its file tells; None or "" where it does not."""

    file: CardFile
    width: int
    height: int
    taken: str | None  # "2026:05:17 14:03:22.41"
    camera: str
    body: str
    lens: str
    f_number: float | None
    exposure_s: float | None
    iso: int | None
    sharpness: float = 0.0

    @property
    def name(self) -> str:
        """The file's name, as it may be shown."""
        return shown_name(self.file.path.rpartition("/")[2])

    @property
    def maker(self) -> tuple[str, str, int, int]:
        """Only frames of one camera and size can be stacked together."""
        return self.camera, self.body, self.width, self.height


@dataclass(frozen=True)
class ScanView:
    """What is known of a source's frames now. groups: first, last, whether it is a bracket."""

    id: str
    state: str  # "waiting", "reading", "looking", "done", "cancelled", "failed"
    done: int
    total: int
    frames: tuple[CardFrame, ...]
    groups: tuple[tuple[int, int, bool], ...]
    passed_over: dict[str, int]
    complete: bool  # every frame was looked at
    error: Said | None

    @property
    def ended(self) -> bool:
        """Nothing more will come."""
        return self.state in ("done", "cancelled", "failed")

    @property
    def brackets(self) -> int:
        """How many brackets were found."""
        return sum(is_bracket for _, _, is_bracket in self.groups)

    def bracket(self, first: int, last: int) -> tuple[CardFrame, ...]:
        """The frames first..last. Raises NotOneBracketError when they cannot be stacked together."""
        if not 0 <= first < last < len(self.frames):
            raise NotOneBracketError(
                say(
                    "card.no_bracket",
                    "frames {first} to {last} are no bracket: two frames or more, of 0 to {most}",
                    first=first,
                    last=last,
                    most=len(self.frames) - 1,
                )
            )
        frames = self.frames[first : last + 1]
        if len({frame.maker for frame in frames}) > 1:
            raise NotOneBracketError(
                say(
                    "card.different_cameras",
                    "frames {first} to {last} are of different cameras or sizes: choose frames of one camera",
                    first=frames[0].name,
                    last=frames[-1].name,
                )
            )
        return frames


class Scan:
    """One look through one source. run() is for one thread; the rest may be called from any."""

    def __init__(self, source: Source, thumbs: Path, command: Sequence[str] = SCANNER) -> None:
        self.source = source
        self.id = token_hex(4)
        self._thumbs = thumbs / self.id
        self._command = command
        self._guard = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._held = False
        self._cancelled = False
        self._view = ScanView(self.id, "waiting", 0, 0, (), (), {}, complete=False, error=None)
        self._sharpness: dict[int, float] = {}

    def view(self) -> ScanView:
        """What is known now."""
        with self._guard:
            return self._view

    def run(self, leave_out: Collection[tuple[int, int]] = (), look_s: float = LOOK_S) -> None:
        """Look through the source; returns when that is over. leave_out: (device, inode) of folders."""
        process = self._begin(leave_out, look_s)
        if process is None:
            return
        try:
            for line in process.stdout or ():
                event = parse_event(line)
                if event is not None:
                    self._hear(event)
        except (
            KeyError,
            TypeError,
            ValueError,
        ):  # a stranger's file has taken the process over, or broken it
            process.kill()
        code = process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()
        with self._guard:
            if not self._view.ended and self._cancelled:
                self._change(state="cancelled")
            elif not self._view.ended:
                self._change(
                    state="failed",
                    error=say(
                        "card.look_broke_off",
                        "looking through {source} broke off (exit code {code})",
                        source=self.source.name,
                        code=code,
                    ),
                )

    def cancel(self) -> None:
        """Look no further; what was found stays."""
        with self._guard:
            self._cancelled = True
            if self._process is not None:
                self._process.kill()
            elif not self._view.ended:
                self._change(state="cancelled")

    def hold(self, on: bool) -> None:
        """Stop the process dead while the rig has more important things to do, and let it go on."""
        with self._guard:
            if self._process is not None and self._process.poll() is None and on != self._held:
                self._held = on
                self._process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def picture(self, index: int) -> Path:
        """A small picture of a frame. Raises NoSuchBracketError while there is none."""
        path = self._thumbs / f"{index}.jpg"
        if not path.is_file():
            raise NoSuchBracketError(
                say("card.no_small_picture", "there is no picture of frame {frame} yet", frame=index)
            )
        return path

    def discard(self) -> None:
        """Remove the small pictures."""
        self.cancel()
        shutil.rmtree(self._thumbs, ignore_errors=True)

    def _begin(self, leave_out: Collection[tuple[int, int]], look_s: float) -> subprocess.Popen[str] | None:
        with self._guard:
            if self._cancelled:
                return None
            try:
                self._thumbs.mkdir(parents=True, exist_ok=True)
                process = self._process = subprocess.Popen(
                    [*lower_disk_priority(), *self._command],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    encoding="utf-8",
                    process_group=0,
                )
            except OSError as error:
                self._change(
                    state="failed",
                    error=say(
                        "card.look_not_started", "the scan cannot be started: {why}", why=error.strerror
                    ),
                )
                return None
            stand_back(process.pid)
            self._change(state="reading")
        order = {
            "root": str(self.source.root),
            "thumbs": str(self._thumbs),
            "leave_out": [list(pair) for pair in leave_out],
            "look_s": look_s,
        }
        with contextlib.suppress(OSError):
            assert process.stdin is not None
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()
        return process

    def _hear(self, event: dict[str, Any]) -> None:
        with self._guard:
            match event["event"]:
                case "progress":
                    self._change(state=event["stage"], done=event["done"], total=event["total"])
                case "frames":
                    self._change(frames=(*self._view.frames, *map(_frame, event["frames"])))
                case "groups":
                    self._change(groups=tuple((int(a), int(b), bool(c)) for a, b, c in event["groups"]))
                case "looked" if event["sharpness"] is not None:
                    self._sharpness[event["index"]] = event["sharpness"]
                case "done":
                    self._change(
                        state="done",
                        passed_over=event["passed_over"],
                        complete=event["complete"],
                        frames=tuple(self._with_sharpness()),
                    )
                case "failed":
                    self._change(
                        state="failed",
                        error=say(
                            "card.not_read",
                            "{source} cannot be read: {why}",
                            source=self.source.name,
                            why=event["error"],
                        ),
                    )

    def _with_sharpness(self) -> list[CardFrame]:
        return [
            replace(frame, sharpness=self._sharpness.get(index, 0.0))
            for index, frame in enumerate(self._view.frames)
        ]

    def _change(self, **values: Any) -> None:
        """Under the guard."""
        self._view = replace(self._view, **values)


def _frame(told: dict[str, Any]) -> CardFrame:
    file = CardFile(told.pop("path"), told.pop("size"), told.pop("mtime_ns"))
    return CardFrame(file, **told)
