"""Stacking beside shooting: one job at a time in a process of its own, the next ones wait."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rig.bracketfolder import RESULT_FILES, BracketFolder
from rig.durable import write_derived
from rig.ending import end_within
from rig.errors import RigError, StackFailedError
from rig.pictures import RESULT_THUMB_PX, SCREEN_PX, SCREEN_QUALITY, jpeg_size, small_jpeg
from rig.saying import Said, all_told, plain, say
from rig.stackjob import WORKER, Event, StackOrder, StackProcess
from rig.status import StackProgress

END_WITHIN_S = 30.0  # a stacker that does not listen is killed after six
PREVIEW = "preview.jpg"
PREVIEW_DEPTH = "preview-depth.png"  # what of it is sharp already, and how deep that lies


class StackTask:
    """One result to be made. A live one is fed while its bracket is shot, and ended with end()."""

    def __init__(
        self,
        folder: BracketFolder,
        frames: Iterable[Path],
        settings: dict[str, Any],
        depth_map: bool,
        total: int | None = None,
        live: bool = False,
        background: bool = False,
    ) -> None:
        """background: stands back for any other task, even half done; for frames that nobody waits beside."""
        self.background = background
        self.folder = folder
        self.settings = settings
        self.result_id, self.part = folder.begin_result()
        self.warnings: list[str] = []
        self._frames = list(frames)
        self._live = live
        self._depth_map = depth_map
        self._guard = threading.Lock()
        self._process: StackProcess | None = None
        self.cancelled = False
        self.dropped = False
        self._put_back = False
        self.began_s: float | None = None  # on the monotonic clock, when its process was started
        self.took_s: float | None = None  # known when it is done
        self.progress = StackProgress(
            folder.id, self.result_id, "waiting", 0, len(self._frames) if total is None else total, 0
        )

    def add_frame(self, path: Path) -> None:
        """One more frame is whole on the card."""
        with self._guard:
            self._frames.append(path)
            if self._process is not None:
                self._process.add_frame(path)

    def end(self) -> None:
        """No more frames come; the result is made of those that did. Safe to call twice."""
        with self._guard:
            if self._live and self._process is not None:
                self._process.end()
            self._live = False
            self.progress = replace(self.progress, total=len(self._frames))
            if not self._frames:
                self.cancelled = True

    def cancel(self) -> None:
        """End it without a result, whether it waits or runs."""
        with self._guard:
            self.cancelled = True
            process = self._process
        if process is not None:
            process.cancel()

    def stand_back(self) -> None:
        """End the process, to be started again from the frames when there is nothing more important."""
        with self._guard:
            self._put_back = not self.cancelled
            process = self._process
        if process is not None and self._put_back:
            process.cancel()

    def take_back(self) -> bool:
        """Whether it was ended only to stand back; then it waits again."""
        with self._guard:
            again, self._put_back = self._put_back and not self.cancelled, False
            self._process = self.began_s = None
            if again:
                self.progress = replace(self.progress, stage="waiting", done=0)
            return again

    def start(self, on_event: Callable[[Event], None], command: Sequence[str]) -> StackProcess | None:
        """The process at work, None when the task was cancelled before."""
        with self._guard:
            if self.cancelled or self._put_back:
                return None
            order = StackOrder(
                frames=tuple(self._frames),
                out=self.part / RESULT_FILES["fused"],
                settings=self.settings,
                follow=self._live,
                total=self.progress.total,
                depth_map=self.part / RESULT_FILES["depth"] if self._depth_map else None,
                report=self.part / RESULT_FILES["report"],
                preview=self.part / PREVIEW,
                preview_depth=self.part / PREVIEW_DEPTH if self._live else None,
                tiff=self.part / RESULT_FILES["tiff"] if self.settings.get("tiff") else None,
            )
            self.began_s = time.monotonic()
            self._process = StackProcess(order, on_event, command)
            return self._process

    def discard(self) -> None:
        """Remove what was begun."""
        shutil.rmtree(self.part, ignore_errors=True)


class StackQueue:
    """Works through tasks on a thread of its own and tells of every step."""

    def __init__(self, changed: Callable[[StackProgress], None], command: Sequence[str] = WORKER) -> None:
        self._changed = changed
        self._command = command
        self._news = threading.Condition()
        self._tasks: deque[StackTask] = deque()
        self._current: StackTask | None = None
        self._picture: Path | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="stacking", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Cancel everything and end the thread. Safe to call twice."""
        with self._news:
            self._closed = True
            waiting = [*self._tasks, *([self._current] if self._current else [])]
            self._news.notify_all()
        for task in waiting:
            task.cancel()
        end_within(self._thread, END_WITHIN_S)
        while self._tasks:
            self._end(self._tasks.popleft(), "cancelled")

    def put(self, task: StackTask) -> None:
        """Queue a task behind those that wait, but before those in the background."""
        with self._news:
            idle = self._current is None and not self._tasks
            self._tasks.insert(len(self._tasks) if task.background else self._background_from(), task)
            current = self._current
            self._news.notify_all()
        if current is not None and current.background and not task.background:
            # ending a process takes a moment that whoever begins a bracket must not wait for
            threading.Thread(target=current.stand_back, name="stack-stands-back", daemon=True).start()
        if idle:
            self._changed(task.progress)

    def _background_from(self) -> int:
        """Place in the queue behind the tasks that somebody waits beside."""
        return sum(not one.background for one in self._tasks)

    def cancel(self) -> None:
        """Cancel the task at work, or the one that waits first."""
        with self._news:
            task = self._current or (self._tasks[0] if self._tasks else None)
        if task is not None:
            task.cancel()

    def prefer(self, task: StackTask) -> None:
        """Do a background task that waits before the others of its kind."""
        with self._news:
            if task in self._tasks:
                self._tasks.remove(task)
                self._tasks.insert(self._background_from(), task)

    def drop(self, task: StackTask) -> None:
        """End a task without a result and without a word: another one takes its place."""
        task.dropped = True
        task.cancel()

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is at work or waiting; False at the time limit."""
        with self._news:
            return self._news.wait_for(lambda: self._current is None and not self._tasks, timeout_s)

    def busy_with(self, bracket_id: str) -> bool:
        """Whether a task of this bracket is at work or waits."""
        with self._news:
            tasks = [*self._tasks, *([self._current] if self._current else [])]
            return any(task.folder.id == bracket_id for task in tasks)

    def picture(self) -> Path | None:
        """The latest picture: of the growing stack, or of the last result; None when there is none yet."""
        picture = self._picture
        return picture if picture is not None and picture.is_file() else None

    def depth(self) -> Path | None:
        """What of the growing stack is sharp already; None when it has none yet, and once the result is there."""
        picture = self._picture
        depth = None if picture is None else picture.with_name(PREVIEW_DEPTH)
        return depth if depth is not None and depth.is_file() else None

    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or bool(self._tasks))
                if self._closed:
                    return
                task = self._current = self._tasks.popleft()
            try:
                self._work(task)
            finally:
                with self._news:
                    self._current = None
                    self._news.notify_all()

    def _work(self, task: StackTask) -> None:
        self._picture = None
        try:
            process = task.start(lambda event: self._hear(task, event), self._command)
            report = process.result() if process is not None else None
            if report is None:
                self._end_or_again(task)
                return
            self._tell(task, stage="finishing")
            keep_result(task, report)
            self._picture = task.folder.result_path(task.result_id) / RESULT_FILES["screen"]
            total = task.progress.total
            task.took_s = None if task.began_s is None else time.monotonic() - task.began_s
            self._tell(task, stage="done", done=total, preview_rev=task.progress.preview_rev + 1)
        except (RigError, OSError) as error:
            self._end(task, "failed", error.said if isinstance(error, RigError) else plain(error))
        except Exception as error:  # noqa: BLE001  # the edge of this thread: the next task must have its turn
            own = say("stack.own_error", "stacking met an error of the program: {error}", error=repr(error))
            self._end(task, "failed", own)

    def _end_or_again(self, task: StackTask) -> None:
        if not task.take_back():
            self._end(task, "cancelled")
            return
        with self._news:
            self._tasks.insert(self._background_from(), task)

    def _end(self, task: StackTask, stage: str, error: Said | None = None) -> None:
        task.discard()
        self._tell(task, stage=stage, error=error)

    def _hear(self, task: StackTask, event: Event) -> None:
        match event["event"]:
            case "progress":
                stage = str(event.get("stage", "fusing"))
                self._tell(
                    task, stage=stage, done=int(event.get("done", 0)), total=int(event.get("total") or 0)
                )
            case "preview":
                self._picture = task.part / PREVIEW
                self._tell(task, preview_rev=task.progress.preview_rev + 1)
            case "warning":
                task.warnings.append(str(event.get("message", "")))

    def _tell(self, task: StackTask, **values: Any) -> None:
        if values.get("total") == 0:
            del values["total"]
        task.progress = replace(task.progress, **values)
        if not task.dropped:
            self._changed(task.progress)


def keep_result(task: StackTask, report: dict[str, Any]) -> None:
    """Make the copies that phones show, give the result its name and note it.

    Raises StackFailedError when the worker left no picture, StoreError when there is no room.
    """
    fused = task.part / RESULT_FILES["fused"]
    if not fused.is_file():
        raise StackFailedError(
            say("stack.no_picture", "the stacker said it was done but left no picture; the frames are safe")
        )
    for preview in (PREVIEW, PREVIEW_DEPTH):
        (task.part / preview).unlink(missing_ok=True)
    write_derived(task.part / RESULT_FILES["screen"], small_jpeg(fused, SCREEN_PX, SCREEN_QUALITY))
    write_derived(task.part / RESULT_FILES["thumb"], small_jpeg(fused, RESULT_THUMB_PX))
    with fused.open("rb") as stream:
        width, height = jpeg_size(
            stream.read(1_000_000)
        )  # beyond the metadata; an embedded preview is inside it
    frames = report.get("frames")
    offered = frames if isinstance(frames, list) else []
    used = sum(bool(frame.get("used", True)) for frame in offered if isinstance(frame, dict))
    about = {
        "method": str(report.get("method") or task.settings.get("method", "auto")),
        "width": width,
        "height": height,
        "used": used,
        "frames": len(offered),
        "warnings": all_told(report.get("warnings") or task.warnings, report.get("warnings_said")),
        "settings": task.settings,
    }
    task.folder.finish_result(task.result_id, task.part, about)
