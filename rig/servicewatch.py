"""Tells systemd that the rig is there and still answers (sd_notify); does nothing where no service manager asks.

A datagram to the socket that the environment names is all there is to it: see sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rig.ending import end_within

log = logging.getLogger(__name__)

TELL_WITHIN_S = 2.0  # a manager that does not read must not hold up the rig
END_WITHIN_S = 15.0  # a look at the rig under way


def notify(state: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell the service manager ("READY=1", "WATCHDOG=1"); False where there is none, or it does not listen."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(TELL_WITHIN_S)
        line.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)
        return True
    return False


def watchdog_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds within which the manager wants to hear again; None: it does not, or asks another process."""
    try:
        limit_us = int(environment.get("WATCHDOG_USEC", "0"))
        asked = int(environment.get("WATCHDOG_PID", str(os.getpid())))
    except ValueError:
        return None
    return limit_us / 1e6 if limit_us > 0 and asked == os.getpid() else None


@contextmanager
def watched(is_alive: Callable[[], bool], environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Within it the manager hears twice in its time, as long as is_alive() says so; then it ends the program.

    is_alive: may take its time; while it does, nothing is told.
    """
    limit_s = watchdog_s(environment)
    if limit_s is None:
        yield
        return
    over = threading.Event()

    def tell() -> None:
        while True:
            if is_alive():
                notify("WATCHDOG=1", environment)
            else:
                log.error("the rig does not get on any more: the service manager will start it again")
            if over.wait(limit_s / 3):
                return

    thread = threading.Thread(target=tell, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        end_within(thread, END_WITHIN_S)
