"""Limits for tests that wait for another process: what hangs fails, and says what it was waited for."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE_S = 120.0  # on a machine that others load; nothing waits so long unless it is broken


@contextmanager
def killed_if_it_takes_long(process: subprocess.Popen[str], seconds: float = PATIENCE_S) -> Iterator[None]:
    """What is read from the process meanwhile ends at the limit at the latest: it is killed then."""
    timer = threading.Timer(seconds, process.kill)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def next_line(process: subprocess.Popen[str], seconds: float = PATIENCE_S) -> str:
    """The next line on its stdout; "" when it has ended, or had to be killed at the limit."""
    assert process.stdout is not None
    with killed_if_it_takes_long(process, seconds):
        return process.stdout.readline()
