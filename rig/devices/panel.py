"""The contract of the panel on the rig: button, LED and buzzer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol


class Press(StrEnum):
    """How the button was pressed."""

    SHORT = "short"
    DOUBLE = "double"
    LONG = "long"  # 2 s
    VERY_LONG = "very_long"  # 6 s


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

    def show(self, signal: Signal) -> None:
        """Show a state until the next call, REFUSED once and whole, then the state before or that told meanwhile.

        Never blocks.
        """

    def close(self) -> None:
        """LED dark, buzzer silent, lines released. Safe to call twice."""
