"""The desk where brackets are copied to a stick: in the background, an order at a time, at the lowest priority.

It stands still while a bracket is being shot. docs/decisions/copies.md tells why it is done so.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from rig.control import Control
from rig.copyjob import TOP, CopyCancelledError, CopyJob, CopyOrder, Meter
from rig.ending import end_within
from rig.errors import BusyError, NoSuchJobError, NoSuchTargetError, RigError, TargetError
from rig.importshelf import DISTURBED
from rig.repeats import remember
from rig.saying import say
from rig.status import CopyProgress
from rig.targets import Target, Targets

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200  # brackets named in one order
KEYS_KEPT = 64
END_WITHIN_S = 10.0  # for a stick that does not answer
LOOK_S = 0.2  # a bracket begun is noticed within this time
TELL_S = 0.5  # between two figures for the phones
LOWEST = 19  # niceness, of processor and card


class CopyDesk:
    """Every method may be called from any thread."""

    def __init__(self, targets: Targets, control: Control) -> None:
        self._targets = targets
        self._control = control
        self._news = threading.Condition()
        self._keys: dict[str, str] = {}
        self._cancelled = threading.Event()
        self._thread: threading.Thread | None = None
        self._bracket: str | None = None  # at work
        self._meter = Meter()
        self._told_at = 0.0
        self._progress: CopyProgress | None = None

    # --- looking --------------------------------------------------------------------------------
    def targets(self) -> tuple[Target, ...]:
        """The places there are to copy to."""
        return self._targets.now()

    def busy_with(self, bracket_id: str) -> bool:
        """Whether this bracket is being copied at this moment."""
        return self._bracket == bracket_id

    # --- asking ---------------------------------------------------------------------------------
    def order(
        self,
        target_id: str,
        brackets: Sequence[str] | None,
        frames: bool,
        key: str | None = None,
        top: str = TOP,
    ) -> str:
        """Copy these brackets, with or without their frames; the job's id at once, then see status().copy.

        brackets: None: every one that is not there yet. The same key again answers with the same job. Raises
        NoSuchTargetError, NoSuchBracketError, TargetError where nothing can be written, BusyError during another order.
        """
        with self._news:
            if key is not None and key in self._keys:
                return self._keys[key]
            target = self._targets.find(target_id)
            if target.problem is not None:
                raise TargetError(target.problem)
            if self._progress is not None and self._progress.running:
                raise BusyError(
                    say(
                        "copy.busy",
                        "brackets are being copied to {name}: wait, or cancel that",
                        name=self._progress.to,
                    )
                )
            for one in brackets or ():
                self._control.store.folder_of(one)
            chosen = None if brackets is None else tuple(dict.fromkeys(brackets))
            order = CopyOrder(target, chosen, "all" if frames else "results", top)
            progress = CopyProgress(f"j{token_hex(4)}", target.name, "looking")
            remember(self._keys, key, progress.id, KEYS_KEPT)
            self._cancelled.clear()
            self._meter = Meter()
            self._show(progress)
            self._thread = threading.Thread(target=self._run, args=(order,), name="copies", daemon=True)
            self._thread.start()
            return progress.id

    def cancel(self, job_id: str) -> None:
        """End the copying; what is copied stays. Raises NoSuchJobError. A job that is over stays as it is."""
        with self._news:
            if job_id not in self._keys.values() and (self._progress is None or self._progress.id != job_id):
                raise NoSuchJobError(say("job.unknown", "there is no job {id}", id=repr(job_id[:20])))
            if self._progress is not None and self._progress.id == job_id:
                self._cancelled.set()
                self._news.notify_all()

    def wait_idle(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being copied; False at the time limit."""
        with self._news:
            return self._news.wait_for(
                lambda: self._progress is None or not self._progress.running, timeout_s
            )

    def close(self) -> None:
        """End it; what is copied stays. Safe to call twice."""
        self._cancelled.set()
        with self._news:
            self._news.notify_all()
        if self._thread is not None:
            end_within(self._thread, END_WITHIN_S)

    # --- the thread -----------------------------------------------------------------------------
    def _run(self, order: CopyOrder) -> None:
        if sys.platform.startswith("linux"):  # elsewhere it would be that of the whole program
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
        name = order.target.name
        try:
            message = CopyJob(
                order,
                self._control.store,
                present=lambda: self._is_present(order.target),
                date=lambda: self._control.time.moment().created,
                begins=self._begin,
                go_on=self._go_on,
                tell=self._tell,
            ).run()
            state = "done"
        except CopyCancelledError:
            state, message = (
                "cancelled",
                say("copy.cancelled", "What was copied to {name} stays there.", name=name),
            )
        except RigError as error:
            state, message = "failed", error.said
        except Exception as error:  # the edge of this thread: the next order must have its turn
            log.exception("copying failed")
            state = "failed"
            message = say("copy.own_error", "copying met an error of the program: {error}", error=repr(error))
        self._bracket = None
        with self._news:
            self._change(state=state, message=message, **_told(self._meter) | {"eta_s": None})
            self._news.notify_all()

    def _is_present(self, target: Target) -> bool:
        try:
            return self._targets.find(target.id).mark == target.mark
        except NoSuchTargetError:
            return False

    def _begin(self, bracket_id: str) -> None:
        self._bracket = bracket_id

    def _go_on(self) -> None:
        while self._control.state in DISTURBED and not self._cancelled.is_set():
            with self._news:
                self._news.wait(LOOK_S)
        if self._cancelled.is_set():
            raise CopyCancelledError

    def _tell(self, meter: Meter) -> None:
        self._meter, now = meter, time.monotonic()
        if now - self._told_at >= TELL_S:
            self._told_at = now
            self._change(state="copying", **_told(meter))

    def _change(self, **values: Any) -> None:
        if self._progress is not None:
            self._show(replace(self._progress, **values))

    def _show(self, progress: CopyProgress) -> None:
        self._progress = progress
        self._control.board.change(copy=progress)


def _told(meter: Meter) -> dict[str, Any]:
    """Bytes as people count them: once, when they are written and checked."""
    return {"done": meter.done // 2, "total": meter.total // 2, "eta_s": meter.eta_s}
