"""The HQ camera driver's decisions. On the real picamera2 it is tested in tests/hil/trixie."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import simplejpeg
from fake_picamera2 import AUTOMATIC, FakePicamera2, library
from hypothesis import given
from hypothesis import strategies as st
from simrig import small_rig as simulated_rig
from smallrig import small_rig

from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.config import CameraSettings, Settings
from rig.devices import camera_picamera2, picamera2_session
from rig.devices.camera import Exposure
from rig.devices.camera_picamera2 import Picamera2Camera
from rig.devices.exposurelock import agrees, check_within, coming_of, exposure_of, light_of, limits_of
from rig.devices.yuv import even_box, reduce_luma, split_planes, to_bgr
from rig.errors import CameraError, CameraStalledError, CameraTimeoutError
from rig.lockedcamera import LockedCamera
from rig.machine import Machine
from rig.plan import plan_bracket
from rig.status import Outcome

EXPOSURE = Exposure(8000, 2.0, (2.0, 1.6))
SETTINGS = CameraSettings(preview_width_px=160)


class Cameras:
    """Opens fakes and keeps them; each may be spoiled before it is given out."""

    def __init__(self, *spoil) -> None:
        self.opened: list[FakePicamera2] = []
        self._spoil = list(spoil)

    def __call__(self) -> FakePicamera2:
        camera = FakePicamera2()
        if self._spoil:
            self._spoil.pop(0)(camera)
        self.opened.append(camera)
        return camera


def started(*spoil, **changes) -> tuple[Picamera2Camera, Cameras]:
    cameras = Cameras(*spoil)
    camera = Picamera2Camera(replace(SETTINGS, **changes), library(cameras))
    camera.start()
    return camera, cameras


def stall(camera: FakePicamera2) -> None:
    camera.stalled = True


def out_of_memory(camera: FakePicamera2) -> None:
    def configure(_config) -> None:
        raise OSError(12, "Cannot allocate memory")

    camera.configure = configure


# --- opening ----------------------------------------------------------------------------------------


def test_the_camera_is_configured_once_at_full_size_without_a_raw_stream():
    _, cameras = started()
    configured = cameras.opened[0].configured
    assert configured["main"]["size"] == (320, 240) and configured["lores"]["size"] == (160, 120)
    assert configured["raw"] is None and configured["buffer_count"] == SETTINGS.buffers


def test_a_raw_stream_is_asked_for_only_when_dng_is_wanted():
    camera, cameras = started(dng=True)
    assert cameras.opened[0].configured["raw"] == {}
    assert camera.capture(0).dng == b"II*\0raw"


def test_buffers_are_stepped_down_where_memory_is_short_and_the_closed_camera_is_let_go():
    camera, cameras = started(out_of_memory, buffers=3)
    assert [one.closed for one in cameras.opened] == [1, 0]
    assert cameras.opened[1].configured["buffer_count"] == 2 and "2 of 3" in camera.warning


def test_with_all_its_buffers_the_camera_has_nothing_to_warn_of():
    assert started()[0].warning is None


def test_another_fault_of_configuring_is_not_taken_for_short_memory():
    def refuse(camera: FakePicamera2) -> None:
        def configure(_config) -> None:
            raise RuntimeError("Invalid camera configuration")

        camera.configure = configure

    cameras = Cameras(refuse)
    with pytest.raises(CameraError, match="cannot be configured: Invalid camera configuration"):
        Picamera2Camera(SETTINGS, library(cameras)).start()
    assert cameras.opened[0].closed == 1


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("No camera number 0 found - use rpicam-hello", "no camera is found: check its ribbon cable"),
        ("Failed to acquire camera: Device or resource busy", "the camera is in use by another program"),
        ("something new", "the camera cannot be opened: .*something new"),
    ],
)
def test_why_a_camera_does_not_open_is_said_in_a_sentence(cause, sentence):
    def refuse() -> None:
        raise RuntimeError("Camera __init__ sequence did not complete.") from RuntimeError(cause)

    with pytest.raises(CameraError, match=sentence):
        Picamera2Camera(SETTINGS, library(refuse)).start()


def test_without_picamera2_the_package_to_install_is_named(monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(camera_picamera2.importlib, "import_module", missing)
    with pytest.raises(CameraError, match="sudo apt install python3-picamera2"):
        Picamera2Camera(SETTINGS).start()


def test_a_camera_that_hangs_while_opening_is_given_up(monkeypatch):
    monkeypatch.setattr(picamera2_session, "OPEN_LIMIT_S", 0.05)
    with pytest.raises(CameraTimeoutError, match=r"did not open within 0\.05 s"):
        Picamera2Camera(SETTINGS, library(threading.Event().wait)).start()


def test_a_camera_that_hangs_while_closing_is_given_up_and_stop_stays_safe(monkeypatch):
    monkeypatch.setattr(picamera2_session, "CLOSE_LIMIT_S", 0.05)
    camera, cameras = started()
    cameras.opened[0].close = threading.Event().wait
    with pytest.raises(CameraTimeoutError, match="restart the program"):
        camera.stop()
    camera.stop()


def test_a_camera_that_was_not_started_says_so():
    with pytest.raises(CameraError, match="not started"):
        Picamera2Camera(SETTINGS, library()).preview()


# --- frames -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("pixel_format", ["YUV420", "NV12"])
def test_a_frame_holds_the_picture_without_the_padding_of_its_rows(pixel_format):
    camera, _ = started(lambda fake: setattr(fake, "pixel_format", pixel_format))
    frame = camera.capture(0)
    picture = simplejpeg.decode_jpeg(frame.jpeg, "BGR")
    assert picture.shape == (240, 320, 3) and frame.luma_small.shape == (30, 40)
    assert np.ptp(picture.reshape(-1, 3), axis=0).max() <= 2 and np.ptp(frame.luma_small) == 0


def test_the_frame_is_exposed_after_the_move_and_not_the_one_that_waited():
    camera, cameras = started()
    cameras.opened[0].grey = 180
    moved_ns = camera.now_ns()
    frame = camera.capture(moved_ns)
    assert frame.timestamp_ns >= moved_ns and abs(int(frame.luma_small.mean()) - 180) <= 1


def test_every_request_is_given_back():
    camera, cameras = started()
    camera.lock(EXPOSURE)
    for _ in range(3):
        camera.capture(camera.now_ns())
        camera.preview()
        camera.loupe((0.2, 0.2, 0.5, 0.5))
    assert cameras.opened[0].held == 0


def test_a_request_is_given_back_when_its_frame_cannot_be_used():
    camera, cameras = started(lambda fake: setattr(fake, "pixel_format", "MJPEG"))
    with pytest.raises(CameraError, match="MJPEG frames; YUV420 or NV12 is needed"):
        camera.capture(0)
    assert cameras.opened[0].held == 0


def test_previews_are_numbered_and_small():
    camera, _ = started()
    previews = [camera.preview() for _ in range(3)]
    assert [one.seq for one in previews] == [1, 2, 3] and previews[0].image.shape == (120, 160, 3)


def test_the_loupe_shows_pixels_of_the_full_frame():
    assert started()[0].loupe((0.5, 0.25, 0.25, 0.25)).image.shape == (60, 80, 3)


# --- the lock ---------------------------------------------------------------------------------------


def test_the_lock_returns_only_when_the_sensor_reports_it():
    camera, _ = started()
    assert agrees(EXPOSURE, camera.lock(EXPOSURE))


def test_a_sensor_that_never_follows_is_a_timeout():
    camera, cameras = started()
    cameras.opened[0].late = 1000
    with pytest.raises(CameraTimeoutError, match="does not take over its exposure"):
        camera.lock(EXPOSURE)


def test_locking_without_figures_holds_those_of_automatic_control():
    camera, cameras = started()
    assert camera.lock() == Exposure(20_000, 2.0, (2.1, 1.9))
    assert cameras.opened[0].asked[-1]["ExposureTime"] == 20_000


@pytest.mark.parametrize(("digital", "gain", "us"), [(1.5, 3.0, 20_000), (20.0, 22.26, 20_000 * 40 / 22.26)])
def test_light_that_automatic_control_makes_up_for_digitally_is_made_up_for_by_the_lock(digital, gain, us):
    camera, cameras = started()
    cameras.opened[0].sensor["DigitalGain"] = digital
    camera.preview()  # one that was exposed before
    assert camera.preview().exposure.gain == pytest.approx(2.0 * digital)
    held = (
        camera.lock()
    )  # by the sensor itself: it has no more gain than 22.26, and makes up for the rest by time
    assert (held.gain, held.exposure_us) == (pytest.approx(gain), pytest.approx(us, abs=1))


def test_the_time_that_makes_up_for_it_is_not_longer_than_allowed():
    camera, cameras = started(longest_exposure_us=25_000)
    cameras.opened[0].sensor["DigitalGain"] = 20.0
    camera.preview()
    assert camera.lock().exposure_us == 25_000


@pytest.mark.parametrize(
    ("colour", "digital", "gain"),
    [((0.8, 1.5), 1.25, 2.0), ((1.2, 0.8), 2.5, 4.0), ((0.8, 1.5), 1.0, 2.0), ((1.2, 1.5), 1.25, 2.5)],
)
def test_digital_gain_that_only_makes_up_for_a_colour_gain_below_1_is_no_light_that_a_lock_lacks(
    colour, digital, gain
):
    metadata = {"ExposureTime": 8000, "AnalogueGain": 2.0, "ColourGains": colour, "DigitalGain": digital}
    assert light_of(metadata).gain == pytest.approx(gain)


def test_a_frame_exposed_otherwise_than_locked_is_never_handed_out():
    camera, cameras = started()
    camera.lock(EXPOSURE)
    cameras.opened[0].sensor["ExposureTime"] = 9000
    with pytest.raises(CameraError, match="does not hold its exposure"):
        camera.capture(camera.now_ns())


def test_unlock_gives_everything_back_that_the_camera_knows():
    camera, cameras = started()
    camera.lock(EXPOSURE)
    camera.unlock()
    assert cameras.opened[0].asked[-1] == {"ExposureTime": 0, "AnalogueGain": 0.0}


def test_a_camera_that_reports_no_exposure_is_refused_with_a_sentence():
    camera, cameras = started()
    del cameras.opened[0].sensor["ExposureTime"]
    with pytest.raises(CameraError, match="does not report its ExposureTime"):
        camera.capture(camera.now_ns())


# --- stalls -----------------------------------------------------------------------------------------


def test_after_a_stall_the_camera_is_flushed_closed_and_reopened_with_its_lock():
    camera, cameras = started()
    camera.lock(EXPOSURE)
    stall(cameras.opened[0])
    frame = camera.capture(camera.now_ns())
    first, second = cameras.opened
    assert (first.flushed, first.closed) == (1, 1) and agrees(EXPOSURE, frame.exposure)
    assert second.configured["controls"]["ExposureTime"] == EXPOSURE.exposure_us


def test_a_second_stall_is_an_error_of_its_own_and_leaves_no_job_behind():
    camera, cameras = started(lambda fake: None, stall)
    stall(cameras.opened[0])
    with pytest.raises(CameraStalledError, match=r"no frame within 0\.5 s, and none after it was reopened"):
        camera.capture(camera.now_ns(), timeout_s=0.5)
    assert len(cameras.opened) == 2 and cameras.opened[1].flushed == 1


def shot_with(camera: Picamera2Camera) -> CaptureReport:
    """A bracket of five on the simulated focus drive."""
    rig = small_rig(capture__settle_mode="fixed", camera__meter_positions=0)
    plan = plan_bracket(rig.settings, 1000, 1400, 100)
    return capture_bracket(camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)


def stall_at_capture(number: int):
    """Spoils a camera: it gives no frame from this capture on."""

    def spoil(camera: FakePicamera2) -> None:
        give, asked = camera.capture_request, []

        def capture_request(wait=None, flush=None):
            asked.extend([flush] if flush else [])
            camera.stalled = camera.stalled or len(asked) == number
            return give(wait=wait, flush=flush)

        camera.capture_request = capture_request

    return spoil


def test_a_bracket_goes_on_after_a_stall_with_one_reopening_that_is_told():
    camera, cameras = started(stall_at_capture(3))
    report = shot_with(camera)
    assert (report.outcome, len(report.frames), len(cameras.opened)) == (Outcome.COMPLETE, 5, 2)
    assert any("hung and was restarted" in warning for warning in report.warnings)


def test_a_stall_of_an_earlier_bracket_is_not_told_again():
    camera, _ = started(stall_at_capture(3))
    assert len(shot_with(camera).frames) == 5 and camera.restarts == 1
    report = shot_with(camera)
    assert (report.outcome, report.warnings) == (Outcome.COMPLETE, ())


def test_a_camera_that_stays_stalled_in_a_bracket_is_reopened_once_before_the_fault():
    camera, cameras = started(stall_at_capture(3), stall)
    report = shot_with(camera)
    assert (report.outcome, len(report.frames), len(cameras.opened)) == (Outcome.FAILED, 2, 2)
    assert "none after it was reopened: check its ribbon cable" in str(report.error)


def test_a_camera_that_does_not_open_again_in_a_bracket_is_not_asked_once_more(monkeypatch):
    camera, _ = started(stall_at_capture(3), lambda fake: threading.Event().wait())
    monkeypatch.setattr(picamera2_session, "OPEN_LIMIT_S", 0.05)
    report = shot_with(camera)
    assert isinstance(report.error, CameraStalledError) and "did not open within" in str(report.error)


def test_a_live_picture_is_given_up_after_one_reopening():
    cameras = Cameras(stall, stall)
    camera = Picamera2Camera(SETTINGS, library(cameras))
    machine = Machine(Settings(), lambda asked: replace(simulated_rig(asked), camera=camera))
    machine.start(lambda press: None)
    with pytest.raises(CameraStalledError):
        machine.preview()
    machine.close()
    assert len(cameras.opened) == 2


def test_a_stall_while_the_lock_is_awaited_costs_one_reopening():
    camera, cameras = started()
    stall(cameras.opened[0])
    locked = LockedCamera(camera, SETTINGS, EXPOSURE)
    assert agrees(EXPOSURE, locked.exposure) and (locked.restarts, len(cameras.opened)) == (1, 2)


def test_a_lock_that_failed_leaves_the_one_before():
    camera, cameras = started()
    camera.lock(EXPOSURE)
    cameras.opened[0].late = 1000
    with pytest.raises(CameraTimeoutError):
        camera.lock(replace(EXPOSURE, exposure_us=9000))
    assert agrees(EXPOSURE, camera.capture(camera.now_ns()).exposure)


def test_after_a_stall_the_camera_can_be_stopped_and_started_again():
    camera, cameras = started(lambda fake: None, stall)
    stall(cameras.opened[0])
    with pytest.raises(CameraStalledError):
        camera.capture(camera.now_ns())
    camera.stop()
    camera.start()
    assert camera.capture(camera.now_ns()).size == (320, 240)


LOOKS = {
    "preview": lambda camera: camera.preview(10.0),
    "loupe": lambda camera: camera.loupe((0.2, 0.2, 0.5, 0.5), 10.0),
    "capture": lambda camera: camera.capture(camera.now_ns(), 10.0),
}


def note_waits(camera: FakePicamera2) -> list[float]:
    waits, real = [], camera.capture_request
    camera.capture_request = lambda wait, flush: (waits.append(wait), real(flush=flush))[1]
    return waits


@pytest.mark.parametrize("look", LOOKS)
def test_the_wait_for_a_frame_grows_with_the_exposure(look):
    camera, cameras = started()
    camera.lock(replace(EXPOSURE, exposure_us=2_000_000))
    waits = note_waits(cameras.opened[0])
    LOOKS[look](camera)
    assert waits == [pytest.approx(16.0)]


def test_the_wait_stays_long_after_the_lock_until_a_frame_is_seen_to_be_short():
    camera, cameras = started()
    camera.lock(replace(EXPOSURE, exposure_us=2_000_000))
    waits = note_waits(cameras.opened[0])
    camera.unlock()
    cameras.opened[0].sensor = dict(AUTOMATIC)
    for _ in range(3):
        camera.preview(10.0)
    assert waits[0] == pytest.approx(16.0) and waits[-1] == pytest.approx(10.06)


# --- pure parts -------------------------------------------------------------------------------------


def test_planes_of_a_padded_buffer_by_hand():
    buffer = np.array(
        [[1, 2, 3, 4, 99, 99, 99, 99], [5, 6, 7, 8, 99, 99, 99, 99], [21, 22, 99, 99, 31, 32, 99, 99]],
        np.uint8,
    )
    planes = split_planes(buffer, "YUV420", (4, 2))
    assert planes.y.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (planes.u.tolist(), planes.v.tolist()) == ([[21, 22]], [[31, 32]])


def test_luma_and_chroma_are_views_into_the_cameras_memory():
    buffer = np.zeros((360, 384), np.uint8)
    planes = split_planes(buffer, "YUV420", (320, 240))
    assert all(np.shares_memory(buffer, plane) for plane in (planes.y, planes.u, planes.v))


def test_full_range_grey_stays_the_grey_it_was():
    buffer = np.full((12, 8), 128, np.uint8)
    buffer[:8] = 250
    assert to_bgr(split_planes(buffer, "YUV420", (8, 8))).tolist() == np.full((8, 8, 3), 250).tolist()


def test_the_small_luma_is_the_mean_of_each_block():
    blocks = np.random.default_rng(1).integers(0, 256, (3, 8, 4, 8)).astype(np.uint8)
    expected = blocks.astype(float).mean((1, 3))
    assert np.abs(reduce_luma(blocks.reshape(24, 32)) - expected).max() <= 0.5


FRACTION = st.floats(-0.5, 1.5)


@given(st.tuples(FRACTION, FRACTION, FRACTION, FRACTION), st.integers(2, 400), st.integers(2, 300))
def test_a_loupe_is_even_inside_the_frame_and_never_empty(roi, half_width, half_height):
    size = (2 * half_width, 2 * half_height)
    left, top, width, height = even_box(roi, size)
    assert not any(value % 2 for value in (left, top, width, height))
    assert left >= 0 and top >= 0 and width >= 2 and height >= 2
    assert left + width <= size[0] and top + height <= size[1]


@pytest.mark.parametrize(
    ("got", "same"),
    [
        (Exposure(8008, 2.0, (2.0, 1.6)), True),  # rounded to sensor lines
        (Exposure(8200, 2.0, (2.0, 1.6)), False),
        (Exposure(8000, 2.03, (2.0, 1.6)), True),  # rounded to gain codes
        (Exposure(8000, 2.1, (2.0, 1.6)), False),
        (Exposure(8000, 2.0, (2.1, 1.6)), False),
        (Exposure(8000, 2.0, (2.0, 1.5)), False),
    ],
)
def test_the_lock_forgives_the_sensors_rounding_and_no_more(got, same):
    assert agrees(EXPOSURE, got) is same


def test_the_shortest_exposure_may_be_rounded_by_a_line():
    assert agrees(replace(EXPOSURE, exposure_us=130), replace(EXPOSURE, exposure_us=114))


def test_a_gain_the_sensor_lacks_is_refused_with_its_range():
    with pytest.raises(CameraError, match=r"AnalogueGain 40 is outside 1\.0\.\.22\.26"):
        check_within(replace(EXPOSURE, gain=40), limits_of({"AnalogueGain": (1.0, 22.26, 1.0)}))


def test_a_monochrome_camera_has_neutral_colour_gains():
    assert exposure_of({"ExposureTime": 100, "AnalogueGain": 1.0}).colour_gains == (1.0, 1.0)


# --- for light given at an instant --------------------------------------------------------------------

EVEN = {"SensorTimestamp": 5_000_000_000, "ExposureTime": 130_000, "FrameDuration": 130_600}


@pytest.mark.parametrize(("not_before_ns", "frames"), [(0, 1), (5_100_000_000, 2), (5_500_000_000, 5)])
def test_a_coming_frame_begins_whole_frames_after_the_last_one(not_before_ns: int, frames: int):
    coming = coming_of(EVEN, not_before_ns, readout_us=100_000)
    assert coming.start_ns == 4_870_000_000 + frames * 130_600_000
    assert coming.start_ns >= not_before_ns > coming.start_ns - 130_600_000 or frames == 1


def test_all_its_rows_are_open_from_the_last_rows_beginning_to_the_first_ones_end():
    coming = coming_of(EVEN, 0, readout_us=100_000)
    assert (
        coming.closing_ns == EVEN["SensorTimestamp"] + 1000 * EVEN["FrameDuration"]
    )  # when its time stamp is taken
    assert coming.closing_ns - coming.all_open_ns == 30_000_000


def test_the_camera_foresees_by_its_own_frames_and_says_so_where_it_cannot():
    def even(camera: FakePicamera2) -> None:
        camera.camera_controls["FrameDurationLimits"] = (100_000, 694_000_000, None)
        camera.sensor["FrameDuration"] = 100_000

    hq, _ = started(even)
    held = hq.lock(EXPOSURE)
    soon = hq.now_ns() + 30_000_000
    coming = hq.coming(soon)
    assert soon <= coming.start_ns <= soon + 100_000_000
    assert coming.closing_ns - coming.start_ns == 1000 * held.exposure_us
    assert limits_of({"FrameDurationLimits": (100_000, 1, 1)}).readout_us == hq.limits.readout_us == 100_000

    silent, _ = started()
    with pytest.raises(CameraError, match="does not report its FrameDuration"):
        silent.coming(silent.now_ns())
