"""The end of threads: waited for, but not for ever."""

from __future__ import annotations

import logging
import threading

log = logging.getLogger(__name__)


def end_within(thread: threading.Thread, limit_s: float) -> bool:
    """Wait for a thread's end; False when it goes on all the same, which is logged.

    A program that is told to end must end: one thread that hangs in a broken driver or on a card that does not
    answer may not keep it. It is a daemon and dies with the program.
    """
    if thread.is_alive():
        thread.join(limit_s)
    if thread.is_alive():
        log.warning("the thread %s did not end within %g s and is left behind", thread.name, limit_s)
    return not thread.is_alive()
