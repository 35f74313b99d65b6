"""Exposure, gain and white balance as libcamera's controls and metadata. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rig.devices.camera import Coming, Exposure, Limits
from rig.devices.cameraerrors import not_reported
from rig.errors import CameraError
from rig.saying import say

# The sensor rounds to whole lines (28.5 µs on the IMX477) and to its gain codes (2 % apart at the top).
TOLERANCE = 0.02
LINE_US = 30
MOST_US = 600_000_000

# 0 hands exposure and gain back to automatic control; the other two switch what older libcamera knows.
AUTOMATIC: dict[str, Any] = {"ExposureTime": 0, "AnalogueGain": 0.0, "AeEnable": True, "AwbEnable": True}


def locked_controls(exposure: Exposure) -> dict[str, Any]:
    """What holds this exposure; giving colour gains switches automatic white balance off."""
    return {
        "ExposureTime": exposure.exposure_us,
        "AnalogueGain": exposure.gain,
        "ColourGains": exposure.colour_gains,
    }


def known_controls(controls: Mapping[str, Any], advertised: Mapping[str, Any]) -> dict[str, Any]:
    """Only what this camera has: picamera2 refuses the rest, e.g. colour gains of a monochrome sensor."""
    return {name: value for name, value in controls.items() if name in advertised}


def check_within(exposure: Exposure, limits: Limits) -> None:
    """Raise CameraError when the sensor cannot do this."""
    for name, value, unit, low, high in (
        ("ExposureTime", exposure.exposure_us, " µs", limits.shortest_us, limits.longest_us),
        ("AnalogueGain", exposure.gain, "", limits.least_gain, limits.most_gain),
    ):
        if not low <= value <= high:
            raise CameraError(
                say(
                    "camera.outside",
                    "{name} {value}{unit} is outside {low}..{high}{unit} of this camera",
                    name=name,
                    value=value,
                    unit=unit,
                    low=low,
                    high=high,
                )
            )


def within_gain(light: Exposure, longest_us: int, limits: Limits) -> Exposure:
    """The same light where the sensor's gain is not enough for it: exposed for longer, up to longest_us."""
    if light.gain <= limits.most_gain:
        return light
    wanted_us = round(light.exposure_us * light.gain / limits.most_gain)
    longest_us = max(min(longest_us, limits.longest_us), light.exposure_us)
    return replace(light, exposure_us=min(wanted_us, longest_us), gain=limits.most_gain)


def limits_of(advertised: Mapping[str, Any]) -> Limits:
    """What a camera advertises, control -> (min, max, default), as a value. One without a gain to set has gain 1.

    The sensor's rows are read out within the shortest time that a frame may take.
    """
    shortest_us, longest_us = advertised.get("ExposureTime", (1, MOST_US))[:2]
    least_gain, most_gain = advertised.get("AnalogueGain", (1.0, 1.0))[:2]
    readout_us = advertised.get("FrameDurationLimits", (0,))[0]
    return Limits(int(shortest_us), int(longest_us), float(most_gain), int(readout_us), float(least_gain))


def exposure_of(metadata: Mapping[str, Any]) -> Exposure:
    """What the sensor did for a frame. Raises CameraError when the camera does not say."""
    try:
        exposure_us, gain = int(metadata["ExposureTime"]), float(metadata["AnalogueGain"])
    except KeyError as error:
        raise not_reported(error) from error
    red, blue = metadata.get("ColourGains", (1.0, 1.0))
    return Exposure(exposure_us, gain, (float(red), float(blue)))


def light_of(metadata: Mapping[str, Any]) -> Exposure:
    """The same with the digital gain in its gain: what a lock needs to be as bright. Raises CameraError.

    Automatic control adds digital gain where light is short (libcamera's DigitalGain); a locked frame has none of that.
    But where a colour gain is below 1 older libcamera makes up for it by as much digital gain, locked or not (its
    agc.cpp, computeTargetExposure and applyDigitalGain), lest white turn cyan or magenta: that is no light that a lock
    would lack.
    """
    exposure = exposure_of(metadata)
    made_up = min(1.0, *exposure.colour_gains)
    return replace(exposure, gain=exposure.gain * max(float(metadata.get("DigitalGain", 1.0)) * made_up, 1.0))


def agrees(wanted: Exposure, got: Exposure) -> bool:
    """True when got is wanted, but for the sensor's rounding."""
    pairs = [(wanted.gain, got.gain), *zip(wanted.colour_gains, got.colour_gains, strict=True)]
    slack_us = max(LINE_US, TOLERANCE * wanted.exposure_us)
    return abs(wanted.exposure_us - got.exposure_us) <= slack_us and all(
        abs(a - b) <= TOLERANCE * max(a, 0.01) for a, b in pairs
    )


def start_ns(metadata: Mapping[str, Any]) -> int:
    """When the first row began to be exposed, monotonic: its time stamp is taken when it is read out."""
    return int(metadata["SensorTimestamp"]) - 1000 * int(metadata["ExposureTime"])


def coming_of(metadata: Mapping[str, Any], not_before_ns: int, readout_us: int) -> Coming:
    """The first frame after this one whose exposure starts at or after not_before_ns, where nothing is changed.

    A frame's time stamp is taken when its first row is read out, so at the end of that row's exposure, and the rows
    follow within readout_us. Raises CameraError when the camera does not tell how long its frames take.
    """
    try:
        period_ns = 1000 * int(metadata["FrameDuration"])
    except KeyError as error:
        raise not_reported(error) from error
    first_ns = start_ns(metadata)
    ahead = max(-(-(not_before_ns - first_ns) // max(period_ns, 1)), 1)
    coming_ns = first_ns + ahead * period_ns
    return Coming(coming_ns, coming_ns + 1000 * readout_us, coming_ns + 1000 * int(metadata["ExposureTime"]))
