"""The contract of the panel on the rig: button, LED and buzzer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol


class Press(StrEnum):
    """How the button was pressed."""

    SHORT = "short"
    DOUBLE = "double"
    LONG = "long"  # 2 s
    VERY_LONG = "very_long"  # 6 s


class Hold:
    """The button held down, from the moment it goes down until it is let go. Safe to use from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._up = threading.Event()
        self._taken = False

    @property
    def taken(self) -> bool:
        """Whether it means something else than a press."""
        return self._taken

    def wait_up(self, timeout_s: float) -> bool:
        """Wait until the button is let go; False at the time limit."""
        return self._up.wait(timeout_s)

    def take(self) -> bool:
        """Let it mean something else: no press is told of it any more. False when it was let go before."""
        with self._guard:
            self._taken = self._taken or not self._up.is_set()
            return self._taken

    def let_go(self) -> bool:
        """For the driver: the button is up. Whether it was taken."""
        with self._guard:
            self._up.set()
            return self._taken


class Signal(StrEnum):
    """What the LED and the buzzer tell; the patterns are the driver's."""

    READY = "ready"
    CAPTURING = "capturing"
    FRAME = "frame"
    STACKING = "stacking"
    DONE = "done"
    WARNING = "warning"
    FAULT = "fault"
    REFUSED = "refused"  # a press that changed nothing: told once, then as before
    OFF = "off"


class Panel(Protocol):
    """Button in, LED and buzzer out."""

    def on_press(self, callback: Callable[[Press], None]) -> None:
        """Call callback, on the panel's own thread, for every press."""

    def on_hold(self, callback: Callable[[Hold], None]) -> None:
        """Call callback, on the panel's own thread, whenever the button goes down. It must return at once."""

    def show(self, signal: Signal) -> None:
        """Show a state until the next call, REFUSED once and whole, then the state before or that told meanwhile.

        Never blocks.
        """

    def close(self) -> None:
        """LED dark, buzzer silent, lines released. Safe to call twice."""
