"""What every camera promises, whichever driver it is. A new driver joins by a line in CAMERAS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg
from fake_picamera2 import library

from rig.config import CameraSettings
from rig.devices.build_sim import simulated_devices
from rig.devices.camera import Camera, Exposure
from rig.devices.camera_picamera2 import Picamera2Camera
from rig.devices.clock import SimClock
from rig.errors import CameraError

SIZE = (320, 240)


def simulated(folder: Path) -> Camera:
    return simulated_devices("target", size=SIZE, clock=SimClock()).camera


def replayed(folder: Path) -> Camera:
    rng = np.random.default_rng(3)
    for index in range(3):
        cv2.imwrite(str(folder / f"f{index}.jpg"), rng.integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))
    return simulated_devices(f"replay:{folder}", clock=SimClock()).camera


def hq(folder: Path) -> Camera:
    return Picamera2Camera(CameraSettings(preview_width_px=160), library())


CAMERAS: dict[str, Callable[[Path], Camera]] = {"sim": simulated, "replay": replayed, "picamera2": hq}


@pytest.fixture(params=CAMERAS, name="idle_camera")
def _idle_camera(request: pytest.FixtureRequest, tmp_path: Path) -> Camera:
    return CAMERAS[request.param](tmp_path)


@pytest.fixture(name="camera")
def _camera(idle_camera: Camera) -> Camera:
    idle_camera.start()
    return idle_camera


def test_a_frame_is_a_jpeg_of_the_size_the_camera_states(camera: Camera) -> None:
    frame = camera.capture(camera.now_ns())
    height, width, _, _ = simplejpeg.decode_jpeg_header(frame.jpeg)
    assert (width, height) == frame.size == camera.size


def test_luma_small_is_an_eighth_of_the_frame(camera: Camera) -> None:
    luma = camera.capture(camera.now_ns()).luma_small
    assert (luma.shape, luma.dtype) == ((SIZE[1] // 8, SIZE[0] // 8), np.uint8)


def test_luma_small_shows_what_the_jpeg_shows(camera: Camera) -> None:
    frame = camera.capture(camera.now_ns())
    gray = simplejpeg.decode_jpeg(frame.jpeg, "GRAY")[..., 0]
    small = cv2.resize(gray, frame.luma_small.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - frame.luma_small).mean() < 3


@pytest.mark.parametrize("ahead_ms", [-500, 0, 1, 350])
def test_the_exposure_starts_at_or_after_the_moment_asked_for(camera: Camera, ahead_ms: int) -> None:
    not_before = camera.now_ns() + ahead_ms * 1_000_000
    assert camera.capture(not_before).timestamp_ns >= not_before


def test_preview_numbers_grow_by_one(camera: Camera) -> None:
    numbers = [camera.preview().seq for _ in range(4)]
    assert np.diff(numbers).tolist() == [1, 1, 1]


def test_preview_times_grow(camera: Camera) -> None:
    times = [camera.preview().timestamp_ns for _ in range(4)]
    assert (np.diff(times) > 0).all()


def test_a_preview_is_a_small_colour_picture(camera: Camera) -> None:
    image = camera.preview().image
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.dtype == np.uint8


def test_lock_returns_what_every_following_frame_reports(camera: Camera) -> None:
    locked = camera.lock()
    assert {camera.capture(camera.now_ns()).exposure for _ in range(3)} == {locked}


def test_a_given_exposure_is_held_within_two_per_cent(camera: Camera) -> None:
    locked = camera.lock(Exposure(10_000, 2.0, (2.0, 1.5)))
    assert locked.exposure_us == pytest.approx(10_000, rel=0.02)
    assert locked.gain == pytest.approx(2.0, rel=0.02)


def test_the_limits_a_camera_states_can_be_locked(camera: Camera) -> None:
    limits = camera.limits
    held = camera.lock(Exposure(limits.shortest_us, limits.most_gain, (2.0, 1.5)))
    assert held.exposure_us == pytest.approx(limits.shortest_us, rel=0.02)
    assert held.gain == pytest.approx(limits.most_gain, rel=0.02)
    assert limits.longest_us > 1_000_000


@pytest.mark.parametrize(
    "impossible", [{"exposure_us": 50}, {"exposure_us": 10**10}, {"gain": 0.5}, {"gain": 60.0}], ids=str
)
def test_what_the_sensor_cannot_do_is_refused_and_what_was_held_stays(
    camera: Camera, impossible: dict[str, float]
) -> None:
    held = camera.lock(Exposure(10_000, 2.0, (2.0, 1.5)))
    with pytest.raises(CameraError, match="is outside"):
        camera.lock(replace(held, **impossible))  # type: ignore[arg-type]
    assert camera.capture(camera.now_ns()).exposure == held


def test_locking_twice_holds_the_same(camera: Camera) -> None:
    assert camera.lock() == camera.lock()


def test_previews_and_captures_work_after_unlock(camera: Camera) -> None:
    camera.lock()
    camera.unlock()
    assert camera.preview().image.size
    assert camera.capture(camera.now_ns()).jpeg


def test_stop_is_safe_twice(camera: Camera) -> None:
    camera.stop()
    camera.stop()


def test_a_stopped_camera_can_be_started_again(camera: Camera) -> None:
    camera.stop()
    camera.start()
    assert camera.capture(camera.now_ns()).jpeg


@pytest.mark.parametrize("ask", ["preview", "capture", "lock", "unlock"])
def test_a_camera_that_is_not_started_says_so(idle_camera: Camera, ask: str) -> None:
    arguments = [0] if ask == "capture" else []
    with pytest.raises(CameraError, match="not started"):
        getattr(idle_camera, ask)(*arguments)


def test_the_loupe_shows_a_part_of_the_frame_pixel_for_pixel(camera: Camera) -> None:
    camera.lock()
    part = camera.loupe((0.25, 0.5, 0.25, 0.25)).image
    whole = simplejpeg.decode_jpeg(camera.capture(camera.now_ns()).jpeg, "BGR").astype(int)
    height, width = SIZE[1] // 4, SIZE[0] // 4

    def distance(top: int, left: int) -> float:
        return float(np.abs(whole[top : top + height, left : left + width] - part).mean())

    assert part.shape == (height, width, 3)
    assert distance(SIZE[1] // 2, SIZE[0] // 4) < 8
    if whole.mean(axis=2).std() > 20:  # a stand-in's frames are grey all over
        assert distance(SIZE[1] // 2, SIZE[0] // 4) < distance(0, 0) / 2


def test_the_loupe_counts_on_with_the_previews(camera: Camera) -> None:
    first = camera.preview()

    assert camera.loupe((0.0, 0.0, 0.2, 0.2)).seq == first.seq + 1
