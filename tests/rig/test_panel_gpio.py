"""The panel's parts and its patterns; bouncing contacts are tested on the emulated chip."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from fake_rpi_gpio import FakeRpiGpio
from patience import PATIENCE_S

from rig.config import PanelSettings
from rig.devices.gpio import Gpio
from rig.devices.panel import Hold, Press, Signal
from rig.devices.panel_gpio import GpioPanel
from rig.devices.patterns import PATTERNS

FULL = PanelSettings(button_pin=26, led_pin=25, buzzer_pin=24)
BUTTON, LED, BUZZER = 26, 25, 24


@pytest.fixture
def library() -> FakeRpiGpio:
    return FakeRpiGpio()


def until(true) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "it never came true"
        time.sleep(0.002)


def push(library: FakeRpiGpio) -> None:
    """A press, each edge of which the panel has looked at before the next."""
    for level in (0, 1):
        seen = library.reads[BUTTON]
        library.levels[BUTTON] = level
        library.watchers[BUTTON](BUTTON)
        until(lambda seen=seen: library.reads[BUTTON] > seen)


@pytest.mark.parametrize("signal", list(Signal))
def test_every_signal_has_a_pattern_that_says_something_different(signal):
    assert [other for other in Signal if PATTERNS[other] == PATTERNS[signal]] == [signal]


@pytest.mark.parametrize("signal", list(Signal))
def test_no_pattern_buzzes_without_end(signal):
    assert not any(beat.buzzer for beat in PATTERNS[signal].repeat)


@pytest.mark.parametrize("signal", list(Signal))
def test_no_pattern_keeps_a_core_busy(signal):
    assert all(beat.seconds >= 0.05 for beat in (*PATTERNS[signal].once, *PATTERNS[signal].repeat))


def test_every_signal_is_on_the_page_that_is_printed():
    page = (Path(__file__).parents[2] / "docs/button-and-led.md").read_text()
    assert [signal for signal in Signal if f"`{signal.value}`" not in page] == []


def test_every_press_is_on_the_page_that_is_printed():
    page = (Path(__file__).parents[2] / "docs/button-and-led.md").read_text()
    assert [press for press in Press if f"`{press.value}`" not in page] == []


def test_capturing_lights_the_led_and_ready_lets_it_glimpse(library):
    panel = GpioPanel(Gpio(library), FULL)
    panel.show(Signal.CAPTURING)
    until(lambda: library.levels[LED] == 1)
    panel.show(Signal.OFF)
    until(lambda: library.levels[LED] == 0)
    panel.close()


def test_a_fault_is_heard(library):
    panel = GpioPanel(Gpio(library), FULL)
    panel.show(Signal.FAULT)
    until(lambda: library.levels[BUZZER] == 1)
    panel.close()
    assert (library.levels[LED], library.levels[BUZZER]) == (0, 0)


def test_a_refused_press_is_told_once_and_the_state_before_goes_on(library, monkeypatch):
    seen: dict[int, list[int]] = {LED: [], BUZZER: []}
    put = library.output
    monkeypatch.setattr(library, "output", lambda line, level: (seen[line].append(level), put(line, level)))
    panel = GpioPanel(Gpio(library), FULL)
    panel.show(Signal.CAPTURING)
    until(lambda: 1 in seen[LED])
    begin = len(seen[LED]) - 1
    panel.show(Signal.REFUSED)
    until(lambda: len(seen[LED]) >= begin + 5)
    panel.close()

    assert seen[LED][begin : begin + 5] == [1, 0, 1, 0, 1]
    assert seen[BUZZER].count(1) == 1


def test_a_refused_press_is_heard_although_frames_wink_and_what_came_meanwhile_is_shown_after(
    library, monkeypatch
):
    buzzed: list[int] = []
    put = library.output
    monkeypatch.setattr(
        library, "output", lambda line, level: (line == BUZZER and buzzed.append(level), put(line, level))
    )
    panel = GpioPanel(Gpio(library), FULL)
    panel.show(Signal.CAPTURING)
    for signal in (
        Signal.REFUSED,
        Signal.FRAME,
        Signal.REFUSED,
        Signal.REFUSED,
        Signal.FRAME,
        Signal.WARNING,
    ):
        panel.show(signal)
    until(lambda: buzzed.count(1) >= 2 + 1)
    panel.close()

    rises = [before == 0 and after == 1 for before, after in pairwise(buzzed)]
    assert rises.count(True) >= 2 + 1  # the first refusal, the later ones as one or more, and the warning


def test_a_panel_is_closed_in_the_middle_of_a_refusal(library):
    panel = GpioPanel(Gpio(library), FULL)
    panel.show(Signal.REFUSED)
    until(lambda: (("output", BUZZER, 1)) in library.calls)
    panel.close()
    assert (library.levels[LED], library.levels[BUZZER]) == (0, 0)


def test_show_returns_at_once_even_when_a_line_hangs(library, monkeypatch):
    hanging = threading.Event()
    panel = GpioPanel(Gpio(library), FULL)
    monkeypatch.setattr(library, "output", lambda line, level: hanging.wait(PATIENCE_S))
    for _ in range(20):
        panel.show(Signal.DONE)
    hanging.set()
    panel.close()


def test_a_press_reaches_the_callback_on_the_panels_own_thread(library):
    told: list[tuple[Press, str]] = []
    panel = GpioPanel(Gpio(library), FULL)
    panel.on_press(lambda press: told.append((press, threading.current_thread().name)))
    push(library)
    until(lambda: told)
    panel.close()
    assert told == [(Press.SHORT, "panel-button")]


def test_a_held_button_that_is_taken_for_something_else_is_no_press(library):
    told: list[Press] = []
    taken: list[bool] = []
    holds: list[Hold] = []
    panel = GpioPanel(Gpio(library), FULL)
    panel.on_press(told.append)

    def take_the_first(hold: Hold) -> None:
        holds.append(hold)
        if len(holds) == 1:
            taken.append(hold.take())

    panel.on_hold(take_the_first)
    push(library)  # together with the next one this would be a double press
    push(library)
    until(lambda: told)
    panel.close()

    assert told == [Press.SHORT] and taken == [True]
    assert holds[1].wait_up(PATIENCE_S) and not holds[1].take()  # it is up: too late


def test_a_button_that_is_stuck_at_the_start_is_not_held(library):
    library.levels[BUTTON] = 0
    holds: list[Hold] = []
    panel = GpioPanel(Gpio(library), FULL)
    panel.on_hold(holds.append)
    library.watchers[BUTTON](BUTTON)
    seen = library.reads[BUTTON]
    library.watchers[BUTTON](BUTTON)
    until(lambda: library.reads[BUTTON] > seen)
    panel.close()

    assert holds == []


def test_a_callback_may_close_the_panel(library):
    closed = threading.Event()
    panel = GpioPanel(Gpio(library), FULL)
    panel.on_press(lambda press: (panel.close(), closed.set()))
    push(library)
    assert closed.wait(PATIENCE_S)


def test_a_led_that_fails_does_not_stop_the_panel(library):
    panel = GpioPanel(Gpio(library), FULL)
    library.fail[LED] = RuntimeError("gone")
    panel.show(Signal.FAULT)
    time.sleep(0.05)
    library.fail.clear()
    panel.show(Signal.CAPTURING)
    until(lambda: library.levels[LED] == 1)
    panel.close()


def test_only_the_parts_that_are_wired_are_claimed(library):
    panel = GpioPanel(Gpio(library), PanelSettings(button_pin=0, led_pin=25, buzzer_pin=0))
    panel.on_press(lambda press: None)
    panel.show(Signal.DONE)
    panel.close()
    assert set(library.levels) == {25}
