"""A small stand-in for Picamera2, for faults the virtual camera of tests/hil cannot be made to show.

Its frames are padded as on a Pi, and like the real one it hands out the frame that waits in its queue
unless it is told to flush.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import numpy as np

from rig.devices.picamera2_session import Library

SIZE, STRIDE = (320, 240), 384
AUTOMATIC = {"ExposureTime": 20_000, "AnalogueGain": 2.0, "ColourGains": (2.1, 1.9)}


class Request:
    def __init__(self, camera: FakePicamera2, start_ns: int) -> None:
        self.camera, self.released = camera, 0
        self.metadata = dict(camera.sensor)
        self.metadata["SensorTimestamp"] = start_ns + 1000 * self.metadata["ExposureTime"]
        self.grey = camera.grey

    def get_metadata(self) -> dict[str, Any]:
        return dict(self.metadata)

    def save_dng(self, file: Any) -> None:
        file.write(b"II*\0raw")

    def release(self) -> None:
        self.released += 1
        self.camera.held -= 1


class FakePicamera2:
    """Automatic until controls are set; those take effect `late` frames after."""

    late = 6
    pixel_format = "YUV420"
    sensor_resolution = SIZE
    camera_properties = {"UnitCellSize": (1550, 1550)}  # noqa: RUF012

    def __init__(self) -> None:
        self.camera_controls = {
            "ExposureTime": (114, 600_000_000, 20_000),
            "AnalogueGain": (1.0, 22.26, 1.0),
            "ColourGains": (0.0, 32.0, 0.0),
        }
        self.sensor = dict(AUTOMATIC)
        self.grey = 50
        self.held = 0
        self.stalled = False
        self.closed = self.flushed = 0
        self.asked: list[dict[str, Any]] = []
        self.configured: dict[str, Any] = {}
        self._coming: list[tuple[int, dict[str, Any]]] = []
        self._frame = 0

    def create_still_configuration(
        self,
        main={},  # noqa: B006  as the real one
        lores=None,
        raw={},  # noqa: B006
        transform=None,
        colour_space=None,
        buffer_count=1,
        controls={},  # noqa: B006
        display=None,
        encode=None,
        queue=True,
        sensor={},  # noqa: B006
        use_case="still",
    ) -> dict[str, Any]:
        return {"main": main, "lores": lores, "raw": raw, "buffer_count": buffer_count, "controls": controls}

    def configure(self, camera_config=None) -> None:
        self.configured = camera_config
        for stream in ("main", "lores"):
            camera_config[stream]["format"] = self.pixel_format
        self.sensor |= camera_config["controls"]

    def camera_configuration(self) -> dict[str, Any]:
        return self.configured

    def start(self, config=None, show_preview=False) -> None:
        self._waiting = Request(self, time.monotonic_ns())

    def set_controls(self, controls) -> None:
        self.asked.append(controls)
        self._coming.append((self._frame + self.late, controls))

    def capture_request(self, wait=None, signal_function=None, flush=None) -> Request:
        if self.stalled:
            raise TimeoutError
        if flush and "ExposureTime" not in self.sensor:
            raise KeyError("ExposureTime")
        self._frame += 1
        while self._coming and self._coming[0][0] <= self._frame:
            self.sensor |= {name: value for name, value in self._coming.pop(0)[1].items() if value}
        given = Request(self, max(flush, time.monotonic_ns())) if flush else self._waiting
        self._waiting = Request(self, time.monotonic_ns())
        self.held += 1
        return given

    def cancel_all_and_flush(self) -> None:
        self.flushed += 1

    def close(self) -> None:
        self.closed += 1


@contextmanager
def mapped_array(request: Request, stream: str, reshape=True, write=True):
    """Luma with a ramp across, chroma grey-blue; what lies in the padding must never be seen."""

    class Mapped:
        array = _buffer(request.camera.configured[stream], request.grey)

    yield Mapped()


def _buffer(stream: dict[str, Any], grey: int) -> np.ndarray:
    width, height = stream["size"]
    stride = width + STRIDE - SIZE[0]
    if stream["format"] == "NV12":  # picamera2 cuts NV12 to the width itself
        chroma = np.empty((height // 2, width), np.uint8)
        chroma[:, 0::2], chroma[:, 1::2] = 150, 110
        return np.vstack([np.full((height, width), grey, np.uint8), chroma])
    buffer = np.full((height * 3 // 2, stride), 255, np.uint8)
    buffer[:height, :width] = grey
    u, v = buffer[height:].reshape(2, height // 2, stride // 2)
    u[:, : width // 2], v[:, : width // 2] = 150, 110
    return buffer


def library(open_camera: Callable[[], Any] = FakePicamera2) -> Library:
    return Library(open_camera, mapped_array)
