"""Exposure time or gain given by hand: the other one keeps the light that was measured, as far as it can."""

from __future__ import annotations

import math
from dataclasses import replace

from rig.config import CameraSettings
from rig.devices.camera import Exposure, Limits
from rig.errors import ConfigError
from rig.saying import Said, say

WORTH_STOPS = 1 / 3  # less is not seen
# The settings by which the sensor may be asked for what it cannot do.
ASKING = {"camera.exposure_us", "camera.gain", "flash.pin", "flash.pulse_ms"}


def check_by_hand(settings: CameraSettings, limits: Limits) -> None:
    """Raise ConfigError where the settings name a time or a gain that this sensor cannot do."""
    if settings.exposure_us and not limits.shortest_us <= settings.exposure_us <= limits.longest_us:
        raise ConfigError(
            say(
                "settings.sensor_time",
                "camera.exposure_us = {value} is more or less than this sensor can do: it must be from {low} to "
                "{high}, or 0 for automatic",
                value=settings.exposure_us,
                low=limits.shortest_us,
                high=limits.longest_us,
            )
        )
    if settings.gain and not limits.least_gain <= settings.gain <= limits.most_gain:
        raise ConfigError(
            say(
                "settings.sensor_gain",
                "camera.gain = {value:g} is more or less than this sensor can do: it must be from {low:.4g} to "
                "{high:.4g}, or 0 for automatic",
                value=settings.gain,
                low=limits.least_gain,
                high=limits.most_gain,
            )
        )


def with_settings(measured: Exposure, settings: CameraSettings, limits: Limits) -> Exposure:
    """What was measured, except where the settings name a figure.

    Of time and gain one alone is named: the other one makes up for it, within what the sensor can do and, for the
    time, settings.longest_exposure_us. What is named is taken as it is: see check_by_hand.
    """
    wanted, light = measured, measured.exposure_us * measured.gain
    if settings.gain:
        longest_us = min(settings.longest_exposure_us, limits.longest_us)
        exposure_us = min(max(round(light / settings.gain), limits.shortest_us), longest_us)
        wanted = replace(wanted, exposure_us=exposure_us, gain=settings.gain)
    if settings.exposure_us:
        gain = settings.gain or min(max(light / settings.exposure_us, limits.least_gain), limits.most_gain)
        wanted = replace(wanted, exposure_us=settings.exposure_us, gain=gain)
    if all(settings.colour_gains):
        wanted = replace(wanted, colour_gains=settings.colour_gains)
    return wanted


def off_sentence(measured: Exposure, held: Exposure, settings: CameraSettings) -> Said | None:
    """Why the picture is darker or brighter than measured, where one figure by hand makes it so."""
    if bool(settings.exposure_us) == bool(settings.gain):  # both: as the photographer wants it
        return None
    stops = math.log2(held.exposure_us * held.gain / (measured.exposure_us * measured.gain))
    if abs(stops) <= WORTH_STOPS:
        return None
    what = (
        say("camera.the_time_set", "The exposure time that is set")
        if settings.exposure_us
        else say("camera.the_gain_set", "The gain that is set")
    )
    return say(
        "warning.by_hand",
        "{what} makes the picture {stops:.1f} stops {which} than measured, for it is exposed for {ms:.3g} ms at gain "
        "{gain:.1f}: set it to 0, and it is found by itself.",
        what=what,
        stops=abs(stops),
        which=say("camera.darker", "darker") if stops < 0 else say("camera.brighter", "brighter"),
        ms=held.exposure_us / 1000,
        gain=held.gain,
    )
