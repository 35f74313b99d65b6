"""Button, LED and buzzer through the real RPi.GPIO, with contacts that bounce."""

from __future__ import annotations

BUTTON, LED, BUZZER = 26, 25, 24

# What counts as double or long is for test_presses; here a press may take as long as the machine needs.
LISTEN = """
    from rig.devices import presses
    presses.LONG_S = 600.0
    gpio = Gpio()
    panel = GpioPanel(gpio, PanelSettings(buzzer_pin=24))
    panel.on_press(lambda press: say(press.value))
    wait_for_the_world()
    panel.close()
    gpio.close()
    say("closed")
"""


def press(rig) -> None:
    rig.bounce(BUTTON, 0)
    rig.bounce(BUTTON, 1)


def heard_until_closed(rig) -> list[str]:
    rig.go()
    words = []
    while not words or words[-1] != "closed":
        words.append(rig.hear())
    return words[:-1]


def test_a_bouncing_press_is_one_press(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    press(rig)
    assert [rig.hear(), *heard_until_closed(rig)] == ["short"]


def test_two_bouncing_presses_are_one_double_press(start_rig):
    rig = start_rig(LISTEN.replace("presses.LONG_S", "presses.DOUBLE_GAP_S = presses.LONG_S"))
    rig.hear()
    press(rig)
    press(rig)
    assert [rig.hear(), *heard_until_closed(rig)] == ["double"]


def test_a_held_button_is_long_while_it_is_still_held(start_rig):
    rig = start_rig(LISTEN.replace("LONG_S = 600.0", "LONG_S = 0.5"))
    rig.hear()
    rig.bounce(BUTTON, 0)
    assert rig.hear() == "long"


def test_spikes_shorter_than_the_debounce_time_are_no_press(start_rig):
    rig = start_rig(LISTEN)
    rig.hear()
    rig.bounce(BUTTON, 1)
    press(rig)
    assert [rig.hear(), *heard_until_closed(rig)] == ["short"]


def test_a_callback_that_fails_leaves_the_button_working(start_rig):
    rig = start_rig(LISTEN.replace("say(press.value)", "(say(press.value), 1 / 0)"))
    rig.hear()
    for _ in range(2):
        press(rig)
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
        from rig.devices.patterns import PATTERNS, Beat, Pattern
        panel = GpioPanel(Gpio(), PanelSettings())
        PATTERNS[Signal.READY] = Pattern((), (Beat(0.05, led=True), Beat(100_000.0)))
        panel.show(Signal.READY)
        wait_for_the_world()
        panel.show(Signal.CAPTURING)
        wait_for_the_world()
    """)
    rig.hear()
    rig.wait_for_rises(LED, 1)
    rig.wait_for(LED, "0 out")
    rig.go()
    rig.wait_for(LED, "1 out")  # by the slow pattern it would take a day
