"""One thread that owns the motor, and the camera while a job needs it: jobs run one after the other."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

from rig.ending import end_within
from rig.errors import RigError
from rig.saying import say

log = logging.getLogger(__name__)

END_WITHIN_S = 60.0  # a camera that hangs is waited for, and waited for again after its restart

Job = Callable[[], None]


class JobThread:
    """Runs jobs in order; tells of the errors they end with, and of having had nothing to do for a while."""

    def __init__(self, failed: Callable[[RigError], None], idle: Job, idle_s: float) -> None:
        self._failed = failed
        self._idle = idle
        self._idle_s = idle_s
        self._queue: queue.SimpleQueue[tuple[Job, threading.Event] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="rig", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether there is a thread to do them."""
        return self._thread.is_alive()

    def put(self, job: Job) -> None:
        """Run this job after those before it."""
        self._queue.put((job, threading.Event()))

    def run(self, job: Job) -> None:
        """As put, and wait until it is over; what it raises goes to failed as ever."""
        over = threading.Event()
        self._queue.put((job, over))
        over.wait()

    def close(self) -> None:
        """Wait for the jobs begun, within reason, then end the thread. Safe to call twice."""
        self._queue.put(None)
        end_within(self._thread, END_WITHIN_S)

    def _run(self) -> None:
        wait_s: float | None = self._idle_s
        while True:
            try:
                next_job = self._queue.get(timeout=wait_s)
            except queue.Empty:
                wait_s = None  # told once; then wait for the next job
                self._do(self._idle)
                continue
            if next_job is None:
                return
            job, over = next_job
            self._do(job)
            over.set()
            wait_s = self._idle_s

    def _do(self, job: Job) -> None:
        try:
            job()
        except RigError as error:
            self._failed(error)
        except Exception as error:  # the edge of this thread: the rig must stay reachable
            log.exception("a job of the rig failed")
            self._failed(
                RigError(
                    say(
                        "program.own_error",
                        "the program met an error of its own ({error}): please report it",
                        error=repr(error),
                    )
                )
            )
