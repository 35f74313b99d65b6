"""Button, LED and buzzer through the real RPi.GPIO, with contacts that bounce."""

from __future__ import annotations

import time

BUTTON, LED, BUZZER = 26, 25, 24

LISTEN = """
    gpio = Gpio()
    panel = GpioPanel(gpio, PanelSettings(buzzer_pin=24))
    panel.on_press(lambda press: say(press.value))
    wait_for_the_world()
    panel.close()
    gpio.close()
    say("closed")
"""


def bounce(rig, rests_at: int) -> None:
    """A contact that chatters for some ms before it rests."""
    for level in (rests_at, 1 - rests_at) * 5 + (rests_at,):
        rig.set(BUTTON, level)
        time.sleep(0.001)


def press(rig, seconds: float) -> None:
    bounce(rig, 0)
    time.sleep(seconds)
    bounce(rig, 1)


def heard_until_closed(rig) -> list[str]:
    rig.go()
    words = []
    while not words or words[-1] != "closed":
        words.append(rig.hear())
    return words[:-1]


def test_a_bouncing_press_is_one_press(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    press(rig, 0.08)
    time.sleep(0.7)
    assert heard_until_closed(rig) == ["short"]


def test_two_bouncing_presses_are_one_double_press(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    press(rig, 0.06)
    time.sleep(0.1)
    press(rig, 0.06)
    time.sleep(0.7)
    assert heard_until_closed(rig) == ["double"]


def test_a_held_button_is_long_while_it_is_still_held(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    bounce(rig, 0)
    assert rig.hear() == "long"


def test_a_spike_shorter_than_the_debounce_time_is_no_press(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    rig.set(BUTTON, 0)
    time.sleep(0.002)
    rig.set(BUTTON, 1)
    time.sleep(0.6)
    assert heard_until_closed(rig) == []


def test_a_callback_that_fails_leaves_the_button_working(start_rig):
    rig = start_rig(LISTEN.replace("say(press.value)", "(say(press.value), 1 / 0)"))
    rig.hear()
    for _ in range(2):
        press(rig, 0.06)
        assert rig.hear() == "short"


def test_the_led_is_dark_and_the_buzzer_silent_after_a_fault_and_close(start_rig):
    rig = start_rig("""
        from rig.devices.panel import Signal
        gpio = Gpio()
        panel = GpioPanel(gpio, PanelSettings(buzzer_pin=24))
        panel.show(Signal.FAULT)
        wait_for_the_world()
        panel.close()
        gpio.close()
    """)
    rig.hear()
    rig.wait_for_rises(LED, 3)
    rig.go()
    rig.end()
    last = {edge.line: edge.what for edge in rig.trace() if edge.what in "01"}
    assert (last[LED], last[BUZZER]) == ("0", "0")


def test_a_new_signal_is_seen_at_once_even_during_a_slow_pattern(start_rig):
    rig = start_rig("""
        from rig.devices.panel import Signal
        panel = GpioPanel(Gpio(), PanelSettings())
        panel.show(Signal.READY)
        time.sleep(0.2)
        panel.show(Signal.CAPTURING)
        wait_for_the_world()
    """)
    rig.hear()
    rig.wait_for_rises(LED, 2)
    assert rig.ask(LED) == "1 out"
