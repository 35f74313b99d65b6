"""What every switched light promises, whichever driver it is. A new driver joins by a line in LIGHTS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from fake_rpi_gpio import FakeRpiGpio

from rig.devices.build_sim import simulated_devices
from rig.devices.clock import SimClock
from rig.devices.gpio import Gpio
from rig.devices.light import Light
from rig.devices.light_gpio import GpioLight
from rig.devices.light_sim import SimLight
from rig.devices.optical_bench import Mechanics
from rig.errors import GpioError

LEAD_S = 0.25
PIN = 18


@dataclass(frozen=True)
class Lamp:
    """A light, and what somebody beside it sees."""

    light: Light
    burns: Callable[[], bool]
    waited_s: Callable[[], float]  # so far, for it to be at full brightness
    break_: Callable[[], None]  # its switch


def simulated() -> Lamp:
    clock = SimClock()
    bench = simulated_devices("target", size=(320, 240), clock=clock, mechanics=Mechanics(daylight=0.0)).bench
    began_ns = clock.monotonic_ns()

    def burns() -> bool:
        now = clock.monotonic_ns() + 10_000_000_000  # its soft start is over by then
        return bench.brightness(now, now + 1) > 0.5

    def break_() -> None:
        bench.faults.light_fails = True

    return Lamp(SimLight(bench, LEAD_S), burns, lambda: (clock.monotonic_ns() - began_ns) / 1e9, break_)


def wired() -> Lamp:
    library, slept = FakeRpiGpio(), list[float]()

    def break_() -> None:
        library.fail[PIN] = RuntimeError("gpio gone")

    return Lamp(
        GpioLight(Gpio(library), PIN, LEAD_S, slept.append),
        lambda: library.levels[PIN] == 1,
        lambda: sum(slept),
        break_,
    )


LIGHTS: dict[str, Callable[[], Lamp]] = {"sim": simulated, "gpio": wired}


@pytest.fixture(params=LIGHTS, name="lamp")
def _lamp(request: pytest.FixtureRequest) -> Lamp:
    return LIGHTS[request.param]()


def test_it_is_dark_at_first(lamp: Lamp) -> None:
    assert not lamp.burns()


def test_it_burns_from_on_to_off(lamp: Lamp) -> None:
    lamp.light.on()
    assert lamp.burns()
    lamp.light.off()
    assert not lamp.burns()


def test_it_is_at_full_brightness_when_on_returns(lamp: Lamp) -> None:
    lamp.light.on()

    assert lamp.waited_s() == pytest.approx(LEAD_S)


def test_what_burns_already_is_not_waited_for_again(lamp: Lamp) -> None:
    lamp.light.on()
    lamp.light.on()

    assert lamp.waited_s() == pytest.approx(LEAD_S)
    assert lamp.burns()


def test_off_waits_for_nothing_and_is_safe_twice_and_at_first(lamp: Lamp) -> None:
    lamp.light.off()
    lamp.light.on()
    lamp.light.off()
    lamp.light.off()

    assert lamp.waited_s() == pytest.approx(LEAD_S)
    assert not lamp.burns()


def test_it_can_be_lit_again(lamp: Lamp) -> None:
    lamp.light.on()
    lamp.light.off()
    lamp.light.on()

    assert lamp.burns()
    assert lamp.waited_s() == pytest.approx(2 * LEAD_S)


def test_a_switch_that_fails_says_so_and_leaves_it_dark(lamp: Lamp) -> None:
    lamp.break_()

    with pytest.raises(GpioError):
        lamp.light.on()
    assert not lamp.burns()
    lamp.light.off()  # nothing to switch: safe on every way out
