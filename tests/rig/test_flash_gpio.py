"""The trigger of a flash on a GPIO line: when it fires, for how long, and how it is left."""

from __future__ import annotations

import pytest
from fake_rpi_gpio import FakeRpiGpio

from rig.config import FlashSettings, Settings
from rig.devices.flash_gpio import AWAKE_NS, GpioFlash
from rig.devices.gpio import Gpio
from rig.devices.safe_off import safe_levels

PIN, PULSE_NS = 18, 2_000_000
MS = 1_000_000


class Watch:
    """A clock that moves on by a microsecond at every look, and by what is slept."""

    def __init__(self) -> None:
        self.ns, self.slept_ns = 0, 0

    def now_ns(self) -> int:
        self.ns += 1000
        return self.ns

    def sleep(self, seconds: float) -> None:
        self.ns += round(seconds * 1e9)
        self.slept_ns += round(seconds * 1e9)


class Traced(FakeRpiGpio):
    """Notes when a level is driven."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch
        self.edges: list[tuple[int, int]] = []  # ns, level

    def output(self, line: int, level: int) -> None:
        super().output(line, level)
        self.edges.append((self.watch.ns, level))


def wired(trigger: str = "high") -> tuple[GpioFlash, Traced, Watch]:
    watch = Watch()
    library = Traced(watch)
    settings = FlashSettings(pin=PIN, trigger=trigger, pulse_ms=PULSE_NS / MS)  # type: ignore[arg-type]
    return GpioFlash(Gpio(library), settings, watch.now_ns, watch.sleep), library, watch


@pytest.mark.parametrize(("trigger", "fires"), [("high", 1), ("low", 0)])
def test_it_fires_at_the_moment_for_as_long_as_asked_and_rests_at_the_other_level(
    trigger: str, fires: int
) -> None:
    flash, library, _ = wired(trigger)

    fired_ns = flash.fire(50 * MS, 60 * MS)

    (began, up), (ended, down) = library.edges
    assert (up, down) == (fires, 1 - fires) and library.outputs(PIN)[0] == 1 - fires
    assert fired_ns is not None and 50 * MS <= fired_ns <= began <= 50 * MS + 5000
    assert PULSE_NS <= ended - began <= PULSE_NS + 5000


def test_it_sleeps_until_shortly_before_the_moment_and_is_awake_then() -> None:
    flash, _, watch = wired()

    flash.fire(50 * MS, 60 * MS)

    assert watch.slept_ns == pytest.approx(50 * MS - AWAKE_NS, abs=MS)


def test_past_the_moment_it_does_not_fire_and_says_so() -> None:
    flash, library, watch = wired()
    watch.ns = 61 * MS

    assert flash.fire(50 * MS, 60 * MS) is None
    assert library.edges == []


def test_whatever_breaks_off_the_pulse_the_line_is_at_rest() -> None:
    flash, library, watch = wired()
    now_ns, looks = watch.now_ns, 0

    def interrupted() -> int:
        nonlocal looks
        looks += 1
        if library.edges and looks > 3:
            raise KeyboardInterrupt
        return now_ns()

    flash._now_ns = interrupted
    with pytest.raises(KeyboardInterrupt):
        flash.fire(1000, 60 * MS)

    assert [level for _, level in library.edges] == [1, 0]


@pytest.mark.parametrize(("trigger", "rest"), [("high", 0), ("low", 1)])
def test_after_a_crash_the_trigger_is_put_to_rest(trigger: str, rest: int) -> None:
    settings = Settings().changed({"flash.pin": PIN, "flash.trigger": trigger})

    assert safe_levels(settings)[PIN] == rest
