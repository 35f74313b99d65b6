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


def check_in_range(exposure: Exposure, advertised: Mapping[str, Any]) -> None:
    """Raise CameraError when the sensor cannot do this. advertised: name -> (min, max, default)."""
    for name, value, unit in (
        ("ExposureTime", exposure.exposure_us, " µs"),
        ("AnalogueGain", exposure.gain, ""),
    ):
        if name in advertised:
            low, high = advertised[name][:2]
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


def limits_of(advertised: Mapping[str, Any]) -> Limits:
    """The same as a value; a control that this camera does not have cannot be out of range.

    The sensor's rows are read out within the shortest time that a frame may take.
    """
    shortest_us, longest_us = advertised.get("ExposureTime", (1, MOST_US))[:2]
    most_gain = float(advertised.get("AnalogueGain", (1.0, 1.0))[1])
    readout_us = advertised.get("FrameDurationLimits", (0,))[0]
    return Limits(int(shortest_us), int(longest_us), most_gain, int(readout_us))


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

    Automatic control adds digital gain where light is short (libcamera's DigitalGain); a locked frame has none.
    """
    exposure = exposure_of(metadata)
    return replace(exposure, gain=exposure.gain * float(metadata.get("DigitalGain", 1.0)))


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
