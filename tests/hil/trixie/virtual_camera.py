"""The real picamera2 on libcamera's virtual camera, made to look like the HQ camera to a driver.

What a Pi has and the virtual camera lacks, and what stands in for it:
  kms, for preview windows only            an empty module
  a raw stream that names the sensor modes  the IMX477's largest one
  frames in one memory plane                PlanarAllocator: NV12 as two planes of one buffer, and as many
                                            buffers as were asked for (libcamera would take four)
  exposure, gain and colour controls        SensorModel: late, rounded, wandering while automatic
"""

from __future__ import annotations

import mmap
import os
import random
import sys
import types
from unittest.mock import MagicMock

sys.modules.setdefault("pykms", MagicMock())

import libcamera  # noqa: E402
from picamera2 import Picamera2  # noqa: E402
from picamera2.allocators import DmaAllocator  # noqa: E402

IMX477 = {"format": "SRGGB12_CSI2P", "size": (4056, 3040)}
LINE_US = 28.5  # one row of the IMX477 at full resolution
LATE_FRAMES = 3  # beyond those in the buffers


class SensorModel:
    """What an IMX477 under libcamera's automatics would report, frame by frame."""

    CONTROLS = types.MappingProxyType(
        {
            "ExposureTime": (114, 694_422_939, 20_000),
            "AnalogueGain": (1.0, 22.26, 1.0),
            "ColourGains": (0.0, 32.0, 0.0),
            "AeEnable": (False, True, True),
            "AwbEnable": (False, True, True),
        }
    )

    def __init__(self) -> None:
        self._random = random.Random(1)
        self._frame = 0
        self._coming: list[tuple[int, dict[str, object]]] = []
        self._fixed: dict[str, object] = {}

    def ask(self, controls: dict[str, object], frames_late: int) -> None:
        self._coming.append((self._frame + frames_late, dict(controls)))

    def next_metadata(self) -> dict[str, object]:
        self._frame += 1
        while self._coming and self._coming[0][0] <= self._frame:
            self._take_over(self._coming.pop(0)[1])
        exposure_us = self._fixed.get("ExposureTime") or 20_000 * self._wander()
        gain = self._fixed.get("AnalogueGain") or 2.0 * self._wander()
        colour = self._fixed.get("ColourGains") or (2.1 * self._wander(), 1.9 * self._wander())
        code = round(1024 - 1024 / gain)
        return {
            "ExposureTime": int(max(4, round(exposure_us / LINE_US)) * LINE_US),
            "AnalogueGain": 1024 / (1024 - code),
            "ColourGains": colour,
            "DigitalGain": 1.0,
        }

    def _take_over(self, controls: dict[str, object]) -> None:
        self._fixed |= controls
        if controls.get("AeEnable"):
            self._fixed |= {"ExposureTime": None, "AnalogueGain": None}
        if controls.get("AwbEnable"):
            self._fixed["ColourGains"] = None

    def _wander(self) -> float:
        return 1 + self._random.uniform(-0.015, 0.015)


class PlanarAllocator(DmaAllocator):
    """Frame buffers from the dma-heap, one libcamera plane for luma and one for chroma."""

    count = 1

    def allocate(self, libcamera_config, use_case) -> None:
        super().allocate([], use_case)  # gives the former buffers back
        for stream in libcamera_config:
            self.frame_buffers[stream.stream] = [self._buffer(stream) for _ in range(self.count)]

    def _buffer(self, stream):
        fd = self.dmaHeap.alloc("frame", stream.frame_size).get()
        if fd < 0:
            raise OSError(12, "Cannot allocate memory")
        self.open_fds.append(fd)
        luma_bytes = stream.stride * stream.size.height
        planes = []
        for offset, length in ((0, luma_bytes), (luma_bytes, stream.frame_size - luma_bytes)):
            plane = libcamera.FrameBuffer.Plane()
            plane.fd, plane.offset, plane.length = fd, offset, length
            planes.append(plane)
        buffer = libcamera.FrameBuffer(planes)
        duplicate = buffer.planes[0].fd
        self.libcamera_fds.append(duplicate)
        self.mapped_buffers_used[duplicate] = False
        self.mapped_buffers[buffer] = mmap.mmap(duplicate, stream.frame_size)
        return buffer


class VirtualPicamera2(Picamera2):
    """A Picamera2 whose sensor is a SensorModel; draw(luma, start_ns) may paint the scene into each frame."""

    opened = 0
    stalls_left = 0  # so many of the next cameras opened will never give a frame
    draw = None

    def __init__(self) -> None:
        self._sensor = SensorModel()
        super().__init__(allocator=PlanarAllocator())
        cls = type(self)
        cls.opened += 1
        self.stalled = cls.stalls_left > 0
        cls.stalls_left = max(0, cls.stalls_left - 1)
        self.pre_callback = self._paint

    @property
    def camera_controls(self):
        return super().camera_controls | dict(SensorModel.CONTROLS)

    def configure_(self, camera_config) -> None:
        if isinstance(camera_config, dict):
            ours, theirs = self._split(camera_config["controls"])
            camera_config = camera_config | {"controls": theirs}
            self._sensor.ask(ours, 0)
            self.allocator.count = camera_config["buffer_count"]
        super().configure_(camera_config)

    def set_controls(self, controls) -> None:
        ours, theirs = self._split(controls)
        self._sensor.ask(ours, self.camera_config["buffer_count"] + LATE_FRAMES if self.started else 0)
        super().set_controls(theirs)

    def process_requests(self, display) -> None:
        with self._requestslock:
            if self.stalled:
                self._requests = []
            for request in self._requests:
                self._give_metadata(request)
        super().process_requests(display)

    def _get_raw_modes(self):
        return [dict(IMX477)]

    @staticmethod
    def _split(controls):
        ours = {name: value for name, value in controls.items() if name in SensorModel.CONTROLS}
        return ours, {name: value for name, value in controls.items() if name not in ours}

    def _give_metadata(self, request) -> None:
        if "sensor_metadata" in vars(request):
            return
        request.sensor_metadata = self._sensor.next_metadata()
        real = request.get_metadata
        request.get_metadata = lambda: real() | request.sensor_metadata

    def _paint(self, request) -> None:
        if self.draw is None:
            return
        from picamera2 import MappedArray

        metadata = request.get_metadata()
        height = request.config["main"]["size"][1]
        with MappedArray(request, "main") as mapped:
            self.draw(mapped.array[:height], metadata["SensorTimestamp"] - 1000 * metadata["ExposureTime"])


os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:ERROR")
