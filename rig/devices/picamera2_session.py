"""A picamera2 camera kept running: opened as memory allows, every call bounded, reopened after a stall."""

from __future__ import annotations

import errno
import gc
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rig.devices.bounded import StillRunningError, call_bounded
from rig.devices.cameraerrors import not_reported, not_started
from rig.errors import CameraError, CameraStalledError, CameraTimeoutError
from rig.saying import Said, say

_log = logging.getLogger(__name__)

OPEN_LIMIT_S = 20.0  # libcamera loads its tuning and talks to the sensor; 2 s on a Zero 2 W
CLOSE_LIMIT_S = 5.0


@dataclass(frozen=True)
class Library:
    """What is used of picamera2; another maker of cameras with the same interface may stand in."""

    open: Callable[[], Any]  # Picamera2
    mapped_array: Callable[..., Any]  # MappedArray


class Session:
    """One camera, from open() to close().

    configure(camera, buffers) must configure it with that many buffers. It is called again with fewer when
    memory is short, and after a stall.
    """

    def __init__(self, library: Library, configure: Callable[[Any, int], None], buffers: int) -> None:
        self.library = library
        self.buffers = buffers  # those got, after open()
        self.reopened = 0  # after stalls
        self._configure = configure
        self._camera: Any = None

    @property
    def camera(self) -> Any:
        """The running Picamera2. Raises CameraError when there is none."""
        if self._camera is None:
            raise not_started()
        return self._camera

    def open(self) -> None:
        """Start the camera with as many buffers as memory allows. Raises CameraError, CameraTimeoutError."""
        for buffers in range(self.buffers, 0, -1):
            # A closed Picamera2 is held together by reference cycles, and its frame buffers with it: on a
            # Pi with little contiguous memory the next one would find none.
            gc.collect()
            camera = _open_bounded(self.library.open)
            if self._starts(camera, buffers):
                self._camera, self.buffers = camera, buffers
                return
            _close_bounded(camera)
            del camera
        raise CameraError(
            say(
                "camera.no_memory",
                "there is no memory for even one full-size camera buffer: put "
                "dtoverlay=vc4-kms-v3d,cma-256 into /boot/firmware/config.txt and restart",
            )
        )

    def close(self) -> None:
        """End it within CLOSE_LIMIT_S. Safe to call twice. Raises CameraTimeoutError."""
        camera, self._camera = self._camera, None
        if camera is not None:
            _close_bounded(camera)

    @contextmanager
    def request(self, limit_s: float, not_before_ns: int | None = None) -> Iterator[Any]:
        """A completed request, given back afterwards. After a stall the camera is reopened and asked again.

        not_before_ns: the earliest monotonic start of its exposure. Raises CameraStalledError when reopening
        did not help, so after twice limit_s and the time of that.
        """
        try:
            request = self._wait(limit_s, not_before_ns)
        except TimeoutError:
            _log.warning("the camera gave no frame within %g s; it is reopened", limit_s)
            self._reopen()
            try:
                request = self._wait(limit_s, not_before_ns)
            except TimeoutError as error:
                self.camera.cancel_all_and_flush()  # the job would keep the next request for itself
                raise CameraStalledError(
                    say(
                        "camera.nothing_after_reopening",
                        "the camera gave no frame within {limit:g} s, and none after it was reopened: check "
                        "its ribbon cable and the power supply",
                        limit=limit_s,
                    )
                ) from error
        try:
            yield request
        finally:
            request.release()

    def _wait(self, limit_s: float, not_before_ns: int | None) -> Any:
        try:
            return self.camera.capture_request(wait=limit_s, flush=not_before_ns)
        except KeyError as error:  # flush reads the metadata
            raise not_reported(error) from error
        except CancelledError as error:
            raise CameraError(
                say("camera.closed", "the camera was closed while a frame was awaited")
            ) from error

    def _reopen(self) -> None:
        self.reopened += 1
        self.camera.cancel_all_and_flush()
        try:
            self.close()
            self.open()
        except CameraTimeoutError as error:
            raise CameraStalledError(
                say(
                    "camera.not_reopened",
                    "the camera gave no frame and was to be reopened, but {why}",
                    why=error,
                )
            ) from error

    def _starts(self, camera: Any, buffers: int) -> bool:
        """False when there is no memory for so many buffers."""

        def configure_and_start() -> None:
            self._configure(camera, buffers)
            camera.start()

        try:
            call_bounded(configure_and_start, OPEN_LIMIT_S, "camera start")
        except StillRunningError as error:
            raise CameraTimeoutError(
                say(
                    "camera.not_started_in_time",
                    "the camera did not start within {limit:g} s",
                    limit=OPEN_LIMIT_S,
                )
            ) from error
        except (OSError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                _close_bounded(camera)
                raise CameraError(
                    say("camera.not_configured", "the camera cannot be configured: {why}", why=error)
                ) from error
            _log.warning("no memory for %d full-size camera buffers: %s", buffers, error)
            return False
        return True


def _open_bounded(open_camera: Callable[[], Any]) -> Any:
    try:
        return call_bounded(open_camera, OPEN_LIMIT_S, "camera open")
    except StillRunningError as error:
        raise CameraTimeoutError(
            say("camera.not_opened_in_time", "the camera did not open within {limit:g} s", limit=OPEN_LIMIT_S)
        ) from error
    except (RuntimeError, IndexError, OSError) as error:
        raise CameraError(_why_not_open(error)) from error


def _close_bounded(camera: Any) -> None:
    try:
        call_bounded(camera.close, CLOSE_LIMIT_S, "camera close")
    except StillRunningError as error:
        raise CameraTimeoutError(
            say(
                "camera.not_closed_in_time",
                "the camera does not close within {limit:g} s: restart the program",
                limit=CLOSE_LIMIT_S,
            )
        ) from error
    except (RuntimeError, KeyError, OSError) as error:
        _log.warning("the camera was not closed properly: %r", error)


def _why_not_open(error: BaseException | None) -> Said:
    chain = []
    while error is not None:
        chain.append(str(error))
        error = error.__cause__ or error.__context__
    text = "; ".join(chain)
    if "resource busy" in text.lower():
        return say(
            "camera.in_use",
            "the camera is in use by another program: close it (rpicam-hello, another fieldstack?)",
        )
    if "No camera number" in text or "Camera(s) not found" in text:
        return say(
            "camera.not_found",
            "no camera is found: check its ribbon cable; rpicam-hello --list-cameras shows what is seen",
        )
    return say("camera.not_opened", "the camera cannot be opened: {why}", why=text)


def _is_out_of_memory(error: Exception) -> bool:
    """ENOMEM from the dma-heap, or V4L2's words for it."""
    return getattr(error, "errno", None) == errno.ENOMEM or "Unable to request" in str(error)
