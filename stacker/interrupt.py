"""Ctrl-C and the other signals that end a program become a question the work can ask between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

# Ctrl-C, a polite kill, the terminal closed (or ssh dropped), Ctrl-\. Not every system has all of them.
ENDING = tuple(
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT") if hasattr(signal, name)
)


class Cancelled:
    """Whether a signal has asked for the end."""

    def __init__(self) -> None:
        self._came = False  # no Event: a second signal within its set() would wait for its lock for ever
        self._stop: Callable[[], None] = lambda: None

    def __call__(self) -> bool:
        """True from the first signal on."""
        return self._came

    def then(self, stop: Callable[[], None]) -> None:
        """Call stop() when a signal comes, or now if one has come; it may be called twice."""
        self._stop = stop
        if self._came:
            stop()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self._came and signal.Signals(number).name == "SIGHUP":
            return  # a lost terminal is told by the kernel and once more by the shell: nobody is impatient
        if self._came:
            raise KeyboardInterrupt
        self._came = True
        self._stop()


@contextmanager
def cancelled_by_signals() -> Iterator[Cancelled]:
    """cancelled(): whether one of ENDING came. A second one, but for SIGHUP, raises KeyboardInterrupt.

    A SIGHUP that is ignored, as under nohup, stays so. The handlers that were there come back at the end. In another
    thread than the main one, where Python allows no handlers, it never comes true.
    """
    cancelled = Cancelled()
    if threading.current_thread() is not threading.main_thread():
        yield cancelled
        return
    before = {
        number: signal.signal(number, cancelled._note)
        for number in ENDING
        if number.name != "SIGHUP" or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield cancelled
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """A polite kill raises KeyboardInterrupt, as Ctrl-C does: work that cannot be asked between steps tidies up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
