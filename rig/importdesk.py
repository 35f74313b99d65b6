"""The desk where brackets of other cameras come in: cards looked through, frames copied, stacks ordered.

One thread does it, a thing at a time, so that a card has one reader; it stands still while a bracket is being shot.
Frames are copied before anything else is done with them (docs/decisions/imports.md says why).
"""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rig.bracketfolder import BracketFolder
from rig.copying import CopyCancelledError, copy_frames, head_of
from rig.durable import PART
from rig.ending import end_within
from rig.errors import NoSuchJobError, RigError, SourceError, StorageFullError
from rig.importjob import COPYING_SHARE, ImportJob, JobView
from rig.repeats import remember
from rig.saying import Room, say
from rig.scan import SCANNER, Scan, ScanView
from rig.sources import Source, Sources
from rig.stackqueue import StackTask

END_WITHIN_S = 10.0  # for a card that does not answer
log = logging.getLogger(__name__)

SMALL_PICTURES = f"cards{PART}"  # below the brackets' folder; as a .part it is swept away at the next start
JOBS_KEPT = 200
MOST_AT_ONCE = 100  # brackets in one order
LOOK_S = 0.2  # a bracket begun is noticed within this time
ENOUGH_TO_TELL = 0.25  # of an import is done before its own pace counts


