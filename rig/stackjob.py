"""The stacker as a process of its own: fed line by line, watched, cancelled; when it dies, the rig lives.

Talks JSON lines with `python -m stacker.worker`. To it: the job, then {"frame": path}... and {"end": true}
when the job follows a bracket being shot; {"cancel": true} at any time. From it: events "frame", "progress",
"preview", "warning", and at last "done" or "failed".
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.ending import end_within
from rig.errors import StackFailedError
from rig.saying import Said, say, told

SAID_WITHIN_S = 5.0
Event = dict[str, Any]

WORKER = (sys.executable, "-m", "stacker.worker")
NICE = 10  # shooting and the phone come first
# The kernel then ends the stacker, not the rig, when memory runs out.
OOM_SCORE_ADJ = 500


@dataclass(frozen=True)
class StackOrder:
    """What to stack and where to put it."""

    frames: tuple[Path, ...]
    out: Path
    settings: dict[str, Any]  # as rig.stackorders.stacker_settings gives them
    follow: bool = False  # more frames come through StackProcess.add_frame
    total: int | None = None  # frames expected in the end, when known
    depth_map: Path | None = None
    report: Path | None = None
    preview: Path | None = None  # JPEG of the growing stack, replaced again and again
    preview_depth: Path | None = None  # PNG of what of it is sharp already, likewise
    preview_width: int = 960
    tiff: Path | None = None  # 16 bit, without loss, besides

    def as_line(self) -> Event:
        """The job as the worker reads it."""
        paths = {
            "depth_map": self.depth_map,
            "report": self.report,
            "preview": self.preview,
            "preview_depth": self.preview_depth,
            "tiff": self.tiff,
        }
        return {
            "frames": [str(frame) for frame in self.frames],
            "follow": self.follow,
            "total": self.total if self.total is not None else (None if self.follow else len(self.frames)),
            "out": str(self.out),
            **{key: None if path is None else str(path) for key, path in paths.items()},
            "preview_width": self.preview_width,
            "settings": self.settings,
        }


class StackProcess:
    """One stacker process at work. Its methods may be called from any thread."""

    def __init__(
        self, order: StackOrder, on_event: Callable[[Event], None], command: Sequence[str] = WORKER
    ) -> None:
        """Start it. on_event is called on a thread of this object for every event, in order.

        Raises StackFailedError when the process cannot be started.
        """
        self._on_event = on_event
        self._writing = threading.Lock()
        self._last: Event | None = None  # "done" or "failed"
        self._cancelled = False
        self._complaints: deque[str] = deque(maxlen=20)
        try:
            self._process = subprocess.Popen(
                [*lower_disk_priority(), *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                process_group=0,  # Ctrl-C in a terminal is for the rig, which then cancels in good order
            )
        except OSError as error:
            raise StackFailedError(
                say("stack.not_started", "the stacker cannot be started: {why}", why=error.strerror)
            ) from error
        stand_back(self._process.pid)
        self._threads = [
            threading.Thread(target=self._read_events, name="stacker-events", daemon=True),
            threading.Thread(target=self._read_complaints, name="stacker-stderr", daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        self._send(order.as_line())

    @property
    def pid(self) -> int:
        """The process' id."""
        return self._process.pid

    def add_frame(self, path: Path) -> None:
        """Feed one more frame to a job that follows. A process that has died is told of by result()."""
        self._send({"frame": str(path)})

    def end(self) -> None:
        """No more frames come: finish with what is there."""
        self._send({"end": True})

    def cancel(self, grace_s: float = 3.0) -> None:
        """End the job: ask, then terminate, then kill. The process is gone when this returns."""
        self._cancelled = True
        self._send({"cancel": True})
        for insist in (self._process.terminate, self._process.kill):
            try:
                self._process.wait(grace_s)
                return
            except subprocess.TimeoutExpired:
                insist()
        self._process.wait()

    def result(self) -> dict[str, Any] | None:
        """Wait for the end; the worker's report, or None when the job was cancelled.

        Raises StackFailedError with the worker's sentence, or with what is known of its death.
        """
        code = self._process.wait()
        for thread in self._threads:
            end_within(thread, SAID_WITHIN_S)  # something it started may have its stdout still
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if self._last is not None and self._last["event"] == "done":
            report = self._last.get("report")
            return report if isinstance(report, dict) else {}
        if self._cancelled:
            return None
        if self._last is not None:
            if error := self._last.get("error"):
                raise StackFailedError(told(error, self._last.get("error_said")))
            raise StackFailedError(say("stack.failed_silently", "the stacker failed without saying why"))
        raise StackFailedError(death_sentence(code, list(self._complaints)))

    def _send(self, message: Event) -> None:
        stdin = self._process.stdin
        # A broken pipe means that the process has ended; result() says how.
        with self._writing, contextlib.suppress(OSError, ValueError):
            if stdin is not None:
                stdin.write(json.dumps(message) + "\n")
                stdin.flush()

    def _read_events(self) -> None:
        for line in self._process.stdout or ():
            event = parse_event(line)
            if event is None:
                self._complaints.append(line.strip())
                continue
            if event["event"] in ("done", "failed"):
                self._last = event
            self._on_event(event)

    def _read_complaints(self) -> None:
        for line in self._process.stderr or ():
            self._complaints.append(line.strip())


def parse_event(line: str) -> Event | None:
    """One line of the worker, None when it is no event (a library's print)."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) and isinstance(value.get("event"), str) else None


SILENT = say("stack.nothing_said", "nothing was said")


def death_sentence(code: int, complaints: Sequence[str]) -> Said:
    """Why a process that said nothing ended, as far as can be told from outside."""
    if code == -signal.SIGKILL:
        return say(
            "stack.killed",
            "the stacker was killed, most likely because memory ran out; the frames are safe: stack again, with a "
            "lower memory limit",
        )
    if code < 0:
        return say(
            "stack.ended_by",
            "the stacker was ended by {signal}; the frames are safe: stack again",
            signal=signal.Signals(-code).name,
        )
    complaint = next((line for line in reversed(complaints) if line), SILENT)
    return say(
        "stack.no_result",
        "the stacker ended without a result (exit code {code}: {why}); the frames are safe: stack again",
        code=code,
        why=complaint,
    )


def lower_disk_priority() -> list[str]:
    """Prefix that yields the card to the rig; best effort 7, since idle class could starve for minutes."""
    ionice = shutil.which("ionice")
    return [ionice, "-c", "2", "-n", "7"] if ionice else []


def stand_back(pid: int) -> None:
    """Lower CPU priority, first to go when memory runs out. A favour: refused in some containers."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, NICE)
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(str(OOM_SCORE_ADJ))
