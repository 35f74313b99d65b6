"""Ctrl-C and a polite kill become a question the work can ask between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def cancelled_by_signals() -> Iterator[Callable[[], bool]]:
    """cancelled(): whether SIGINT or SIGTERM came. A second one raises KeyboardInterrupt at once.

    The handlers that were there come back at the end. In another thread than the main one, where Python
    allows no handlers, it never comes true.
    """
    came = threading.Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        if came.is_set():
            raise KeyboardInterrupt
        came.set()

    if threading.current_thread() is not threading.main_thread():
        yield came.is_set
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came.is_set
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