class Shelf(Protocol):
    """What the desk needs of the rig."""

    def room(self) -> int:
        """Bytes free for brackets."""
        ...

    def begin(self, expected_bytes: int, head: dict[str, Any]) -> BracketFolder:
        """A new bracket that has no name yet. Raises StorageFullError."""
        ...

    def checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the stacker is to be told, complete. Raises ConfigError."""
        ...

    def stack(self, bracket_id: str, settings: dict[str, Any]) -> StackTask:
        """Order its stack, in the background. settings: checked."""
        ...

    def prefer(self, task: StackTask) -> None:
        """Stack this one before the others in the background."""
        ...

    def wants_quiet(self) -> bool:
        """Whether something is going on that must not be disturbed."""
        ...


class ImportDesk:
    """Every method may be called from any thread; start() is not needed: the first job does it."""

    def __init__(
        self,
        sources: Sources,
        data_folder: Path,
        shelf: Shelf,
        scanner: Sequence[str] = SCANNER,
    ) -> None:
        self._sources = sources
        self._folder = data_folder
        self._shelf = shelf
        self._scanner = scanner
        self._news = threading.Condition(threading.RLock())
        self._scans: dict[str, Scan] = {}  # by source; the newest
        self._jobs: dict[str, Scan | ImportJob] = {}
        self._waiting: deque[Scan | ImportJob] = deque()
        self._keys: dict[str, tuple[str, ...]] = {}
        self._closed = False
        self._threads: list[threading.Thread] = []

    # --- looking --------------------------------------------------------------------------------
    def sources(self) -> list[tuple[Source, ScanView | None]]:
        """The sources there are, and what is known of each."""
        with self._news:
            return [(source, self._seen(source)) for source in self._sources.now()]

    def source(self, source_id: str) -> tuple[Source, ScanView | None]:
        """One of them. Raises NoSuchSourceError when it is not there."""
        source = self._sources.find(source_id)
        with self._news:
            return source, self._seen(source)

    def _seen(self, source: Source) -> ScanView | None:
        scan = self._scans.get(source.id)
        return scan.view() if scan is not None and scan.source.mark == source.mark else None

    def picture(self, source_id: str, scan_id: str, frame: int) -> Path:
        """A small picture of a frame. Raises SourceError, NoSuchBracketError while there is none."""
        return self._scan_of(source_id, scan_id).picture(frame)

    def scanned(self, source_id: str, scan_id: str) -> ScanView:
        """What this scan has found, whatever was done to the card since. Raises SourceError when it was forgotten."""
        return self._scan_of(source_id, scan_id).view()

    def _scan_of(self, source_id: str, scan_id: str) -> Scan:
        with self._news:
            scan = self._scans.get(source_id)
        if scan is None:
            raise SourceError(
                say(
                    "card.not_looked_through",
                    "this card has not been looked through since the rig was started",
                )
            )
        if scan.id != scan_id:
            raise SourceError(
                say(
                    "card.looked_through_again",
                    "{name} was looked through again since: choose again",
                    name=scan.source.name,
                )
            )
        return scan

    # --- asking ---------------------------------------------------------------------------------
    def scan(self, source_id: str) -> str:
        """Look through a source, or go on if that is being done; the job's id. Raises NoSuchSourceError."""
        source = self._sources.find(source_id)
        with self._news:
            known = self._scans.get(source_id)
            if known is not None and known.source.mark == source.mark and not known.view().ended:
                return f"j{known.id}"
            if known is not None:
                self._forget(known)
            scan = self._scans[source_id] = Scan(source, self._folder / SMALL_PICTURES, self._scanner)
            self._put(f"j{scan.id}", scan)
            return f"j{scan.id}"

    def _forget(self, scan: Scan) -> None:
        scan.discard()
        self._jobs.pop(f"j{scan.id}", None)

    def order(
        self,
        source_id: str,
        scan_id: str,
        brackets: Sequence[tuple[int, int]],
        settings: dict[str, Any],
        key: str | None,
    ) -> tuple[str, ...]:
        """Copy and stack these brackets (first and last frame of each); the jobs' ids, in order.

        The same key again answers with the same jobs. Raises NotOneBracketError, ConfigError,
        StorageFullError; nothing is begun then.
        """
        with self._news:
            if key is not None and key in self._keys:
                return self._keys[key]
            self._sources.find(source_id)
            scan = self._scan_of(source_id, scan_id)
            view = scan.view()
            settings = self._shelf.checked(settings)
            jobs = [ImportJob(scan.source, scan, ends, view.bracket(*ends), settings) for ends in brackets]
            self._need_room(sum(job.bytes for job in jobs))
            for job in jobs:
                self._put(job.id, job)
            ids = tuple(job.id for job in jobs)
            remember(self._keys, key, ids, JOBS_KEPT)
            return ids

    def _need_room(self, wanted: int) -> None:
        queued = sum(job.bytes for job in self._imports() if job.view().state in ("waiting", "copying"))
        room = self._shelf.room() - queued
        if wanted > room:
            raise StorageFullError(
                say(
                    "card.no_room",
                    "these brackets need about {size} on the rig, {free} are free: choose fewer, or "
                    "delete brackets",
                    size=Room(wanted),
                    free=Room(max(0, room)),
                )
            )

    def _put(self, job_id: str, job: Scan | ImportJob) -> None:
        self._jobs[job_id] = job
        for old in [one for one, what in self._jobs.items() if _over(what)][
            : max(0, len(self._jobs) - JOBS_KEPT)
        ]:
            del self._jobs[old]
        self._waiting.append(job)
        if not self._threads:
            for work, name in ((self._run, "imports"), (self._watch, "imports-watch")):
                self._threads.append(threading.Thread(target=work, name=name, daemon=True))
                self._threads[-1].start()
        self._news.notify_all()

    # --- jobs -----------------------------------------------------------------------------------
    def jobs(self) -> list[JobView]:
        """Every job since the start that is remembered: those to be done in order, then those that are over."""
        with self._news:
            views = [self._view(job_id, job) for job_id, job in self._jobs.items()]
        waiting = [view for view in views if not view.over]
        ahead, placed = 0.0, []
        for place, view in enumerate(waiting, start=1):
            left = self._left_s(view.id)
            ahead = ahead + left if left is not None else float("nan")
            eta = round(ahead, 1) if ahead == ahead else None
            placed.append(replace(view, place=place, eta_s=eta))
        return placed + [view for view in reversed(views) if view.over]

    def job(self, job_id: str) -> JobView:
        """One of them. Raises NoSuchJobError."""
        for view in self.jobs():
            if view.id == job_id:
                return view
        raise NoSuchJobError(say("job.unknown", "there is no job {id}", id=repr(job_id[:20])))

    def prefer(self, job_id: str) -> None:
        """Do an import next, before all that wait. Raises NoSuchJobError. One at work or over stays as it is."""
        with self._news:
            job = self._jobs.get(job_id)
            if not isinstance(job, ImportJob):
                raise NoSuchJobError(say("job.no_import", "there is no import {id}", id=repr(job_id[:20])))
            if job.view().state not in ("waiting", "copied"):
                return
            job.preferred = True
            if job in self._waiting:
                self._waiting.remove(job)
                self._waiting.appendleft(job)
            if job.task is not None:
                self._shelf.prefer(job.task)
            rest = {one: what for one, what in self._jobs.items() if what is not job}
            begun = [
                one for one, what in rest.items() if self._view(one, what).state not in ("waiting", "copied")
            ]
            self._jobs = {one: rest.pop(one) for one in begun} | {job_id: job} | rest
            self._news.notify_all()

    def cancel(self, job_id: str) -> None:
        """End a job. A scan keeps what it has found; an import whose frames are copied keeps those.

        Raises NoSuchJobError. A job that is over stays as it is.
        """
        with self._news:
            job = self._jobs.get(job_id)
            if job is None:
                raise NoSuchJobError(say("job.unknown", "there is no job {id}", id=repr(job_id[:20])))
            if isinstance(job, ImportJob):
                job.cancelled.set()
                if job in self._waiting:
                    self._waiting.remove(job)
                    job.change(state="cancelled")
            self._news.notify_all()
        if isinstance(job, Scan):
            job.cancel()
        elif job.task is not None:
            job.task.cancel()

    def close(self) -> None:
        """End everything; brackets whose frames are copied stay. Safe to call twice."""
        with self._news:
            self._closed = True
            jobs = list(self._jobs.values())
            self._news.notify_all()
        for job in jobs:
            if isinstance(job, Scan):
                job.cancel()
            else:
                job.cancelled.set()
        for thread in self._threads:
            end_within(thread, END_WITHIN_S)
        shutil.rmtree(self._folder / SMALL_PICTURES, ignore_errors=True)

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being looked through or copied; False at the time limit."""
        with self._news:
            return self._news.wait_for(
                lambda: not self._waiting and all(not _at_work(job) for job in self._jobs.values()), timeout_s
            )

    def wait_news(self, timeout_s: float) -> None:
        """Wait until something may have changed, or for the time limit."""
        with self._news:
            self._news.wait(timeout_s)

    def _view(self, job_id: str, job: Scan | ImportJob) -> JobView:
        if isinstance(job, ImportJob):
            return job.view()
        seen = job.view()
        source = job.source
        return JobView(
            job_id, "scan", source.id, source.name, seen.state, seen.done, seen.total, error=seen.error
        )

    def _imports(self) -> list[ImportJob]:
        return [job for job in self._jobs.values() if isinstance(job, ImportJob)]

    def _left_s(self, job_id: str) -> float | None:
        """Seconds that a job itself will take from now on, as far as that was measured."""
        job = self._jobs.get(job_id)
        if not isinstance(job, ImportJob):
            return 0.0
        share, began_s = job.share_done(), job.task.began_s if job.task is not None else None
        if began_s is not None and share > ENOUGH_TO_TELL:
            return (time.monotonic() - began_s) * (1 - share) / (share - COPYING_SHARE)
        pace_s = self._pace_s()
        return None if pace_s is None else pace_s * job.bytes * (1 - share)

    def _pace_s(self) -> float | None:
        """For a byte of an import, as the last one took; None before the first is done."""
        paces = [
            job.task.took_s / job.bytes
            for job in self._imports()
            if job.task is not None and job.task.took_s is not None
        ]
        return paces[-1] if paces else None

    # --- the thread ------------------------------------------------------------------------------
    def _run(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or bool(self._waiting))
                if self._closed:
                    return
                job = self._waiting.popleft()
                if isinstance(job, ImportJob):
                    job.change(state="copying")
            try:
                if isinstance(job, Scan):
                    self._wait_for_quiet(lambda job=job: job.view().ended)  # type: ignore[misc]
                    job.run(leave_out=self._own_folder())
                else:
                    self._import(job)
            except Exception:
                log.exception("a job of the import desk failed")
            with self._news:
                self._news.notify_all()

    def _import(self, job: ImportJob) -> None:
        try:
            begun = self._shelf.begin(job.bytes, head_of(job.source, job.frames))
            first = job.view().first or 0
            folder = copy_frames(
                begun,
                job.source,
                job.frames,
                small=lambda index: _there(job.scan, first + index),
                progress=lambda done: job.change(done=done),
                go_on=lambda: self._go_on(job),
            )
            job.change(bracket=folder.id)
            job.task = self._shelf.stack(folder.id, job.settings)
            if job.preferred:
                self._shelf.prefer(job.task)
            if job.cancelled.is_set():
                job.task.cancel()
        except CopyCancelledError:
            job.change(state="cancelled")
        except RigError as error:
            job.change(state="failed", error=error.said)
        except Exception as error:
            log.exception("an import failed")
            job.change(
                state="failed",
                error=say(
                    "job.own_error", "the import met an error of the program: {error}", error=repr(error)
                ),
            )

    def _go_on(self, job: ImportJob) -> bool:
        self._wait_for_quiet(job.cancelled.is_set)
        return not job.cancelled.is_set()

    def _wait_for_quiet(self, enough: Callable[[], bool]) -> None:
        while self._shelf.wants_quiet() and not enough() and not self._closed:
            with self._news:
                self._news.wait(LOOK_S)

    def _own_folder(self) -> Collection[tuple[int, int]]:
        try:
            about = self._folder.stat()
        except OSError:
            return ()
        return ((about.st_dev, about.st_ino),)

    def _watch(self) -> None:
        """Hold a scan at work while the rig needs card, processor and memory."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._closed or bool(self._open_scans()))
                if self._closed:
                    return
                scans = self._open_scans()
            quiet = self._shelf.wants_quiet()
            for scan in scans:
                scan.hold(quiet)
            with self._news:
                self._news.wait(LOOK_S)

    def _open_scans(self) -> list[Scan]:
        return [job for job in self._jobs.values() if isinstance(job, Scan) and not job.view().ended]


def _at_work(job: Scan | ImportJob) -> bool:
    return not job.view().ended if isinstance(job, Scan) else job.task is None and not job.view().over


def _over(job: Scan | ImportJob) -> bool:
    return job.view().ended if isinstance(job, Scan) else job.view().over


def _there(scan: Scan, index: int) -> Path | None:
    try:
        return scan.picture(index)
    except RigError:
        return None
