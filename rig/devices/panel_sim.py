"""A panel without wires: presses by call, remembers what it was told to show."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from rig.devices.panel import Hold, Press, Signal
from rig.errors import PanelError
from rig.saying import say


class SimPanel:
    """Button, LED and buzzer of the simulated rig."""

    name = "simulated panel"

    def __init__(self) -> None:
        self.shown: deque[Signal] = deque(maxlen=200)  # newest last
        self.closed = False
        self._callback: Callable[[Press], None] | None = None
        self._hold_callback: Callable[[Hold], None] | None = None

    def on_press(self, callback: Callable[[Press], None]) -> None:
        """Call callback, on a thread of the panel's own, for every press."""
        self._callback = callback

    def on_hold(self, callback: Callable[[Hold], None]) -> None:
        """Call callback whenever the button is held down."""
        self._hold_callback = callback

    def hold_down(self) -> Hold:
        """Hold the button down until let_go() of the answer; whether that is a press as well is up to who holds it."""
        hold = Hold()
        if self._hold_callback is not None:
            self._hold_callback(hold)
        return hold

    def show(self, signal: Signal) -> None:
        """Remember the signal; nothing shows after close."""
        if not self.closed:
            self.shown.append(signal)

    def close(self) -> None:
        """LED dark, buzzer silent."""
        if not self.closed:
            self.shown.append(Signal.OFF)
            self.closed = True
        self._callback = self._hold_callback = None

    def press(self, press: Press = Press.SHORT, timeout_s: float = 5.0) -> None:
        """Press the button and wait until its callback has returned. Raises PanelError if it does not."""
        callback = self._callback
        if callback is None:
            return
        thread = threading.Thread(target=callback, args=(press,), name="panel", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if thread.is_alive():
            raise PanelError(
                say(
                    "panel.callback_hangs",
                    "the callback of a {press} press did not return within {limit} s",
                    press=press,
                    limit=timeout_s,
                )
            )
