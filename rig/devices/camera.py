"""The contract of a camera, and the value it hands out: a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rig.saying import Said

Image = npt.NDArray[np.uint8]
Roi = tuple[float, float, float, float]  # x, y, w, h as fractions of the picture


@dataclass(frozen=True)
class Exposure:
    """What is locked for the length of a bracket."""

    exposure_us: int
    gain: float  # analogue gain, 1.0 = base ISO
    colour_gains: tuple[float, float]  # red and blue against green


@dataclass(frozen=True)
class Limits:
    """What a sensor can be asked for."""

    shortest_us: int
    longest_us: int
    most_gain: float
    readout_us: int = 0  # from its first row to its last one, at most; 0: not known
    least_gain: float = 1.0


@dataclass(frozen=True)
class Coming:
    """A frame foreseen from those before it: when its rows will be exposed, on the camera's monotonic clock.

    They begin and end one after the other, from the first to the last.
    """

    start_ns: int  # of the first row's exposure
    all_open_ns: int  # from here on the last row is exposed too
    closing_ns: (
        int  # here the first row's exposure ends; before all_open_ns where no two are exposed together
    )


@dataclass(frozen=True)
class Frame:
    """One full-resolution exposure, already encoded, with what the camera says of it."""

    jpeg: bytes
    size: tuple[int, int]  # width, height in px
    exposure: Exposure  # as the sensor reports it, not as it was asked
    timestamp_ns: int  # start of the exposure on the camera's monotonic clock
    luma_small: Image  # (h/8, w/8) uint8, for sharpness and thumbnails without decoding again
    dng: bytes | None = None


@dataclass(frozen=True)
class Preview:
    """A small live picture for framing; never used for fusion."""

    image: Image  # (h, w, 3) uint8, BGR
    seq: int  # grows by one with every new picture
    timestamp_ns: int
    exposure: Exposure


class Camera(Protocol):
    """A camera that can be locked, previewed and exposed. One thread owns it at a time.

    Whatever waits for a picture raises CameraTimeoutError when none comes: restart it then, once. A camera that does
    so by itself raises CameraStalledError when that was in vain.
    """

    name: str
    size: tuple[int, int]  # width, height of a full frame in px
    pixel_um: float

    @property
    def warning(self) -> Said | None:
        """What is worth telling although the camera works, as a sentence; known once it is started."""

    @property
    def restarts(self) -> int:
        """How often a stall made it reopen itself, ever; a camera that leaves that to others has none."""

    @property
    def limits(self) -> Limits:
        """Of exposure and gain; known once it is started."""

    def start(self) -> None:
        """Ready for previews and captures when it returns. Raises CameraError."""

    def stop(self) -> None:
        """Release the camera. Safe to call twice."""

    def lock(self, exposure: Exposure | None = None) -> Exposure:
        """Hold exposure, gain and white balance; returns what the sensor now does.

        With None, whatever automatic control has settled on is held. Raises CameraTimeoutError.
        """

    def unlock(self) -> None:
        """Give exposure, gain and white balance back to automatic control."""

    def preview(self, timeout_s: float = 2.0) -> Preview:
        """The next live picture. Raises CameraTimeoutError."""

    def loupe(self, roi: Roi, timeout_s: float = 2.0) -> Preview:
        """The next live picture of a part, by the sensor's own pixels. Raises CameraTimeoutError.

        roi: x, y, width, height as fractions of the frame, inside it.
        """

    def capture(self, not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        """One full frame whose exposure *started* at or after not_before_ns (monotonic).

        That guarantee is what keeps a frame queued before a focus move out of the bracket.
        Raises CameraTimeoutError.
        """

    def coming(self, not_before_ns: int) -> Coming:
        """The first frame whose exposure will start at or after not_before_ns, for light given at an instant.

        Exposure must be locked. Raises CameraError where that cannot be foreseen, CameraTimeoutError.
        """

    def now_ns(self) -> int:
        """The camera's monotonic clock, for not_before_ns."""
