"""The Raspberry Pi HQ camera through picamera2: the only driver that imports it.

Configured once, at full resolution with a small second stream for previews: a change of mode costs a
second, restarts the sensor, and repeated often tears the contiguous memory apart.
"""

from __future__ import annotations

import importlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rig.config import CameraSettings
from rig.devices.camera import Coming, Exposure, Frame, Limits, Preview, Roi
from rig.devices.cameraerrors import not_started
from rig.devices.exposurelock import (
    AUTOMATIC,
    agrees,
    check_within,
    coming_of,
    exposure_of,
    known_controls,
    light_of,
    limits_of,
    locked_controls,
    start_ns,
    within_gain,
)
from rig.devices.picamera2_session import Library, Session
from rig.devices.yuv import Image, Planes, encode_jpeg, even_box, reduce_luma, split_planes, to_bgr
from rig.errors import CameraError, CameraTimeoutError
from rig.saying import Said, say

SETTLE_LIMIT_S = 5.0  # for automatic exposure and white balance, before they are locked
SETTLED_FRAMES = 4  # so many alike in a row
# New controls show 3 or 4 frames after those in the buffers. To agree sooner is chance: automatic control
# may just then be near the figures asked for, and wander off again.
EARLIEST_FRAMES, LATEST_FRAMES = 4, 10
# Little noise reduction, alike in every frame: the stacker averages noise away and needs the detail.
NOISE_REDUCTION_FAST = 1
DEFAULT_PIXEL_UM = 1.55  # IMX477


def load_library() -> Library:
    """The real picamera2. Raises CameraError when it is not installed."""
    try:
        module = importlib.import_module("picamera2")
    except ImportError as error:
        raise CameraError(
            say(
                "camera.no_picamera2",
                "picamera2 cannot be imported ({why}): sudo apt install python3-picamera2",
                why=error,
            )
        ) from error
    return Library(module.Picamera2, module.MappedArray)


