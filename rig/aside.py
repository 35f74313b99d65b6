"""Heavy work on pictures, one at a time in a process of its own: seconds and megabytes that the rig cannot spare."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from rig.errors import StoreError
from rig.saying import say

LIMIT_S = 120.0  # the smallest Pi takes half a minute
NICE = 10
_one_at_a_time = threading.Lock()


def do_aside(module: str, picture: Path, into: Path) -> None:
    """Run `python -m module picture into` at low priority, after what is at work already.

    Raises StoreError when it does not do its work in time.
    """
    if not _done((sys.executable, "-m", module, str(picture), str(into))):
        raise StoreError(say("picture.not_shown", "{path} is no picture that can be shown", path=picture))


def _done(command: tuple[str, ...]) -> bool:
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


def run_aside(make: Callable[[Path, Path], None], *errors: type[Exception]) -> int:
    """What such a process does: make(picture, into). Returns the exit code; errors: what make raises on purpose."""
    os.nice(NICE)
    picture, into = map(Path, sys.argv[1:])
    try:
        make(picture, into)
    except errors as error:
        print(error, file=sys.stderr)
        return 1
    return 0
