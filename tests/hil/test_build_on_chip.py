"""The whole set of real devices, as the settings name them, on the emulated chip."""

from __future__ import annotations

import pytest
from emulated_chip import StartRig

pytestmark = pytest.mark.hil

BUILD = """
from rig.config import Settings
from rig.devices.build import build_devices
real = {{"camera.driver": "picamera2", "motor.driver": "{driver}", "panel.light_pin": 5, "flash.pin": 18}}
settings = Settings().changed(real)
devices = build_devices(settings)
say(*(type(one).__name__ for one in (devices.motor, devices.panel, devices.light, devices.flash)))
devices.close()
"""


@pytest.mark.parametrize(("driver", "motor"), [("stepdir", "StepDirMotor"), ("uln2003", "Uln2003Motor")])
def test_settings_lead_to_the_real_drivers(start_rig: StartRig, driver: str, motor: str) -> None:
    rig = start_rig(BUILD.format(driver=driver))

    assert rig.hear().split() == [motor, "GpioPanel", "GpioLight", "GpioFlash"]
