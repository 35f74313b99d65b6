"""Frames by the light of a flash: fired while every row of the sensor is open, and looked at afterwards.

The rows of the sensor are exposed one after the other, and no line of it tells a flash when. So the exposure is longer
than the sensor takes to read its rows: for a while in between all are open. When that will be in a coming frame is told
by the frames before it, whose time stamps are even.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rig.config import CameraSettings, FlashSettings
from rig.devices.camera import Camera, Coming, Exposure, Frame
from rig.devices.clock import Clock
from rig.devices.flash import Flash
from rig.errors import CameraError, LightError, RigError
from rig.flashlight import NOTHING, Profile, Wrong, gain_for, profile, what_is_wrong
from rig.flashwords import in_vain, too_much_or_little
from rig.lockedcamera import LockedCamera
from rig.saying import Said, say

LEAD_NS = 30_000_000  # from foreseeing a frame to its beginning
MOST_FLASHES = 3  # for one frame
MOST_LATE = 5  # frames let go because the moment had passed
MOST_GAINS = 3  # tried
WORTH = 1.15  # times the gain: less of a difference is not seen
AMBIENT_SHARE = 0.1  # of the light of a frame, that is not the flash's
SLICE_S = 0.05  # a wait is cut into such pieces, so that a stop is felt at once


class StoppedError(RigError):
    """The bracket was stopped while the flash recycled: there is no frame to hand over."""


class Flasher:
    """Fires a flash for the frames of one bracket, at the exposure that the camera is locked at."""

    def __init__(
        self, flash: Flash, settings: FlashSettings, clock: Clock, halted: Callable[[], bool]
    ) -> None:
        self._flash, self._settings = flash, settings
        self._clock, self._halted = clock, halted
        self._fired_ns: int | None = None
        self._exposure_ns = 0  # of the frame foreseen last
        self._dark = NOTHING  # what is there without it
        self._last: Profile | None = None  # what it gave to the last frame that was well lit
        self._strength: float | None = None  # mean of what it usually gives

    def frame(self, camera: Camera, timeout_s: float, place: float = 0.5) -> Frame:
        """A frame that is evenly lit by the flash, as strongly as the one before.

        place: of the flash in the time in which all rows are open, 0..1. One that is not well lit is taken again by
        a window measured anew, after a longer wait each time. Raises LightError when that does not help,
        StoppedError, CameraError, CameraTimeoutError, GpioError.
        """
        wrong, dropped = Wrong("missed", 0.0), 0
        for attempt in range(MOST_FLASHES):
            self.wait(1 + attempt)
            frame = self._fired(camera, timeout_s, place, later=dropped)
            if frame is None:
                wrong, dropped = Wrong("dropped", 0.0), dropped + 1
                continue
            given = np.maximum(profile(frame.luma_small) - self._dark, 0.0)
            found = what_is_wrong(given, self._dark, self._last, self._strength)
            if found is None:
                self._last = given
                self._strength = self._strength or float(given.mean())
                return frame
            wrong = found
        raise LightError(in_vain(wrong, MOST_FLASHES))

    def wait(self, times: float = 1.0) -> None:
        """Until the flash has recycled. times: so many times as long as usual. Raises StoppedError."""
        while not self._halted():
            if self._fired_ns is None:
                return
            since_s = (self._clock.monotonic_ns() - self._fired_ns) / 1e9
            left_s = times * self._settings.recycle_s - since_s
            if left_s <= 0:
                return
            self._clock.sleep(min(left_s, SLICE_S))
        raise StoppedError(say("flash.stopped", "the bracket was stopped while the flash recycled"))

    def begin(
        self, camera: Camera, exposure: Exposure, settings: CameraSettings, fixed: bool
    ) -> tuple[Exposure, tuple[Said, ...]]:
        """The exposure for a bracket from test flashes, and what is to be told; the camera is left locked at it.

        fixed: the gain is not to be changed. Two flashes, early and late in the time in which all rows should be
        open, must light the same rows: else that time is not where it was foreseen. Raises as frame() does.
        """
        timeout_s = settings.timeout_s
        warnings: list[Said] = []
        held = self._locked(camera, exposure, timeout_s)
        for _ in range(MOST_GAINS):
            if fixed:
                break
            seen = self.frame(camera, timeout_s)
            gain = gain_for(seen.luma_small, held.gain, camera.limits)
            if 1 / WORTH <= gain / held.gain <= WORTH:
                break
            held = self._locked(camera, replace(held, gain=gain), timeout_s)
        self._forget()
        self.frame(camera, timeout_s, place=0.2)
        last = self.frame(camera, timeout_s, place=0.8)
        if not fixed:
            warnings += too_much_or_little(last, held, camera.limits)
        ambient = float(self._dark.mean() / profile(last.luma_small).mean())
        if ambient > AMBIENT_SHARE:
            warnings.append(
                say(
                    "warning.flash_ambient",
                    "{percent:.0f}% of the light is not the flash's: what moves is blurred by it, so darken the room.",
                    percent=100 * ambient,
                )
            )
        return held, tuple(warnings)

    def _locked(self, camera: Camera, exposure: Exposure, timeout_s: float) -> Exposure:
        held = camera.lock(exposure)
        self._forget()
        self._dark = profile(camera.capture(camera.now_ns(), timeout_s).luma_small)
        return held

    def _forget(self) -> None:
        self._last = self._strength = None

    def _fired(self, camera: Camera, timeout_s: float, place: float, later: int) -> Frame | None:
        """A frame that the flash was fired for; None when the camera left it out and gave another one.

        later: by so many frames. A camera with a single buffer leaves out every other one.
        """
        # a slow trigger is fired long before the light is wanted, perhaps before the frame begins
        lead_ns = LEAD_NS + round(self._settings.delay_ms * 1e6) + later * self._exposure_ns
        for _ in range(MOST_LATE):
            coming = camera.coming(camera.now_ns() + lead_ns)
            self._exposure_ns = coming.closing_ns - coming.start_ns
            at_ns, until_ns = self._moments(coming, place)
            fired_ns = self._flash.fire(at_ns, until_ns)
            if fired_ns is not None:
                break
        else:
            raise LightError(
                say(
                    "flash.late",
                    "the computer was too busy to fire the flash in time, {n} times in a row: close other programs",
                    n=MOST_LATE,
                )
            )
        self._fired_ns = fired_ns
        slack_ns = self._exposure_ns // 4  # of two frames' beginnings, that are further apart
        frame = camera.capture(coming.start_ns - slack_ns, timeout_s)
        return frame if abs(frame.timestamp_ns - coming.start_ns) <= slack_ns else None

    def _moments(self, coming: Coming, place: float) -> tuple[int, int]:
        """When to fire, and until when, so that all rows are open for all of the light. Raises CameraError."""
        pulse_ns, delay_ns = (round(ms * 1e6) for ms in (self._settings.pulse_ms, self._settings.delay_ms))
        room_ns = coming.closing_ns - coming.all_open_ns - pulse_ns
        if room_ns <= 0:
            raise CameraError(
                say(
                    "flash.never_open",
                    "the rows of the sensor are never all open together: exposed for {ms:.1f} ms, they would have to "
                    "be for more than {needed:.1f} ms",
                    ms=(coming.closing_ns - coming.start_ns) / 1e6,
                    needed=(coming.all_open_ns - coming.start_ns + pulse_ns) / 1e6,
                )
            )
        return (
            coming.all_open_ns + round(place * room_ns) - delay_ns,
            coming.closing_ns - pulse_ns - delay_ns,
        )


class FlashedCamera(LockedCamera):
    """A LockedCamera whose frames are flashed; its previews are not."""

    def __init__(
        self, camera: Camera, settings: CameraSettings, exposure: Exposure, flasher: Flasher
    ) -> None:
        self._flasher = flasher
        super().__init__(camera, settings, exposure)

    def measure(self, fixed: bool) -> tuple[Said, ...]:
        """Find the gain by test flashes, and whether all rows are open when they should be; what is to be told of it.

        fixed: the gain is not to be changed. Raises as Flasher.begin does.
        """
        self.exposure, warnings = self._patiently(
            lambda: self._flasher.begin(self._camera, self.exposure, self._settings, fixed)
        )
        return warnings

    def _capture(self, since_ns: int | None) -> Frame:
        # since_ns is of no use: nothing exposed so far was flashed
        return self._patiently(lambda: self._flasher.frame(self._camera, self._capture_timeout_s()))
