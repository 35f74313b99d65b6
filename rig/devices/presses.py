"""From button levels over time to presses: short, double, long, very long. Pure; the clock is an argument."""

from __future__ import annotations

from rig.devices.panel import Press

DOUBLE_GAP_S = 0.4  # two presses further apart are two short ones
LONG_S = 2.0
VERY_LONG_S = 6.0


class PressClassifier:
    """Tell it every edge of the button by changed(), and call due() when due_s has come.

    Short waits for DOUBLE_GAP_S in case a second press follows. Long and very long are told while the button
    is still held, so that a held button is first "stop" and only then "power off". A button already down
    when the rig starts (stuck, or shorted by rain) is ignored until it has been let go.
    """

    def __init__(self, pressed: bool) -> None:
        self._pressed = pressed
        self._ignored = pressed
        self._changed_s = 0.0
        self._second = False  # the present or last press came within the gap of a short one
        self._told: set[Press] = set()  # of the present press
        self._short_waits = False

    @property
    def due_s(self) -> float | None:
        """When due() is to be called unless the button changes first; None = not at all."""
        if self._ignored:
            return None
        if self._short_waits and not self._pressed:
            return self._changed_s + DOUBLE_GAP_S
        if self._pressed and Press.VERY_LONG not in self._told:
            return self._changed_s + (VERY_LONG_S if Press.LONG in self._told else LONG_S)
        return None

    def changed(self, pressed: bool, now_s: float) -> list[Press]:
        """What became clear by an edge at now_s, after which the button reads pressed or not."""
        presses = self._elapsed(now_s)
        if pressed != self._pressed:
            presses += self._went_down(now_s) if pressed else self._went_up(now_s)
        return presses

    def due(self, pressed: bool, now_s: float) -> list[Press]:
        """What became clear by waiting until due_s; pressed as the button reads now.

        A button that reads otherwise than it was last told changed unseen: nothing was held that long.
        """
        if pressed != self._pressed:
            return self._went_down(now_s) if pressed else self._went_up(now_s)
        return self._elapsed(now_s)

    @property
    def ignores(self) -> bool:
        """Whether nothing is told until the button was let go."""
        return self._ignored

    def ignore(self) -> None:
        """The button is held for something else: no press is told until it was let go."""
        self._ignored = self._pressed

    def _elapsed(self, now_s: float) -> list[Press]:
        presses = []
        while (due_s := self.due_s) is not None and now_s >= due_s:
            if self._pressed:
                press = Press.VERY_LONG if Press.LONG in self._told else Press.LONG
                self._told.add(press)
            else:
                press = Press.SHORT
                self._short_waits = False
            presses.append(press)
        return presses

    def _went_down(self, now_s: float) -> list[Press]:
        self._pressed, self._changed_s = True, now_s
        self._second, self._short_waits = self._short_waits, False
        self._told.clear()
        return []

    def _went_up(self, now_s: float) -> list[Press]:
        self._pressed, self._changed_s = False, now_s
        if self._ignored or self._told:
            self._ignored = False
            return []
        if self._second:
            return [Press.DOUBLE]
        self._short_waits = True
        return []
