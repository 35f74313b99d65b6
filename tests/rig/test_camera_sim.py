"""The simulated camera: exposes when and where a free-running sensor would, with its noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import simplejpeg

from rig.devices.build_sim import SimDevices, simulated_devices
from rig.devices.camera import Exposure, Frame
from rig.devices.clock import SimClock
from rig.devices.faults import FaultPlan
from rig.devices.frame_timeline import quantise
from rig.devices.optical_bench import Mechanics
from rig.devices.sensor_sim import DAYLIGHT_GAINS, development, hot_pixels
from rig.errors import CameraError, CameraTimeoutError, MotorError

SIZE = (320, 240)


def rig(scene: str = "target", **faults: object) -> SimDevices:
    plan = FaultPlan(**faults)  # type: ignore[arg-type]
    devices = simulated_devices(
        scene, size=SIZE, clock=SimClock(), faults=plan, mechanics=Mechanics(backlash_steps=0, start_at=0.5)
    )
    devices.camera.start()
    return devices


def fresh(devices: SimDevices) -> Frame:
    return devices.camera.capture(devices.camera.now_ns())


def pixels(frame: Frame) -> np.ndarray:
    return simplejpeg.decode_jpeg(frame.jpeg, "BGR").astype(np.float32)


def sharpness(frame: Frame) -> float:
    return float(cv2.Laplacian(pixels(frame)[..., 1], cv2.CV_32F).var())


def still(devices: SimDevices) -> None:
    devices.bench.clock.sleep(3)


# --- time -----------------------------------------------------------------------------------------
def test_a_frame_asked_for_without_a_moment_was_exposed_before_the_move() -> None:
    devices = rig()
    still(devices)
    moved_at = devices.camera.now_ns()
    devices.motor.move_by(50)
    assert devices.camera.capture(0).timestamp_ns < moved_at


def test_the_queued_frame_shows_the_old_focus_and_the_fresh_one_the_new() -> None:
    devices = rig()
    devices.camera.lock()
    sharp = sharpness(fresh(devices))
    still(devices)
    devices.motor.move_by(120)  # 80 ms, less than the pipeline holds
    assert sharpness(devices.camera.capture(0)) == pytest.approx(sharp, rel=0.15)
    still(devices)
    old, new = devices.camera.capture(0), fresh(devices)
    assert old.timestamp_ns < new.timestamp_ns


def test_a_preview_was_exposed_a_little_while_ago() -> None:
    devices = rig()
    still(devices)
    age_ms = (devices.camera.now_ns() - devices.camera.preview().timestamp_ns) / 1e6
    assert 100 < age_ms < 400


def test_a_preview_shows_its_own_moment_however_late_it_is_looked_at() -> None:
    devices, twin = rig(), rig()
    asked, seen_at_once = devices.camera.preview(), twin.camera.preview().image
    devices.motor.move_by(300)
    assert not np.array_equal(devices.camera.preview().image, seen_at_once)
    assert np.array_equal(asked.image, seen_at_once)


def test_previews_come_ten_a_second() -> None:
    devices = rig()
    before = devices.camera.now_ns()
    for _ in range(20):
        devices.camera.preview()
    assert 1.7 < (devices.camera.now_ns() - before) / 1e9 < 2.4


def test_a_capture_that_cannot_come_in_time_times_out() -> None:
    devices = rig()
    with pytest.raises(CameraTimeoutError, match="within 1 s"):
        devices.camera.capture(devices.camera.now_ns() + 5_000_000_000, timeout_s=1.0)


# --- focus and motion --------------------------------------------------------------------------------
def test_the_frame_shows_where_the_optics_are_not_where_the_motor_believes() -> None:
    quiet = Mechanics(backlash_steps=200, start_at=0.5, shake_um=0)
    devices = simulated_devices("target", size=SIZE, clock=SimClock(), mechanics=quiet)
    devices.camera.start()
    devices.camera.lock()
    devices.motor.move_by(200)
    before = fresh(devices).luma_small.astype(int)
    devices.motor.move_by(-150)
    assert np.abs(fresh(devices).luma_small - before).mean() < 1.5


def test_moving_the_focus_moves_the_sharp_band_of_a_tilted_target() -> None:
    devices = rig()
    devices.camera.lock()
    rows = []
    for steps in (-400, 800):
        devices.motor.move_by(steps)
        still(devices)
        detail = np.abs(cv2.Laplacian(pixels(fresh(devices))[..., 1], cv2.CV_32F))[:, 20:]
        rows.append((detail.mean(axis=1) * np.arange(SIZE[1])).sum() / detail.mean(axis=1).sum())
    assert rows[0] > rows[1] + 20  # near is at the bottom


def test_a_frame_right_after_a_move_is_displaced_and_a_settled_one_is_not() -> None:
    jumpy = Mechanics(backlash_steps=0, shake_um=80.0, shake_decay_s=0.4)
    devices = simulated_devices("target", size=SIZE, clock=SimClock(), mechanics=jumpy)
    camera = devices.camera
    camera.start()
    camera.lock()
    still(devices)
    quiet, again = fresh(devices).luma_small.astype(int), fresh(devices).luma_small
    devices.motor.move_by(1)
    shaken = fresh(devices).luma_small
    still(devices)
    settled = fresh(devices).luma_small
    noise = np.abs(again - quiet).mean()
    assert np.abs(shaken - quiet).mean() > 3 * noise
    assert np.abs(settled - quiet).mean() < 1.5 * noise + 0.5


# --- exposure ----------------------------------------------------------------------------------------
def test_automatic_exposure_settles_within_a_second() -> None:
    devices = rig()
    levels = [float(devices.camera.preview().image.mean()) for _ in range(25)]
    assert levels[0] < 0.8 * levels[-1]
    assert np.ptp(levels[15:]) < 0.03 * levels[-1]


def test_a_locked_exposure_is_quantised_to_rows_of_the_sensor() -> None:
    locked = rig().camera.lock(Exposure(10_003, 1.77, (2.0, 1.5)))
    assert locked != Exposure(10_003, 1.77, (2.0, 1.5))
    assert locked == quantise(locked)


def test_locked_brightness_does_not_flicker() -> None:
    devices = rig()
    devices.camera.lock()
    levels = [float(pixels(fresh(devices)).mean()) for _ in range(5)]
    assert np.ptp(levels) < 0.2


def test_a_lock_is_in_force_when_it_returns() -> None:
    devices = rig()
    locked = devices.camera.lock(Exposure(5_000, 1.0, DAYLIGHT_GAINS))
    assert devices.camera.capture(0).exposure == locked


def test_twice_the_exposure_is_as_bright_as_twice_the_gain() -> None:
    levels = []
    for exposure_us, gain in ((12_000, 1.0), (6_000, 2.0)):
        devices = rig()
        devices.camera.lock(Exposure(exposure_us, gain, DAYLIGHT_GAINS))
        levels.append(float(pixels(fresh(devices)).mean()))
    assert levels[0] == pytest.approx(levels[1], rel=0.02)


def test_too_long_an_exposure_clips() -> None:
    devices = rig()
    devices.camera.lock(Exposure(200_000, 1.0, DAYLIGHT_GAINS))
    assert (pixels(fresh(devices)) >= 253).mean() > 0.7


def test_long_exposures_slow_the_camera_down() -> None:
    devices = rig()
    devices.camera.lock(Exposure(1_000_000, 1.0, DAYLIGHT_GAINS))
    times = [devices.camera.preview().timestamp_ns for _ in range(3)]
    assert (np.diff(times) >= 1_000_000_000).all()


# --- noise -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("gain", [1.0, 4.0, 16.0])
@pytest.mark.parametrize("level", [0.1, 0.4])
def test_noise_has_the_variance_of_counted_electrons(gain: float, level: float) -> None:
    tables = development(gain, DAYLIGHT_GAINS, (256, 256), seed=1)
    green = (
        tables.develop(np.full((256, 256, 3), level, np.float32), np.ones((256, 256), np.float32), (0, 0))[
            ..., 1
        ]
        / 255
    )
    linear = ((green + 0.055) / 1.055) ** 2.4
    expected = level * gain / 8000 + (3 * gain / 8000) ** 2
    assert linear.var() == pytest.approx(expected, rel=0.15)
    assert linear.mean() == pytest.approx(level, rel=0.02)


def test_two_frames_of_one_scene_differ_by_noise_only() -> None:
    devices = rig()
    devices.camera.lock()
    still(devices)
    one, two = pixels(fresh(devices)), pixels(fresh(devices))
    assert 0.3 < np.abs(one - two).mean() < 4


def test_the_same_seed_gives_the_same_frame() -> None:
    frames = []
    for _ in range(2):
        devices = rig("bumpy")
        devices.camera.lock()
        frames.append(fresh(devices).jpeg)
    assert frames[0] == frames[1]


def test_hot_pixels_stay_where_they_are() -> None:
    assert (hot_pixels(SIZE, 1) == hot_pixels(SIZE, 1)).all()
    assert (hot_pixels(SIZE, 1) != hot_pixels(SIZE, 2)).any()


def test_corners_are_darker_than_the_middle() -> None:
    devices = rig("target")
    devices.camera.lock()
    grey = np.percentile(pixels(fresh(devices))[..., 1].reshape(8, 30, 8, 40), 90, axis=(1, 3))
    assert grey[[0, 0, -1, -1], [0, -1, 0, -1]].max() < grey[3:5, 3:5].max()


# --- faults -------------------------------------------------------------------------------------------
def test_an_absent_camera_says_so_at_the_start() -> None:
    with pytest.raises(CameraError, match="no camera found"):
        rig(camera_absent=True)


def test_the_nth_capture_times_out_and_the_next_succeeds() -> None:
    devices = rig(camera_timeout_at=frozenset({2}))
    fresh(devices)
    with pytest.raises(CameraTimeoutError, match="capture 2"):
        fresh(devices)
    assert fresh(devices).jpeg


def test_a_brownout_takes_camera_and_motor_until_the_camera_is_started_again() -> None:
    devices = rig(brownout_at=1)
    with pytest.raises(CameraError, match="supply"):
        fresh(devices)
    with pytest.raises(MotorError, match="supply"):
        devices.motor.move_by(1)
    devices.camera.stop()
    devices.camera.start()
    assert devices.motor.move_by(1) == 1
    assert fresh(devices).jpeg


def test_after_a_bump_the_framing_is_off_by_that_much() -> None:
    devices = rig(bump_at=2, bump_px=(100.0, 0.0))  # at full size, so 7.9 px here
    devices.camera.lock()
    still(devices)
    before, after = pixels(fresh(devices))[..., 1], pixels(fresh(devices))[..., 1]
    (dx, dy), _ = cv2.phaseCorrelate(before, after, cv2.createHanningWindow(SIZE, cv2.CV_32F))
    assert (dx, dy) == pytest.approx((100 * SIZE[0] / 4056, 0), abs=0.3)


# --- size ---------------------------------------------------------------------------------------------
def test_full_size_surfaces_are_drawn_at_the_first_capture_and_let_go_when_idle() -> None:
    devices = simulated_devices("target", size=(1600, 1200), clock=SimClock())
    camera = devices.camera
    camera.start()
    camera.preview()
    assert not camera._full.drawn
    fresh(devices)
    assert camera._full.drawn
    devices.bench.clock.sleep(100)
    camera.preview()
    assert not camera._full.drawn
