"""The stacker as a process of its own: JSON lines in, JSON lines out. `python -m stacker.worker`.

In, first line: the job: {"frames": [path...], "follow": bool, "total": n or null, "out": path, "depth_map", "report",
"preview": path or null, "preview_width": px, "settings": {"method", "align", "reference", "crop", "memory_limit_mb",
"threads", "quality"}}. While it follows: {"frame": path}, at last {"end": true}. At any time: {"cancel": true}.

Out: {"event": "frame", ...}, "progress", "preview", "warning", and at last "done" with the report, or "failed" with a
sentence. Exit code as of the command line.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import cv2

from stacker import memory
from stacker.atomic import write_atomically
from stacker.edge import DONE, FAILED, INTERRUPTED
from stacker.errors import CancelledError, FrameError, InputError, SettingsError, StackerError
from stacker.formats import jpeg
from stacker.formats.metadata import Metadata
from stacker.frames import FrameSource, open_frames
from stacker.job import StackJob, check_outputs
from stacker.pipeline import write_results
from stacker.planes import Planes, from_bgr, to_bgr
from stacker.settings import AlignSettings, StackSettings
from stacker.stack import Stack

_PREVIEW_EVERY_S = 0.5  # while fusing; while following, every frame is worth a picture
_PREVIEW_QUALITY = 85


@dataclass(frozen=True)
class WorkOrder:
    """The first line, checked."""

    job: StackJob
    frames: tuple[Path, ...]
    follow: bool
    total: int | None
    preview: Path | None
    preview_width: int

    @classmethod
    def parse(cls, line: str) -> WorkOrder:
        """Raises SettingsError for a line that is no job."""
        try:
            order = json.loads(line)
            wanted = order.get("settings") or {}
            frames = tuple(Path(frame) for frame in order["frames"])
            settings = StackSettings(
                method=wanted.get("method", "auto"),
                align=AlignSettings(wanted.get("align", "auto"), wanted.get("reference")),
                crop=wanted.get("crop", True),
                threads=wanted.get("threads", 0),
                memory_limit_mb=wanted.get("memory_limit_mb"),
            )
            job = StackJob(
                inputs=frames,
                out=Path(order["out"]),
                settings=settings,
                depth_map=_path(order.get("depth_map")),
                report=_path(order.get("report")),
                quality=wanted.get("quality", 95),
            )
            return cls(
                job,
                frames,
                bool(order.get("follow")),
                order.get("total"),
                _path(order.get("preview")),
                int(order.get("preview_width", 960)),
            )
        except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
            raise SettingsError(f"the first line is no job: {error}") from error


@dataclass
class Worker:
    """One job, from its first line to its last event."""

    incoming: TextIO
    outgoing: TextIO
    _lines: queue.Queue[dict[str, Any] | None] = field(default_factory=queue.Queue)
    _cancelled: threading.Event = field(default_factory=threading.Event)
    _last_preview: float = 0.0

    def run(self) -> int:
        """Do the job; returns the exit code."""
        try:
            order = WorkOrder.parse(self.incoming.readline())
            check_outputs(order.job)
            memory.return_freed_memory()
            threading.Thread(target=self._listen, name="worker-input", daemon=True).start()
            self._work(order)
        except CancelledError:
            return INTERRUPTED
        except StackerError as error:
            self._tell("failed", error=str(error))
            return FAILED
        except MemoryError:
            self._tell("failed", error="not enough memory for this stack; the frames are safe")
            return FAILED
        except Exception as error:  # noqa: BLE001 - the edge of a process: the rig must hear of it in any case
            self._tell("failed", error=f"this should not happen ({type(error).__name__}: {error})")
            return FAILED
        return DONE

    def _work(self, order: WorkOrder) -> None:
        stack = Stack(
            order.job.settings,
            growing=order.follow and order.preview is not None,
            scratch=order.job.out.parent,
        )
        source: FrameSource | None = None
        count = 0
        for path in self._paths(order):
            if self._cancelled.is_set():
                raise CancelledError("cancelled")
            try:
                opened = open_frames([path])
            except (InputError, FrameError) as error:
                seen = stack.leave_out(path.name, str(error))
            else:
                source = source or opened
                seen = stack.look(opened, 0)
            count += 1
            self._tell(
                "frame",
                index=count - 1,
                name=seen.name,
                used=seen.used,
                reason=seen.reason,
                sharpness=seen.sharpness,
            )
            self._tell("progress", stage="aligning", done=count, total=order.total or count)
            if order.follow:
                self._show(stack.growing_picture(), order, count)
        if source is None:
            raise InputError("there are no frames that can be used")
        result = stack.fuse(
            progress=lambda done, total, what: self._tell("progress", stage=what, done=done, total=total),
            cancelled=self._cancelled.is_set,
            preview=self._previewer(order),
        )
        for sentence in result.report.warnings:
            self._tell("warning", message=sentence)
        self._tell("progress", stage="finishing", done=0, total=1)
        write_results(order.job, source.metadata(0), count, result, source.shape)
        self._tell("done", report=result.report.as_dict())

    def _paths(self, order: WorkOrder) -> Iterator[Path]:
        """The frames, those to come included."""
        yield from order.frames
        while order.follow:
            message = self._lines.get()
            if self._cancelled.is_set():
                raise CancelledError("cancelled")
            if message is None:  # the rig has gone: nobody waits for this result
                raise CancelledError("the input was closed")
            if message.get("end"):
                return
            if "frame" in message:
                yield Path(message["frame"])

    def _listen(self) -> None:
        for line in self.incoming:
            try:
                message = json.loads(line)
            except json.JSONDecodeError:
                continue
            if not isinstance(message, dict):
                continue
            if message.get("cancel"):
                self._cancelled.set()
            self._lines.put(message)
        self._lines.put(None)

    def _previewer(self, order: WorkOrder) -> Any:
        if order.preview is None:
            return None

        def show(planes: Planes) -> None:
            if time.monotonic() - self._last_preview >= _PREVIEW_EVERY_S:
                self._show(planes, order, order.total or 0)

        return show

    def _show(self, planes: Planes | None, order: WorkOrder, frames: int) -> None:
        if planes is None or order.preview is None:
            return
        self._last_preview = time.monotonic()
        picture = to_bgr(planes)
        height, width = picture.shape[:2]
        if width > order.preview_width:
            size = order.preview_width, max(1, round(height * order.preview_width / width))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        write_atomically(order.preview, jpeg.encode(from_bgr(picture, 1), _PREVIEW_QUALITY, Metadata()))
        self._tell("preview", path=str(order.preview), frames=frames)

    def _tell(self, event: str, **facts: Any) -> None:
        try:
            self.outgoing.write(json.dumps({"event": event, **facts}) + "\n")
            self.outgoing.flush()
        except (BrokenPipeError, ValueError) as error:
            raise CancelledError("nobody listens any more") from error


def _path(value: str | None) -> Path | None:
    return None if value is None else Path(value)


def main() -> int:
    """Talk on stdin and stdout; whatever a library prints must not get between the lines."""
    outgoing = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Worker(sys.stdin, outgoing).run()


if __name__ == "__main__":
    sys.exit(main())
