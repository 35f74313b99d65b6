"""What goes wrong with several kinds of camera, said once."""

from __future__ import annotations

from rig.errors import CameraError, CameraTimeoutError
from rig.saying import say


def not_started() -> CameraError:
    """It is asked for something before start(), or after stop()."""
    return CameraError(say("camera.not_started", "the camera is not started"))


def none_found() -> CameraError:
    """A simulated one that is to be absent."""
    return CameraError(
        say("camera.none", "no camera found: camera number 0 does not answer; check the ribbon cable")
    )


def capture_late(number: int, limit_s: float) -> CameraTimeoutError:
    """A simulated one's, of this number, never came."""
    return CameraTimeoutError(
        say(
            "camera.capture_late", "capture {n} was not delivered within {limit:g} s", n=number, limit=limit_s
        )
    )


def not_reported(error: KeyError) -> CameraError:
    """Libcamera's metadata lack what was looked for."""
    return CameraError(
        say(
            "camera.not_reported",
            "the camera does not report its {what}; an HQ camera does",
            what=error.args[0],
        )
    )
