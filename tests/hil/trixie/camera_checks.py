"""Checks of Picamera2Camera that run inside the root: python3 camera_checks.py NAME [PATIENCE_S]."""

from __future__ import annotations

import bisect
import gc
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import simplejpeg
from virtual_camera import VirtualPicamera2  # first: it makes picamera2 importable

from picamera2 import MappedArray  # isort: skip

from rig.config import CameraSettings
from rig.devices import picamera2_session
from rig.devices.camera import Exposure, Frame, Preview
from rig.devices.camera_picamera2 import Picamera2Camera
from rig.devices.exposurelock import agrees
from rig.devices.picamera2_session import Library
from rig.errors import CameraError, CameraStalledError

# A loaded machine is no fault of the camera: where a check is not about time, it waits.
PATIENCE_S = float(sys.argv[2]) if len(sys.argv) > 2 else 60.0
picamera2_session.OPEN_LIMIT_S = picamera2_session.CLOSE_LIMIT_S = PATIENCE_S

LIBRARY = Library(VirtualPicamera2, MappedArray)
EXPOSURE = Exposure(8000, 2.0, (2.0, 1.6))


def camera(**changes: object) -> Picamera2Camera:
    settings = replace(CameraSettings(timeout_s=PATIENCE_S), **changes)  # type: ignore[arg-type]
    found = Picamera2Camera(settings, LIBRARY)
    found.start()
    return found


def frame_of(hq: Picamera2Camera, not_before_ns: int = 0) -> Frame:
    return hq.capture(not_before_ns or hq.now_ns(), PATIENCE_S)


def preview_of(hq: Picamera2Camera) -> Preview:
    return hq.preview(PATIENCE_S)


def until_a_frame_waits(hq: Picamera2Camera) -> None:
    """One that is complete and not fetched yet, so that it was exposed before whatever happens next."""
    until_s = time.monotonic() + PATIENCE_S
    while not hq._running.camera.completed_requests:
        assert time.monotonic() < until_s, "the camera gives no frames"
        time.sleep(0.02)


class Subject:
    """A grey whose value changes at known moments: each frame shows what it was when its exposure began."""

    def __init__(self) -> None:
        self._since_ns, self._greys = [0], [16]
        VirtualPicamera2.draw = lambda _, luma, start_ns: luma.fill(self._at(start_ns))

    def becomes(self, grey: int) -> int:
        self._greys.append(grey)
        self._since_ns.append(time.monotonic_ns())
        return self._since_ns[-1]

    def _at(self, ns: int) -> int:
        return self._greys[bisect.bisect_right(self._since_ns, ns) - 1]


def grey_of(jpeg: bytes) -> int:
    return round(float(simplejpeg.decode_jpeg(jpeg, "GRAY", min_height=400, min_width=400).mean()))


