"""A flash triggered by a GPIO line through an optocoupler, see docs/wiring.md."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig.config import FlashSettings
from rig.devices.gpio import Gpio

AWAKE_NS = 2_000_000  # before the moment: a sleeping process wakes up late by about so much


class GpioFlash:
    """A Flash on one line, at rest at the start and on exit."""

    def __init__(
        self,
        gpio: Gpio,
        settings: FlashSettings,
        now_ns: Callable[[], int] = time.monotonic_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._fires = 1 if settings.trigger == "high" else 0
        self._line = gpio.output(settings.pin, "flash", initial=1 - self._fires)
        self._pulse_ns = round(settings.pulse_ms * 1e6)
        self._now_ns, self._sleep = now_ns, sleep

    def fire(self, at_ns: int, until_ns: int) -> int | None:
        """Begin the pulse at this moment; see Flash."""
        self._wait_until(at_ns)
        fired_ns = self._now_ns()
        if fired_ns > until_ns:
            return None
        try:
            self._line.write(self._fires)
            self._wait_until(self._now_ns() + self._pulse_ns)
        finally:
            self._line.write(1 - self._fires)
        return fired_ns

    def _wait_until(self, moment_ns: int) -> None:
        """Asleep for most of it, and awake at its end: sleeping alone is late by a millisecond and more."""
        asleep_ns = moment_ns - AWAKE_NS - self._now_ns()
        if asleep_ns > 0:
            self._sleep(asleep_ns / 1e9)
        while self._now_ns() < moment_ns:
            pass
