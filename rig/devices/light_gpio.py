"""A light switched by a GPIO line through a transistor: high is on."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig.devices.gpio import Gpio


class GpioLight:
    """A Light on one line; dark at the start and on exit."""

    def __init__(
        self, gpio: Gpio, pin: int, lead_s: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """lead_s: until it is at full brightness; a frame at rising brightness would be darker than the rest."""
        self._line = gpio.output(pin, "light", initial=0)
        self._lead_s, self._sleep = lead_s, sleep
        self.lit = False

    def on(self) -> None:
        """Light, and return when it is at full brightness."""
        if not self.lit:
            self._line.write(1)
            self.lit = True
            self._sleep(self._lead_s)

    def off(self) -> None:
        """Dark. Safe to call twice."""
        if self.lit:
            self._line.write(0)
            self.lit = False
