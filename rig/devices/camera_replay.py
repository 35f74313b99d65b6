"""A camera that answers with the frames of a bracket shot elsewhere, by focus position."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import simplejpeg

from rig.devices.camera import Coming, Exposure, Frame, Preview, Roi
from rig.devices.cameraerrors import capture_late, none_found, not_started
from rig.devices.exposurelock import check_within
from rig.devices.frame_timeline import LIMITS
from rig.devices.optical_bench import OpticalBench
from rig.devices.scenes.surface import U8
from rig.devices.sensor_sim import DAYLIGHT_GAINS, luma_eighth
from rig.devices.yuv import even_box
from rig.errors import CameraError
from rig.saying import say

PERIOD_NS = 100_000_000
PREVIEW_WIDTH = 1014
JPEG_QUALITY = 95
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})


@dataclass(frozen=True)
class ReplayFolder:
    """Frames in order, all readable and of one size."""

    paths: tuple[Path, ...]
    size: tuple[int, int]  # width, height in px

    def nearest(self, share: float) -> int:
        """Index of the frame at this share 0..1 of the way from the first to the last."""
        return min(max(round(share * (len(self.paths) - 1)), 0), len(self.paths) - 1)


def open_replay(folder: Path) -> ReplayFolder:
    """The frames of a folder, in natural order of their names. Raises CameraError naming what is wrong."""
    if not folder.is_dir():
        raise CameraError(say("replay.no_folder", "replay folder {folder} does not exist", folder=folder))
    paths = sorted((p for p in folder.iterdir() if p.suffix.lower() in PICTURES), key=_natural)
    if not paths:
        raise CameraError(
            say("replay.empty", "replay folder {folder} holds no JPEG, PNG or TIFF frames", folder=folder)
        )
    sizes = {path: _size(path) for path in paths}
    size = sizes[paths[0]]
    for path, other in sizes.items():
        if other != size:
            raise CameraError(
                say(
                    "replay.sizes",
                    "replay frame {name} is {width}x{height}, but {first} is "
                    "{first_width}x{first_height}; all frames of a bracket have one size",
                    name=path.name,
                    width=other[0],
                    height=other[1],
                    first=paths[0].name,
                    first_width=size[0],
                    first_height=size[1],
                )
            )
    return ReplayFolder(tuple(paths), size)


class ReplayCamera:
    """Frames of a folder spread evenly over the motor's travel, the first one at the near end."""

    name = "replay camera"
    warning = None
    restarts = 0  # it leaves that to others
    limits = LIMITS  # though it only holds what it is asked

    def __init__(self, bench: OpticalBench, folder: Path) -> None:
        self.replay = open_replay(folder)
        self.size = self.replay.size
        self.pixel_um = 6287.0 / self.size[0]  # as if the frame came from the rig's sensor
        self._bench, self._clock = bench, bench.clock
        self._running = False
        self._held: Exposure | None = None
        self._captures = 0
        self._seq = 0
        self._last_preview_ns = 0
        self._small: tuple[int, U8] | None = None

    def start(self) -> None:
        """Ready for previews and captures when it returns."""
        if self._bench.faults.camera_absent:
            raise none_found()
        self._running = True

    def stop(self) -> None:
        """Release the camera."""
        self._running = False
        self._small = None

    def lock(self, exposure: Exposure | None = None) -> Exposure:
        """The frames are what they are: holds and returns what is asked, or a plain default."""
        self._check_running()
        if exposure is not None:
            check_within(exposure, self.limits)
        self._held = exposure or self._held or self._exposure()
        return self._held

    def unlock(self) -> None:
        """Forget what was held."""
        self._check_running()
        self._held = None

    def preview(self, timeout_s: float = 2.0) -> Preview:
        """A reduced copy of the frame for the present focus position."""
        self._check_running()
        now_ns = self._clock.monotonic_ns()
        self._clock.sleep((self._last_preview_ns + PERIOD_NS - now_ns) / 1e9)
        self._last_preview_ns = self._clock.monotonic_ns()
        index = self._index_at(self._last_preview_ns)
        if self._small is None or self._small[0] != index:
            self._small = (index, self._reduced(index))
        self._seq += 1
        return Preview(self._small[1].copy(), self._seq, self._last_preview_ns, self._exposure())

    def loupe(self, roi: Roi, timeout_s: float = 2.0) -> Preview:
        """A part of the frame for the present focus position; see Camera."""
        whole = self.preview(timeout_s)
        left, top, width, height = even_box(roi, self.size)
        picture = _load(self.replay.paths[self._index_at(whole.timestamp_ns)])[1]
        part = picture[top : top + height, left : left + width].copy()
        return Preview(part, whole.seq, whole.timestamp_ns, whole.exposure)

    def capture(self, not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        """The frame nearest to where the focus was at the start of the exposure."""
        self._check_running()
        self._captures += 1
        start_ns = max(self._clock.monotonic_ns(), not_before_ns)
        wait_s = (start_ns + PERIOD_NS - self._clock.monotonic_ns()) / 1e9
        if wait_s > timeout_s or self._captures in self._bench.faults.camera_timeout_at:
            self._clock.sleep(timeout_s)
            raise capture_late(self._captures, timeout_s)
        self._clock.sleep(wait_s)
        path = self.replay.paths[self._index_at(start_ns)]
        jpeg, picture = _load(path)
        luma = luma_eighth(picture, (max(self.size[0] // 8, 1), max(self.size[1] // 8, 1)))
        return Frame(jpeg, self.size, self._exposure(), start_ns, luma)

    def coming(self, not_before_ns: int) -> Coming:
        """No light reaches frames shot long ago: raises CameraError."""
        raise CameraError(
            say(
                "replay.not_flashed",
                "frames that are played again cannot be lit by a flash: set flash.pin to 0",
            )
        )

    def now_ns(self) -> int:
        """The camera's monotonic clock, for not_before_ns."""
        return self._clock.monotonic_ns()

    def _check_running(self) -> None:
        if not self._running:
            raise not_started()

    def _exposure(self) -> Exposure:
        return self._held or Exposure(20_000, 1.0, DAYLIGHT_GAINS)

    def _index_at(self, t_ns: int) -> int:
        near, far = self._bench.scene.travel_um
        return self.replay.nearest((self._bench.focus_um_at(t_ns) - near) / (far - near))

    def _reduced(self, index: int) -> U8:
        _, picture = _load(self.replay.paths[index])
        width = min(PREVIEW_WIDTH, self.size[0])
        height = round(self.size[1] * width / self.size[0])
        return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts frame 10 after frame 9."""
    return [
        (int(part), "") if part.isdigit() else (-1, part)
        for part in re.split(r"(\d+)", path.name.lower())
        if part
    ]


def _size(path: Path) -> tuple[int, int]:
    """Width and height; a JPEG is not decoded for it."""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(path.read_bytes())
        except ValueError as error:
            raise CameraError(
                say(
                    "replay.no_jpeg",
                    "replay frame {name} is damaged or no JPEG: {why}",
                    name=path.name,
                    why=error,
                )
            ) from error
        return int(width), int(height)
    picture = _picture(path)
    return int(picture.shape[1]), int(picture.shape[0])


def _picture(path: Path) -> U8:
    """A frame that is no JPEG, as BGR."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise CameraError(
            say("replay.unreadable", "replay frame {name} cannot be read as a picture", name=path.name)
        )
    return np.ascontiguousarray(picture, np.uint8)


def _load(path: Path) -> tuple[bytes, U8]:
    """The frame as JPEG bytes, as they lie on disk where it is one, and as BGR."""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        jpeg = path.read_bytes()
        try:
            return jpeg, simplejpeg.decode_jpeg(jpeg, "BGR", strict=True)
        except ValueError as error:
            raise CameraError(
                say("replay.damaged", "replay frame {name} is damaged: {why}", name=path.name, why=error)
            ) from error
    picture = _picture(path)
    return simplejpeg.encode_jpeg(picture, JPEG_QUALITY, "BGR", "420"), picture
