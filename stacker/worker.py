"""The stacker as a process of its own: JSON lines in, JSON lines out. `python -m stacker.worker`.

In, first line: the job: {"frames": [path...], "follow": bool, "total": n or null, "out": path, "depth_map", "report",
"preview", "preview_depth", "tiff": path or null, "preview_width": px, "settings": {"method", "prefer", "align",
"reference", "crop", "memory_limit_mb", "threads", "quality"}}. While it follows: {"frame": path}, at last {"end":
true}. At any time: {"cancel": true}.

Out: {"event": "frame", ...}, "progress", "preview", "warning", and at last "done" with the report, or "failed" with a
sentence. Exit code as of the command line.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from stacker import memory
from stacker.arrivals import Arrivals
from stacker.edge import DONE, FAILED, INTERRUPTED
from stacker.errors import CancelledError, SettingsError, StackerError
from stacker.job import StackJob, check_outputs
from stacker.pipeline import write_results
from stacker.planes import Planes
from stacker.preview import Preview
from stacker.saying import coded, say
from stacker.settings import AlignSettings, StackSettings
from stacker.stack import Stack


@dataclass(frozen=True)
class WorkOrder:
    """The first line, checked."""

    job: StackJob
    frames: tuple[Path, ...]
    follow: bool
    total: int | None
    preview: Path | None
    preview_depth: Path | None
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
                prefer=wanted.get("prefer", "none"),
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
                tiff=_path(order.get("tiff")),
                quality=wanted.get("quality", 95),
            )
            return cls(
                job,
                frames,
                bool(order.get("follow")),
                order.get("total"),
                _path(order.get("preview")),
                _path(order.get("preview_depth")),
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

    def run(self) -> int:
        """Do the job; returns the exit code."""
        try:
            order = WorkOrder.parse(self.incoming.readline())
            check_outputs(order.job)
            memory.return_freed_memory()
            memory.forget_start()
            threading.Thread(target=self._listen, name="worker-input", daemon=True).start()
            self._work(order)
        except CancelledError:
            return INTERRUPTED
        except StackerError as error:
            self._tell("failed", error=str(error), error_said=coded(error.said))
            return FAILED
        except MemoryError:
            short = say("stacker.no_memory", "not enough memory for this stack; the frames are safe")
            self._tell("failed", error=str(short), error_said=coded(short))
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
            live=order.follow,
        )
        arrivals = Arrivals(stack)
        preview = None
        if order.preview is not None:
            preview = Preview(order.preview, order.preview_depth, order.preview_width)
        for path in self._paths(order, stack):
            if self._cancelled.is_set():
                raise CancelledError("cancelled")
            seen = arrivals.take(path)
            count = arrivals.count
            self._tell(
                "frame",
                index=count - 1,
                name=seen.name,
                used=seen.used,
                reason=seen.reason,
                sharpness=seen.sharpness,
            )
            self._tell("progress", stage="aligning", done=count, total=order.total or count)
            if order.follow and preview is not None:
                if preview.depth_path is not None:
                    preview.show_depth(stack.growing_depth(order.total))
                if preview.show(stack.growing_picture()):
                    self._tell("preview", path=str(preview.path), frames=count)
        source = arrivals.any

        def show(planes: Planes) -> None:
            if preview is not None and preview.show_now_and_then(planes):
                self._tell("preview", path=str(preview.path), frames=order.total or 0)

        result = stack.fuse(
            progress=lambda done, total, what: self._tell("progress", stage=what, done=done, total=total),
            cancelled=self._cancelled.is_set,
            preview=None if preview is None else show,
        )
        for sentence in result.report.warnings:
            self._tell("warning", message=sentence)
        self._tell("progress", stage="finishing", done=0, total=1)
        write_results(order.job, source.metadata(0), arrivals.count, result, source.shape)
        self._tell("done", report=result.report.as_dict())

    def _paths(self, order: WorkOrder, stack: Stack) -> Iterator[Path]:
        """The frames, those to come included; while none has come, the stack goes on with those that are there."""
        yield from order.frames
        while order.follow:
            while self._lines.empty() and stack.advance(order.total):
                pass
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
