"""What time it is: by a synchronised clock, else as a phone told it, else as the computer's clock stands.

A Raspberry Pi without network wakes up in the past. Ids never come from the clock, so nothing but dates is wrong
then; a phone that looks in tells the time, and what was shot since the start is dated from how long ago that was.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

# Before this moment a clock is not set; a phone that tells one beyond the other is not believed.
CLOCK_IS_SET_AFTER = datetime(2024, 1, 1).timestamp()
LATEST = CLOCK_IS_SET_AFTER + timedelta(days=25 * 365).total_seconds()
TOLERANCE_S = 2.0  # a smaller difference may be the network's
TIME_ERROR = 5  # what adjtimex answers while nobody disciplines the clock: adjtimex(2)
TIMEX_BYTES = 512  # more than struct timex has on any machine


class ClockSource(StrEnum):
    """Who vouches for the time."""

    SYNCHRONISED = "synchronised"  # NTP or a clock chip that was read
    PHONE = "phone"
    OWN = "own"  # nobody: as the computer's clock stands


@dataclass(frozen=True)
class Moment:
    """When something happened, so that it can be dated later."""

    created: str | None  # ISO 8601 with zone; None while the clock is not set
    clock: str  # a ClockSource
    boot: str  # differs after every start of the computer
    uptime_s: float  # since that start


class TimeOfDay:
    """The rig's idea of the time. Safe to call from any thread."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        uptime: Callable[[], float] | None = None,
        synchronised: Callable[[], bool] | None = None,
        boot: str | None = None,
    ) -> None:
        """wall: s since 1970 by the computer's clock. uptime: s since its start. synchronised: is wall right."""
        self._wall = wall
        self._uptime = uptime or uptime_s
        self._synchronised = synchronised or is_synchronised
        self.boot = boot_id() if boot is None else boot
        self._guard = threading.Lock()
        self._start: float | None = None  # s since 1970 at uptime 0, as a phone told it
        self._zone: tzinfo | None = None

    @property
    def source(self) -> ClockSource:
        """Who vouches for the time now."""
        if self._synchronised():
            return ClockSource.SYNCHRONISED
        return ClockSource.OWN if self._start is None else ClockSource.PHONE

    def now_s(self) -> float:
        """Seconds since 1970."""
        with self._guard:
            return self._at(self._uptime())

    def tell(self, now_s: float, zone: str | None = None) -> bool:
        """A phone says that it is now_s, in a zone such as "Europe/Berlin"; True when that is taken over.

        Not when the clock is synchronised, or differs by no more than TOLERANCE_S.
        """
        if self._synchronised():
            return False
        with self._guard:
            self._zone = zone_of(zone) or self._zone
            uptime = self._uptime()
            if abs(now_s - self._at(uptime)) <= TOLERANCE_S:
                return False
            self._start = now_s - uptime
            return True

    def moment(self) -> Moment:
        """Now, with what is needed to date it later."""
        uptime = self._uptime()
        return Moment(self.date(uptime), self.source.value, self.boot, round(uptime, 1))

    def date(self, uptime: float) -> str | None:
        """The local time in ISO 8601 with its zone at an uptime of this boot; None while the clock is not set."""
        with self._guard:
            then = self._at(uptime)
        if then < CLOCK_IS_SET_AFTER:
            return None
        return datetime.fromtimestamp(then, self._zone).astimezone(self._zone).isoformat(timespec="seconds")

    def _at(self, uptime: float) -> float:
        if self._start is None or self._synchronised():
            return self._wall() - self._uptime() + uptime
        return self._start + uptime


def is_plausible(now_s: float) -> bool:
    """Whether a time that a phone tells can be one."""
    return CLOCK_IS_SET_AFTER <= now_s <= LATEST


def zone_of(name: str | None) -> tzinfo | None:
    """A time zone by name; None for one that is not known here, and the computer's own counts then."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # unknown, or no name of a zone at all
        return None


def is_synchronised() -> bool:
    """Whether the kernel's clock is disciplined by NTP. False where the system does not tell."""
    if not sys.platform.startswith("linux"):
        return False
    answer: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    return 0 <= answer < TIME_ERROR


def uptime_s() -> float:
    """Seconds since the computer was started."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform.startswith("linux") else time.monotonic()


def boot_id() -> str:
    """Differs after every start of the computer; empty where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
