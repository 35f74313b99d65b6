"""Call something that may never return, and go on without it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


class StillRunningError(Exception):
    """The call had not returned in time. It goes on in its thread; nobody waits for it any more."""


def call_bounded(call: Callable[[], T], limit_s: float, name: str) -> T:
    """What call() returns or raises, if within limit_s; else StillRunningError. name: of the thread."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001  handed over to the caller's thread
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        return future.result(limit_s)
    except TimeoutError:
        if future.done():  # the call itself raised it
            raise
        raise StillRunningError(f"{name} has not returned after {limit_s:g} s") from None
