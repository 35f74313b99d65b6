"""A camera held at one exposure for a bracket: checked on every frame, restarted once when it hangs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rig.byhand import off_sentence, with_settings
from rig.config import CameraSettings
from rig.devices.camera import Camera, Exposure, Frame, Preview
from rig.errors import CameraError, CameraTimeoutError
from rig.saying import Said, say

T = TypeVar("T")

# Sensors round exposure to whole rows and gain to their own steps; what is further off was not locked.
EXPOSURE_TOLERANCE = 0.02


class LockedCamera:
    """Gives frames and previews at the exposure locked at the start.

    A time-out restarts the camera once, at the same exposure; a second one in the same call is a
    CameraTimeoutError that says what to do. A camera that reopens itself after a stall is left to it.
    """

    def __init__(self, camera: Camera, settings: CameraSettings, exposure: Exposure | None = None) -> None:
        """exposure: that of the frames already shot, when a bracket is resumed."""
        self._camera = camera
        self._settings = settings
        self._restarts = 0  # made here
        self._restarts_before = camera.restarts
        self.warning: Said | None = None  # of an exposure that is not as automatic control would have it
        self.exposure = self._patiently(lambda: self._lock(exposure))

    @property
    def restarts(self) -> int:
        """How often a time-out restarted the camera, here or by itself."""
        return self._restarts + self._camera.restarts - self._restarts_before

    def now_ns(self) -> int:
        """The camera's monotonic clock."""
        return self._camera.now_ns()

    def preview(self) -> Preview:
        """The next live picture."""
        return self._patiently(lambda: self._camera.preview(self._settings.timeout_s))

    def capture(self, since_ns: int | None = None) -> Frame:
        """A frame whose exposure starts after this call or since a moment given, and is really the one locked.

        Where the sensor did otherwise it is locked anew and the frame taken again. Raises CameraError when that does
        not help: frames of different brightness are no bracket.
        """
        frame = self._capture(since_ns)
        if not same_exposure(frame.exposure, self.exposure):
            self._patiently(lambda: self._camera.lock(self.exposure))
            frame = self._capture(None)
        got, want = frame.exposure, self.exposure
        if not same_exposure(got, want):
            raise CameraError(
                say(
                    "camera.lock_lost",
                    "the camera does not hold its exposure: it did {us} µs at gain {gain:.2f} instead of {wanted_us} "
                    "µs at gain {wanted_gain:.2f}, also after it was locked anew",
                    us=got.exposure_us,
                    gain=got.gain,
                    wanted_us=want.exposure_us,
                    wanted_gain=want.gain,
                )
            )
        return frame

    def _capture(self, since_ns: int | None) -> Frame:
        def one() -> Frame:
            not_before_ns = self._camera.now_ns() if since_ns is None else since_ns
            return self._camera.capture(not_before_ns, self._capture_timeout_s())

        return self._patiently(one)

    def unlock(self) -> None:
        """Give the exposure back to the camera."""
        self._camera.unlock()

    def _lock(self, exposure: Exposure | None) -> Exposure:
        if exposure is not None:
            return self._camera.lock(exposure)
        settled = self._camera.lock(None)
        wanted = with_settings(settled, self._settings, self._camera.limits)
        held = settled if wanted == settled else self._camera.lock(wanted)
        self.warning = off_sentence(settled, held, self._settings)
        return held

    def _capture_timeout_s(self) -> float:
        return self._settings.timeout_s + 2 * self._settings.exposure_us / 1e6

    def _patiently(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except CameraTimeoutError:
            self._restart()
        try:
            return ask()
        except CameraTimeoutError as error:
            raise CameraTimeoutError(
                say(
                    "camera.nothing_after_restart",
                    "the camera {name} gave nothing for {limit:g} s, and again after a restart: check "
                    "its ribbon cable and the power supply",
                    name=self._camera.name,
                    limit=self._settings.timeout_s,
                )
            ) from error

    def _restart(self) -> None:
        self._restarts += 1
        try:
            self._camera.stop()
            self._camera.start()
            if hasattr(self, "exposure"):  # not yet known when the very first lock timed out
                self._camera.lock(self.exposure)
        except CameraTimeoutError as error:
            raise CameraError(
                say(
                    "camera.not_back",
                    "the camera {name} did not come back after a restart: check its ribbon cable",
                    name=self._camera.name,
                )
            ) from error


def same_exposure(a: Exposure, b: Exposure, tolerance: float = EXPOSURE_TOLERANCE) -> bool:
    """Whether two exposures agree within what rounding in the sensor explains."""
    pairs = [
        (a.exposure_us, b.exposure_us),
        (a.gain, b.gain),
        *zip(a.colour_gains, b.colour_gains, strict=True),
    ]
    return all(abs(one - other) <= tolerance * max(abs(one), abs(other)) for one, other in pairs)
