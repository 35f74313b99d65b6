"""The end of threads: waited for, but not for ever."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


def leave_within(limit_s: float, code: int, make_safe: Callable[[], object]) -> None:
    """The process ends within limit_s of this call, whatever still runs. To be called when all work is done.

    picamera2's threads are no daemons, and it closes cameras once more at exit: where one hangs, Python would wait
    for it for ever. make_safe: called before such a hard end, which runs nothing else.
    """

    def leave() -> None:
        time.sleep(limit_s)
        sys.stderr.write("something did not end (a camera that hangs?); the program ends without it\n")
        make_safe()
        sys.stderr.flush()
        os._exit(code)

    threading.Thread(target=leave, name="leave", daemon=True).start()


def make_lines_safe() -> None:
    """Every output of this process at its safe level, for good; nothing where no lines were used."""
    gpio = sys.modules.get("rig.devices.gpio")
    if gpio is not None:
        gpio.make_all_safe()


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