def own_mb() -> float:
    """Memory of the process without the camera's buffers (18 MB each), which come and go as the camera likes."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1000


def open_descriptors() -> int:
    gc.collect()  # a closed Picamera2 is held together by reference cycles until its buffers are wanted
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def check_a_capture_is_a_full_size_jpeg() -> None:
    frame = frame_of(camera())
    picture = simplejpeg.decode_jpeg(frame.jpeg, "BGR")
    print("jpeg", picture.shape, len(frame.jpeg), "bytes; small luma", frame.luma_small.shape)
    assert picture.shape == (3040, 4056, 3) and frame.size == (4056, 3040)
    assert frame.luma_small.shape == (380, 507)
    luma = simplejpeg.decode_jpeg(frame.jpeg, "GRAY")[..., 0].reshape(380, 8, 507, 8).mean((1, 3))
    assert abs(luma - frame.luma_small).mean() < 1


def check_the_lock_is_what_the_sensor_reports_in_every_frame() -> None:
    hq = camera()
    automatic = [preview_of(hq).exposure for _ in range(4)]
    got = hq.lock(EXPOSURE)
    frames = [frame_of(hq).exposure for _ in range(3)]
    print("automatic", [one.exposure_us for one in automatic], "locked", got, "frames", set(frames))
    assert not any(agrees(EXPOSURE, one) for one in automatic)
    assert agrees(EXPOSURE, got) and set(frames) == {got}


def check_locking_without_figures_holds_what_automatic_control_found() -> None:
    hq = camera()
    got = hq.lock()
    frames = {frame_of(hq).exposure for _ in range(3)}
    print("locked", got, "frames", frames)
    assert frames == {got} and abs(got.exposure_us - 20_000) < 800


def check_unlock_gives_back_automatic_control() -> None:
    hq = camera()
    hq.lock(EXPOSURE)
    hq.unlock()
    exposures = [preview_of(hq).exposure.exposure_us for _ in range(14)]
    print(exposures)
    assert abs(exposures[-1] - 20_000) < 800


def check_an_exposure_that_the_sensor_cannot_do_is_refused() -> None:
    try:
        camera().lock(Exposure(50, 1.0, (2.0, 1.6)))
    except CameraError as error:
        print(error)
        assert str(error).startswith("ExposureTime 50 µs is outside 114..")
    else:
        raise AssertionError("50 µs was accepted")


def check_the_frame_shows_what_was_there_after_the_move() -> None:
    subject, hq = Subject(), camera(buffers=3)
    hq.lock(EXPOSURE)
    for grey in (60, 100, 140, 180, 220):
        until_a_frame_waits(hq)  # which shows the former grey
        moved_ns = subject.becomes(grey)
        frame = frame_of(hq, moved_ns)
        print(
            "grey",
            grey,
            "seen",
            grey_of(frame.jpeg),
            "exposed",
            (frame.timestamp_ns - moved_ns) / 1e6,
            "ms after",
        )
        assert frame.timestamp_ns >= moved_ns and abs(grey_of(frame.jpeg) - grey) <= 2


def check_previews_are_small_and_each_one_is_new() -> None:
    hq = camera()
    previews = [preview_of(hq) for _ in range(4)]
    print([(one.seq, one.image.shape, one.timestamp_ns) for one in previews])
    assert [one.seq for one in previews] == [1, 2, 3, 4]
    assert {one.image.shape for one in previews} == {(768, 1024, 3)}
    assert len({one.timestamp_ns for one in previews}) == 4


def check_the_loupe_is_a_part_at_full_resolution() -> None:
    hq = camera()
    part = hq.loupe((0.25, 0.5, 0.1, 0.1), PATIENCE_S)
    print(part.image.shape)
    assert part.image.shape == (304, 404, 3)


def check_short_memory_costs_buffers_and_is_told() -> None:
    os.environ["HEAP_LIMIT"] = "45000000"  # two frames of 18.5 MB and their previews, not three
    hq = camera(buffers=3)
    frame = frame_of(hq)
    print(hq.warning, "| frame", len(frame.jpeg))
    assert hq.warning is not None and "2 of 3 full-size buffers" in hq.warning


def check_one_buffer_is_enough_for_a_bracket() -> None:
    os.environ["HEAP_LIMIT"] = "25000000"
    subject, hq = Subject(), camera(buffers=2)
    hq.lock(EXPOSURE)
    for grey in (80, 160):
        assert abs(grey_of(frame_of(hq, subject.becomes(grey)).jpeg) - grey) <= 2
    print(hq.warning)
    assert hq.warning is not None and "1 of 2" in hq.warning


def check_no_memory_at_all_is_an_error_that_says_what_to_do() -> None:
    os.environ["HEAP_LIMIT"] = "10000000"
    try:
        camera()
    except CameraError as error:
        print(error)
        assert "cma-256" in str(error)
    else:
        raise AssertionError("started without memory")


def check_a_busy_camera_is_named_as_such() -> None:
    first = camera()
    try:
        camera()
    except CameraError as error:
        print(error)
        assert "in use by another program" in str(error)
    else:
        raise AssertionError("opened twice")
    first.stop()


def check_a_stalled_camera_is_reopened_once_and_keeps_its_lock() -> None:
    hq = camera()
    hq.lock(EXPOSURE)
    hq._running.camera.stalled = True
    frame = hq.capture(hq.now_ns(), timeout_s=10)
    print("opened", VirtualPicamera2.opened, "times; frame", frame.exposure)
    assert VirtualPicamera2.opened == 2 and abs(frame.exposure.exposure_us - EXPOSURE.exposure_us) < 30


def check_a_camera_that_stays_stalled_is_told_and_can_be_started_again() -> None:
    hq = camera()
    hq._running.camera.stalled = True
    VirtualPicamera2.stalls_left = 1
    began_s = time.monotonic()
    try:
        hq.capture(hq.now_ns(), timeout_s=1.0)
    except CameraStalledError as error:
        print(f"after {time.monotonic() - began_s:.1f} s:", error)
        assert "ribbon cable" in str(error)
    else:
        raise AssertionError("a frame came from a stalled camera")
    hq.stop()
    hq.start()
    assert frame_of(hq).size == (4056, 3040)


def check_stop_and_start_release_everything() -> None:
    hq = camera()
    hq.stop()
    hq.stop()
    before = open_descriptors()
    for _ in range(3):
        hq.start()
        frame_of(hq)
        hq.stop()
    print("descriptors", before, open_descriptors())
    assert open_descriptors() <= before + 2


def check_fifty_captures_do_not_grow_in_memory() -> None:
    hq = camera()
    hq.lock(EXPOSURE)
    sizes, descriptors = [], []
    for _ in range(75):
        frame_of(hq)
        sizes.append(own_mb())
        descriptors.append(open_descriptors())
        assert not hq.restarts, "the camera stalled for want of buffers"
    # The first captures fill caches. Then fifty more; the least of several, for what the allocator holds for a moment
    # is no leak. A JPEG kept each time were 15 MB; a buffer, a descriptor.
    early, late = min(sizes[15:25]), min(sizes[65:75])
    print(f"{early:.1f} MB of its own around the 20th capture, {late:.1f} MB around the 70th")
    print("descriptors", descriptors[15], descriptors[-1])
    assert late <= early + 3
    assert max(descriptors[65:]) <= max(descriptors[15:25])


def check_a_bracket_through_motor_and_camera_shows_each_frame_at_its_own_position() -> None:
    from rig.config import MotorSettings
    from rig.devices.gpio import Gpio
    from rig.devices.motor_stepdir import StepDirMotor

    gpio = Gpio()
    motor = StepDirMotor(gpio, MotorSettings(driver="stepdir"))
    trace = Path(os.environ["CHIP_TRACE"])
    subject, hq = Subject(), camera()
    hq.lock(EXPOSURE)
    seen = []
    for _ in range(4):
        motor.move_by(30)
        steps = sum(row.split()[1:] == ["20", "1"] for row in trace.read_text().splitlines())
        frame = frame_of(hq, subject.becomes(steps))
        seen.append((motor.position_steps, grey_of(frame.jpeg)))
    motor.release()
    gpio.close()
    print(seen)
    assert all(abs(grey - position) <= 2 for position, grey in seen)


class TiltedPlane:
    """A textured plane, tilted: the band of rows in focus goes down as the motor goes to far."""

    def __init__(self, rows_per_step: int, half_band: int = 150) -> None:
        texture = np.random.default_rng(1).integers(0, 256, (380, 507), dtype=np.uint8)
        self._texture = texture.repeat(8, 0).repeat(8, 1)
        self._rows_per_step, self._half_band = rows_per_step, half_band
        VirtualPicamera2.draw = lambda _, luma, start_ns: self._draw(luma)

    def _draw(self, luma: np.ndarray) -> None:
        centre = self._rows_per_step * steps_on_the_lines()
        band = slice(max(0, centre - self._half_band), max(0, centre + self._half_band))
        luma.fill(128)
        luma[band] = self._texture[band]


def steps_on_the_lines() -> int:
    """Where the motor stands, from the levels on STEP (20) and DIR (21)."""
    position, towards = 0, 1
    for row in Path(os.environ["CHIP_TRACE"]).read_text().splitlines():
        _, line, what = row.split()
        if line == "21":
            towards = 1 if what == "1" else -1
        elif (line, what) == ("20", "1"):
            position += towards
    return position


def check_fieldstack_shoot_with_camera_and_motor_on_their_wires() -> None:
    import picamera2

    from rig.cli import main

    picamera2.Picamera2 = VirtualPicamera2
    TiltedPlane(rows_per_step=7)
    folder = Path(tempfile.mkdtemp())
    config = folder / "config.toml"
    config.write_text(
        f'[camera]\ndriver = "picamera2"\ntimeout_s = {PATIENCE_S}\n[motor]\ndriver = "stepdir"\nsteps_per_um = 1.0\n'
        "backlash_steps = 20\nmin_steps = 20\nmax_steps = 2000\n[store]\nreserve_mb = 0\n"
    )
    where = ["--config", str(config), "--data", str(folder / "data")]
    assert (
        main(["shoot", "--near", "50", "--far", "350", "--step", "50", "--no-stack", "--json", *where]) == 0
    )
    sharpest = []
    for frame in sorted((folder / "data").glob("b*/frames/*.jpg")):
        luma = simplejpeg.decode_jpeg(frame.read_bytes(), "GRAY")[..., 0]
        textured = np.flatnonzero(luma[:, ::8].std(axis=1) > 20)
        sharpest.append(20 + round(float(textured.mean()) / 7))  # the start counts as min_steps
    print("positions by the band in focus:", sharpest)
    assert all(abs(seen - asked) <= 2 for seen, asked in zip(sharpest, range(50, 351, 50), strict=True))


if __name__ == "__main__":
    globals()[f"check_{sys.argv[1]}"]()
    print("OK", flush=True)
    os._exit(0)  # a check that leaves its camera open is over all the same
