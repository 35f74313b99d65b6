"""Pure: how long a flashed frame is exposed, so that all rows of the sensor are open together for a while."""

from __future__ import annotations

from rig.config import CameraSettings, FlashSettings
from rig.devices.camera import Exposure, Limits
from rig.errors import CameraError, ConfigError
from rig.saying import say

SPARE_US = 40_000  # that all rows are open beside the pulse: a busy computer is late by some milliseconds
LEAST_SPARE_US = 5_000


def flash_exposure(
    camera: CameraSettings, flash: FlashSettings, limits: Limits, colour_gains: tuple[float, float]
) -> Exposure:
    """What a flashed bracket begins with: open for as short as it can be, at the gain that is set, or 1.

    Raises ConfigError when the exposure time that is set is too short, CameraError when the camera does not say what
    would be long enough.
    """
    if not limits.readout_us:
        raise CameraError(
            say(
                "flash.unknown_readout",
                "this camera does not say how long it takes to read its rows: it cannot be used with a flash",
            )
        )
    check_time_for_flash(camera, flash, limits)
    pulse_us = round(1000 * flash.pulse_ms)
    exposure_us = camera.exposure_us or limits.readout_us + pulse_us + SPARE_US
    gains = camera.colour_gains if all(camera.colour_gains) else colour_gains
    return Exposure(exposure_us, camera.gain or limits.least_gain, gains)


def check_time_for_flash(camera: CameraSettings, flash: FlashSettings, limits: Limits) -> None:
    """Raise ConfigError where the exposure time that is set leaves no while in which all rows are open."""
    least_us = limits.readout_us + round(1000 * flash.pulse_ms) + LEAST_SPARE_US
    if flash.pin and 0 < camera.exposure_us < least_us:
        raise ConfigError(
            say(
                "flash.too_short",
                "camera.exposure_us = {us} is too short for a flash: the sensor's rows are all open together only from "
                "{least} µs on; 0 takes what is needed",
                us=camera.exposure_us,
                least=least_us,
            )
        )