class Picamera2Camera:
    """A Camera; start() opens it. A stalled camera is closed and reopened once by itself."""

    name = "Raspberry Pi camera"
    size = (4056, 3040)  # of the HQ camera; start() asks the camera that is there
    pixel_um = DEFAULT_PIXEL_UM

    def __init__(self, settings: CameraSettings, library: Library | None = None) -> None:
        self._settings = settings
        self._library = library
        self._session: Session | None = None
        self._locked: Exposure | None = None
        self._exposed_us = 0  # by the last frame seen: the next ones may still be as long after unlock()
        self._reopened = 0  # in sessions that have ended
        self._seq = 0

    @property
    def warning(self) -> Said | None:
        """What is worth telling although the camera works, as a sentence."""
        wanted = self._settings.buffers
        got = self._session.buffers if self._session else wanted
        if got == wanted:
            return None
        return say(
            "camera.memory_short",
            "memory for the camera is short: {got} of {wanted} full-size buffers, so frames come more slowly; a "
            "larger cma- value of dtoverlay=vc4-kms-v3d in config.txt gives more",
            got=got,
            wanted=wanted,
        )

    @property
    def restarts(self) -> int:
        """How often a stall made it reopen itself; see Camera."""
        return self._reopened + (self._session.reopened if self._session else 0)

    @property
    def limits(self) -> Limits:
        """Of exposure and gain, as libcamera tells them of this sensor; see Camera."""
        return limits_of(self._running.camera.camera_controls)

    def start(self) -> None:
        """Open the camera and let it run; see Camera. Raises CameraError, CameraTimeoutError."""
        if self._session is None:
            session = Session(self._library or load_library(), self._configure, self._settings.buffers)
            session.open()
            self._session = session

    def stop(self) -> None:
        """Close the camera; see Camera. Raises CameraTimeoutError when that takes too long."""
        session, self._session = self._session, None
        self._locked, self._exposed_us = None, 0
        if session is not None:
            self._reopened += session.reopened
            session.close()

    def now_ns(self) -> int:
        """The clock of the sensor's time stamps."""
        return time.monotonic_ns()

    def lock(self, exposure: Exposure | None = None) -> Exposure:
        """Hold exposure, gain and white balance, and wait until the sensor says so; see Camera."""
        wanted = exposure if exposure is not None else self._settled()
        check_within(wanted, self.limits)
        self._set_controls(locked_controls(wanted))
        before, self._locked = self._locked, wanted  # so that a camera reopened meanwhile is locked as well
        try:
            return self._awaited(wanted)
        except CameraError:
            self._locked = before
            raise

    def unlock(self) -> None:
        """Give exposure, gain and white balance back to automatic control."""
        self._locked = None
        self._set_controls(AUTOMATIC)

    def preview(self, timeout_s: float = 2.0) -> Preview:
        """The next live picture, from the small stream; see Camera."""
        with self._request(timeout_s) as request, self._planes(request, "lores") as planes:
            return self._as_preview(to_bgr(planes), request.get_metadata())

    def loupe(self, roi: Roi, timeout_s: float = 2.0) -> Preview:
        """The next live picture of a part at 100 %, from the full-resolution stream; see Camera."""
        with self._request(timeout_s) as request, self._planes(request, "main") as planes:
            return self._as_preview(to_bgr(planes.crop(*even_box(roi, self.size))), request.get_metadata())

    def capture(self, not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        """One full frame whose exposure started at or after not_before_ns; see Camera.

        While locked, a frame exposed otherwise is passed over.
        """
        for _ in range(self._running.buffers + LATEST_FRAMES):
            with self._request(timeout_s, not_before_ns) as request:
                metadata = request.get_metadata()
                got = exposure_of(metadata)
                as_asked = self._locked is None or agrees(self._locked, got)
                if as_asked and start_ns(metadata) >= not_before_ns:
                    return self._as_frame(request, metadata, got)
        raise CameraError(
            say(
                "camera.not_held",
                "the camera does not hold its exposure: asked {asked}, it did {got}",
                asked=self._locked,
                got=got,
            )
        )

    def coming(self, not_before_ns: int) -> Coming:
        """The first frame whose exposure will start at or after not_before_ns, by the last one's; see Camera."""
        with self._request(self._settings.timeout_s) as request:
            return coming_of(request.get_metadata(), not_before_ns, self.limits.readout_us)

    # --- requests and what they hold -----------------------------------------------------------------

    @contextmanager
    def _request(self, timeout_s: float, not_before_ns: int | None = None) -> Iterator[Any]:
        """A request; timeout_s counts beyond the exposures, so that a long one is no stall."""
        longest_us = max(self._exposed_us, self._locked.exposure_us if self._locked else 0)
        with self._running.request(timeout_s + 3e-6 * longest_us, not_before_ns) as request:
            self._exposed_us = exposure_of(request.get_metadata()).exposure_us
            yield request

    def _as_frame(self, request: Any, metadata: dict[str, Any], exposure: Exposure) -> Frame:
        with self._planes(request, "main") as planes:
            jpeg = encode_jpeg(planes, self._settings.jpeg_quality)
            small = reduce_luma(planes.y)
        dng = io.BytesIO()
        if self._settings.dng:
            request.save_dng(dng)
        return Frame(jpeg, self.size, exposure, start_ns(metadata), small, dng.getvalue() or None)

    def _as_preview(self, image: Image, metadata: dict[str, Any]) -> Preview:
        self._seq += 1
        return Preview(image, self._seq, start_ns(metadata), light_of(metadata))

    @contextmanager
    def _planes(self, request: Any, stream: str) -> Iterator[Planes]:
        """The planes of a stream, in the camera's own memory: gone when the request is given back."""
        session = self._running
        shape = session.camera.camera_configuration()[stream]
        with session.library.mapped_array(request, stream, write=False) as mapped:
            yield split_planes(mapped.array, shape["format"], shape["size"])

    # --- configuration and controls ---------------------------------------------------------------------

    def _configure(self, camera: Any, buffers: int) -> None:
        width, height = camera.sensor_resolution
        lores_width = _even(self._settings.preview_width_px)
        controls: dict[str, Any] = {"NoiseReductionMode": NOISE_REDUCTION_FAST}
        if self._locked is not None:  # in the configuration they hold from the very first frame
            controls |= locked_controls(self._locked)
        configuration = camera.create_still_configuration(
            main={"size": (width, height), "format": "YUV420"},
            lores={"size": (lores_width, _even(lores_width * height / width)), "format": "YUV420"},
            raw={} if self._settings.dng else None,  # None spares 18 to 25 MB a buffer
            buffer_count=buffers,
            controls=known_controls(controls, camera.camera_controls),
        )
        camera.configure(configuration)
        self.size = camera.camera_configuration()["main"]["size"]
        cell_nm = camera.camera_properties.get("UnitCellSize", (DEFAULT_PIXEL_UM * 1000,))
        self.pixel_um = cell_nm[0] / 1000

    def _set_controls(self, controls: dict[str, Any]) -> None:
        camera = self._running.camera
        try:
            camera.set_controls(known_controls(controls, camera.camera_controls))
        except RuntimeError as error:
            raise CameraError(
                say("camera.refuses", "the camera refuses {controls}: {why}", controls=controls, why=error)
            ) from error

    def _awaited(self, wanted: Exposure) -> Exposure:
        """What the sensor does, once that is what was wanted."""
        for frames in range(self._running.buffers + LATEST_FRAMES):
            got = self._present()
            if frames >= self._running.buffers + EARLIEST_FRAMES and agrees(wanted, got):
                return got
        raise CameraTimeoutError(
            say(
                "camera.not_taken_over",
                "the camera does not take over its exposure: asked {asked}, it does {got}",
                asked=wanted,
                got=got,
            )
        )

    def _present(self, read: Callable[[dict[str, Any]], Exposure] = exposure_of) -> Exposure:
        """What the sensor did for the next frame."""
        with self._request(self._settings.timeout_s) as request:
            return read(request.get_metadata())

    def _settled(self) -> Exposure:
        """What automatic control arrives at: several frames alike, or the last one at the limit."""
        until_s = time.monotonic() + SETTLE_LIMIT_S
        last, alike = self._present(light_of), 0
        while alike < SETTLED_FRAMES and time.monotonic() < until_s:
            now = self._present(light_of)
            alike = alike + 1 if agrees(last, now) else 0
            last = now
        return within_gain(last, self._settings.longest_exposure_us, self.limits)

    @property
    def _running(self) -> Session:
        if self._session is None:
            raise not_started()
        return self._session


def _even(length_px: float) -> int:
    return 2 * round(length_px / 2)
