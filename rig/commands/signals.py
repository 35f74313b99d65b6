"""What ends a command that drives the motor: whichever signal it is, the machine is closed in order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rig.ending import make_lines_safe
from stacker.interrupt import Cancelled, cancelled_by_signals


@contextmanager
def ended_by_signals() -> Iterator[Cancelled]:
    """Around everything from before the machine is opened until it is closed: see cancelled_by_signals.

    Here and not beside the lines, for those belong to the rig's thread and only the main thread hears signals.
    Whatever a second or third signal cuts short, the lines are safe at the end.
    """
    with cancelled_by_signals() as cancelled:
        try:
            yield cancelled
        finally:
            make_lines_safe()
