"""Heavy work on pictures, one at a time in a process of its own: seconds and megabytes that the rig cannot spare."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

LIMIT_S = 120.0  # the smallest Pi takes half a minute
NICE = 10
_one_at_a_time = threading.Lock()


def done_aside(module: str, *arguments: object) -> bool:
    """Run `python -m module arguments...` at low priority, after what is at work already; whether it did its work."""
    command = (sys.executable, "-m", module, *map(str, arguments))
    nothing = subprocess.DEVNULL
    with (
        _one_at_a_time,
        subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing) as process,
    ):
        try:
            return process.wait(LIMIT_S) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            return False


def stand_back() -> None:
    """The first thing that such a process does."""
    os.nice(NICE)
