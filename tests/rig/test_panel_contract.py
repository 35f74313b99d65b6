"""What every panel promises, whichever driver it is. A new driver joins by a line in PANELS."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_rpi_gpio import FakeRpiGpio

from rig.config import PanelSettings
from rig.devices.gpio import Gpio
from rig.devices.panel import Panel, Signal
from rig.devices.panel_gpio import GpioPanel
from rig.devices.panel_sim import SimPanel


def wired() -> Panel:
    return GpioPanel(Gpio(FakeRpiGpio()), PanelSettings(buzzer_pin=24))


PANELS: dict[str, Callable[[], Panel]] = {"sim": SimPanel, "gpio": wired}


@pytest.fixture(params=PANELS, name="panel")
def _panel(request: pytest.FixtureRequest) -> Panel:
    return PANELS[request.param]()


def test_every_signal_can_be_shown(panel: Panel) -> None:
    for signal in Signal:
        panel.show(signal)
    panel.close()


def test_close_is_safe_twice(panel: Panel) -> None:
    panel.close()
    panel.close()


def test_showing_after_close_is_harmless(panel: Panel) -> None:
    panel.close()
    panel.show(Signal.READY)
