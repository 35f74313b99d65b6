"""Button, LED and buzzer on GPIO lines."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from rig.config import PanelSettings
from rig.devices.gpio import Gpio, InputLine, OutputLine
from rig.devices.panel import Hold, Press, Signal
from rig.devices.patterns import PATTERNS, Beat, Pattern
from rig.devices.presses import PressClassifier
from rig.errors import GpioError

_log = logging.getLogger(__name__)
_JOIN_S = 1.0  # a callback that still runs at close is not waited for any longer


class GpioPanel:
    """A panel with the parts that settings name: a missing LED, buzzer or button is simply not there.

    Presses are told on one thread and patterns played on another, so a slow callback never stops the LED.
    """

    def __init__(self, gpio: Gpio, settings: PanelSettings) -> None:
        self._led = _output(gpio, settings.led_pin, "status LED")
        self._buzzer = _output(gpio, settings.buzzer_pin, "buzzer")
        self._button: _ButtonWatcher | None = None
        self._closed = False
        if settings.button_pin:
            line = gpio.input(settings.button_pin, "button", pull="up")
            self._button = _ButtonWatcher(line, settings.debounce_ms)
        self._player = _PatternPlayer(self._play)  # last: where a line is busy no thread stays behind

    def on_press(self, callback: Callable[[Press], None]) -> None:
        """Call callback, on the panel's own thread, for every press; see Panel."""
        if self._button is not None:
            self._button.callback = callback

    def on_hold(self, callback: Callable[[Hold], None]) -> None:
        """Call callback, on the panel's own thread, whenever the button goes down; see Panel."""
        if self._button is not None:
            self._button.hold_callback = callback

    def show(self, signal: Signal) -> None:
        """Show a state until the next call; see Panel."""
        self._player.play(PATTERNS[signal])

    def close(self) -> None:
        """LED dark, buzzer silent, threads ended; Gpio.close() gives the lines back. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._button is not None:
            self._button.close()
        self._player.close()
        self._play(Beat(0.0))

    def _play(self, beat: Beat) -> None:
        for line, level in ((self._led, beat.led), (self._buzzer, beat.buzzer)):
            if line is not None:
                line.write(int(level))


def _output(gpio: Gpio, pin: int, what: str) -> OutputLine | None:
    return gpio.output(pin, what, initial=0) if pin else None


class _PatternPlayer:
    """Plays one pattern until it is given another."""

    def __init__(self, play_beat: Callable[[Beat], None]) -> None:
        self._play_beat = play_beat
        self._next: queue.SimpleQueue[Pattern | None] = queue.SimpleQueue()
        self._waiting: deque[Pattern] = deque()  # until one that is played whole has ended
        self._thread = threading.Thread(target=self._run, name="panel-led", daemon=True)
        self._thread.start()

    def play(self, pattern: Pattern) -> None:
        self._next.put(pattern)

    def close(self) -> None:
        self._next.put(None)
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        pattern: Pattern | None = PATTERNS[Signal.OFF]
        lasting = PATTERNS[Signal.OFF].repeat
        while pattern is not None:
            lasting = pattern.repeat or lasting
            try:
                if pattern.whole and not self._play_whole(pattern):
                    return
                if self._waiting:
                    pattern = self._waiting.popleft()
                else:
                    pattern = self._until_next(() if pattern.whole else pattern.once, lasting)
            except GpioError as error:  # a rig with a dead LED still takes pictures
                _log.warning("%s", error)
                pattern = self._waiting.popleft() if self._waiting else self._next.get()

    def _play_whole(self, pattern: Pattern) -> bool:
        """Play what is played once to its end; False when the panel is closed meanwhile."""
        for beat in pattern.once:
            self._play_beat(beat)
            until_s = time.monotonic() + beat.seconds
            while (left_s := until_s - time.monotonic()) > 0:
                with suppress(queue.Empty):
                    coming = self._next.get(timeout=left_s)
                    if coming is None:
                        return False
                    if (
                        coming is not pattern or pattern not in self._waiting
                    ):  # hammering is answered once more
                        self._waiting.append(coming)
        return True

    def _until_next(self, beats: tuple[Beat, ...], lasting: tuple[Beat, ...]) -> Pattern | None:
        """Play these beats and then the lasting ones; the pattern that comes next, None at the end."""
        while True:
            for beat in beats:
                self._play_beat(beat)
                try:
                    return self._next.get(timeout=beat.seconds)
                except queue.Empty:
                    continue
            beats = lasting


class _ButtonWatcher:
    """Turns the edges of the button's line into presses, told to `callback` one after the other."""

    def __init__(self, line: InputLine, debounce_ms: int) -> None:
        self.callback: Callable[[Press], None] | None = None
        self.hold_callback: Callable[[Hold], None] | None = None
        self._hold: Hold | None = None
        self._line = line
        self._closing = False
        self._woken: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._classifier = PressClassifier(self._pressed())
        line.watch(lambda: self._woken.put(time.monotonic()), debounce_ms)
        self._thread = threading.Thread(target=self._run, name="panel-button", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._woken.put(time.monotonic())
        if threading.current_thread() is not self._thread:  # a very long press may close the panel itself
            self._thread.join(_JOIN_S)

    def _pressed(self) -> bool:
        return self._line.read() == 0

    def _run(self) -> None:
        while True:
            edge_s = self._wait_for_edge()
            if self._closing:
                return
            try:
                pressed = self._pressed()
            except GpioError as error:
                _log.warning("%s", error)
                return
            self._follow_hold(pressed)
            if edge_s is not None:
                presses = self._classifier.changed(pressed, edge_s)
            else:
                presses = self._classifier.due(pressed, time.monotonic())
            for press in presses:
                self._tell(press)
            if pressed and self._hold is None and not self._classifier.ignores:
                self._hold = Hold()
                if self.hold_callback is not None:
                    _logged(partial(self.hold_callback, self._hold), "held")

    def _follow_hold(self, pressed: bool) -> None:
        """Before the button's level is judged: it may have been taken for something else meanwhile."""
        hold = self._hold
        if hold is None:
            return
        if not pressed:
            self._hold = None
        if hold.taken if pressed else hold.let_go():
            self._classifier.ignore()

    def _wait_for_edge(self) -> float | None:
        """When the button changed; None when the classifier's time has come before."""
        due_s = self._classifier.due_s
        try:
            return self._woken.get(timeout=None if due_s is None else max(0.0, due_s - time.monotonic()))
        except queue.Empty:
            return None

    def _tell(self, press: Press) -> None:
        if self.callback is not None:
            _logged(partial(self.callback, press), press.value)


def _logged(act: Callable[[], None], press: str) -> None:
    try:
        act()
    except Exception:  # noqa: BLE001  edge of a thread: the button must work again after whatever one press led to
        _log.exception("the rig failed to act on a %s press", press)
