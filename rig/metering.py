"""How to expose a bracket: as its brightest part asks, at the lowest gain, for as long as nothing shakes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from rig.byhand import WORTH_STOPS
from rig.config import CameraSettings
from rig.devices.camera import Camera, Exposure, Limits, Preview
from rig.errors import CameraTimeoutError
from rig.focuser import Focuser
from rig.freshpreview import fresh_preview
from rig.saying import Said, say
from rig.sharpness import clipped_share, luma_of

MOST_LOOKS = 20  # previews until automatic control must have settled: two seconds
STEADY = 0.02  # change between two previews below which it has
BURNT_SHARE = 0.01  # of the picture; a glint is allowed to burn out
DARKER = 0.75  # of the exposure, each time too much is burnt out
MOST_DARKER = 4  # times: to a third


@dataclass(frozen=True)
class Metered:
    """The exposure for a bracket, as the camera is now locked."""

    exposure: Exposure
    missing_stops: float = (
        0.0  # of the light that automatic control found right, and that no time and gain allowed give
    )


@dataclass(frozen=True)
class Reading:
    """What automatic control settled on at one focus position."""

    position_steps: int | None  # None: where it stood
    exposure: Exposure
    burnt: float  # share of the picture

    @property
    def light(self) -> float:
        """Exposure in µs at gain 1: less where it is brighter."""
        return self.exposure.exposure_us * self.exposure.gain


def meter(
    camera: Camera,
    focuser: Focuser,
    positions_steps: tuple[int, ...],
    settings: CameraSettings,
    cancelled: Callable[[], bool],
) -> Metered | None:
    """The exposure for a bracket, from previews at these positions, or where it stands when there is none.

    None when cancelled. Where too much would burn out it is made darker. The camera is left locked at it.
    Raises CameraTimeoutError, MotorError.
    """
    readings: list[Reading] = []
    for position in positions_steps or (None,):
        if position is not None:
            focuser.goto(position, cancelled)
        if cancelled():
            return None
        preview = steady_preview(camera)
        readings.append(Reading(position, preview.exposure, burnt_share(preview)))
    brightest = min(readings, key=lambda reading: reading.light)
    exposure = at_low_gain(brightest.exposure, settings, camera.limits)
    missing_stops = math.log2(brightest.light / (exposure.exposure_us * exposure.gain))
    worst = max(readings, key=lambda reading: reading.burnt / reading.light)
    if worst.position_steps is not None:
        focuser.goto(worst.position_steps, cancelled)
    return Metered(without_burning(camera, exposure), max(missing_stops, 0.0))


def steady_preview(camera: Camera) -> Preview:
    """A preview that automatic control no longer changes, or the last one looked at."""
    last = camera.preview()
    for _ in range(MOST_LOOKS):
        now = camera.preview()
        before, after = (one.exposure.exposure_us * one.exposure.gain for one in (last, now))
        if abs(after - before) <= STEADY * before:
            return now
        last = now
    return last


def at_low_gain(exposure: Exposure, settings: CameraSettings, limits: Limits) -> Exposure:
    """The same light at the least gain, or at the longest exposure allowed and no more gain than that takes.

    Darker where the sensor's own limits leave no more.
    """
    light = exposure.exposure_us * exposure.gain
    longest_us = min(settings.longest_exposure_us, limits.longest_us)
    exposure_us = max(min(round(light / limits.least_gain), longest_us), limits.shortest_us)
    return replace(
        exposure,
        exposure_us=exposure_us,
        gain=min(max(limits.least_gain, light / exposure_us), limits.most_gain),
    )


def without_burning(camera: Camera, exposure: Exposure) -> Exposure:
    """Lock the camera at this exposure, or at a shorter one when more than a glint burns out."""
    locked = camera.lock(exposure)
    for _ in range(MOST_DARKER):
        if burnt_share(fresh_preview(camera)) <= BURNT_SHARE:
            break
        darker_us = max(round(exposure.exposure_us * DARKER), camera.limits.shortest_us)
        exposure = replace(exposure, exposure_us=darker_us)
        locked = camera.lock(exposure)
    return locked


def dark_sentence(metered: Metered, settings: CameraSettings) -> Said | None:
    """Why the frames are darker than they should be, where there is too little light."""
    if metered.missing_stops <= WORTH_STOPS or settings.exposure_us or settings.gain:
        return None
    return say(
        "warning.too_dark",
        "There is too little light: exposed for {ms:.3g} ms at gain {gain:.1f}, which is all that is allowed, the "
        "frames are {stops:.1f} stops dark; more light, or a longer camera.longest_exposure_us.",
        ms=metered.exposure.exposure_us / 1000,
        gain=metered.exposure.gain,
        stops=metered.missing_stops,
    )


def burnt_share(preview: Preview) -> float:
    """Share of a preview that is burnt out."""
    return clipped_share(luma_of(preview.image))


def metered_positions(positions_steps: tuple[int, ...], count: int) -> tuple[int, ...]:
    """So many of a bracket's positions, spread over it, from near to far; all when there are fewer."""
    if not count:
        return ()
    if count >= len(positions_steps):
        return positions_steps
    last = len(positions_steps) - 1
    return tuple(positions_steps[round(index * last / max(count - 1, 1))] for index in range(count))


def metered(
    camera: Camera,
    focuser: Focuser,
    positions_steps: tuple[int, ...],
    settings: CameraSettings,
    cancelled: Callable[[], bool],
) -> Metered | None:
    """As meter, over settings.meter_positions of a bracket; None where there is nothing to measure.

    A camera that hangs meanwhile is not given up yet: None too, and the bracket meets it, or goes on. Raises
    CameraStalledError for one that has been reopened in vain.
    """
    if settings.exposure_us and settings.gain:
        return None
    try:
        return meter(
            camera, focuser, metered_positions(positions_steps, settings.meter_positions), settings, cancelled
        )
    except CameraTimeoutError:
        return None
