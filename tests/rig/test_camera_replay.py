"""The camera that answers with the frames of a real bracket."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import simplejpeg

from rig.devices.build_sim import SimDevices, simulated_devices
from rig.devices.camera_replay import open_replay
from rig.devices.clock import SimClock
from rig.devices.optical_bench import Mechanics
from rig.errors import CameraError


def bracket(folder: Path, count: int = 5, suffix: str = ".jpg") -> Path:
    """Flat frames whose grey level grows with their number: 0, 40, 80, ..."""
    for index in range(count):
        cv2.imwrite(str(folder / f"frame{index + 8}{suffix}"), np.full((60, 80, 3), index * 40, np.uint8))
    return folder


def rig(folder: Path) -> SimDevices:
    devices = simulated_devices(
        f"replay:{folder}", clock=SimClock(), mechanics=Mechanics(backlash_steps=0, start_at=0.0)
    )
    devices.camera.start()
    return devices


def level(devices: SimDevices) -> float:
    frame = devices.camera.capture(devices.camera.now_ns())
    return float(simplejpeg.decode_jpeg(frame.jpeg, "GRAY").mean())


@pytest.mark.parametrize(("share", "grey"), [(0, 0), (0.24, 40), (0.26, 40), (0.5, 80), (0.9, 160), (1, 160)])
def test_the_frame_nearest_to_the_focus_position_answers(tmp_path: Path, share: float, grey: int) -> None:
    devices = rig(bracket(tmp_path))
    devices.motor.move_by(round(devices.scene.travel_steps * share))
    assert level(devices) == pytest.approx(grey, abs=2)


def test_names_are_counted_not_spelled(tmp_path: Path) -> None:
    names = [p.name for p in open_replay(bracket(tmp_path)).paths]
    assert names == ["frame8.jpg", "frame9.jpg", "frame10.jpg", "frame11.jpg", "frame12.jpg"]


def test_a_jpeg_frame_is_handed_on_byte_by_byte(tmp_path: Path) -> None:
    devices = rig(bracket(tmp_path))
    assert devices.camera.capture(0).jpeg == (tmp_path / "frame8.jpg").read_bytes()


def test_frames_of_other_kinds_are_encoded(tmp_path: Path) -> None:
    devices = rig(bracket(tmp_path, suffix=".png"))
    devices.motor.move_by(devices.scene.travel_steps)
    assert level(devices) == pytest.approx(160, abs=2)


def test_the_preview_follows_the_focus(tmp_path: Path) -> None:
    devices = rig(bracket(tmp_path))
    first = devices.camera.preview().image.mean()
    devices.motor.move_by(devices.scene.travel_steps)
    assert devices.camera.preview().image.mean() > first + 100


def test_other_files_in_the_folder_are_passed_over(tmp_path: Path) -> None:
    (bracket(tmp_path) / "notes.txt").write_text("windy")
    assert len(open_replay(tmp_path).paths) == 5


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_folder_without_frames_is_named(tmp_path: Path, what: str) -> None:
    folder = tmp_path / what
    if what == "empty":
        folder.mkdir()
    with pytest.raises(CameraError, match=what):
        open_replay(folder)


def test_a_frame_of_another_size_is_named_with_both_sizes(tmp_path: Path) -> None:
    cv2.imwrite(str(bracket(tmp_path) / "frame20.jpg"), np.zeros((30, 40, 3), np.uint8))
    with pytest.raises(CameraError, match=r"frame20\.jpg is 40x30, but frame8\.jpg is 80x60"):
        open_replay(tmp_path)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (bracket(tmp_path) / "frame20.jpg").write_text("not a picture")
    with pytest.raises(CameraError, match=r"frame20\.jpg is damaged"):
        open_replay(tmp_path)


def test_a_truncated_frame_is_named_when_its_turn_comes(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (60, 80, 3), np.uint8)
    cv2.imwrite(str(bracket(tmp_path) / "frame8.jpg"), noise)
    whole = (tmp_path / "frame8.jpg").read_bytes()
    (tmp_path / "frame8.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CameraError, match=r"frame8\.jpg is damaged"):
        rig(tmp_path).camera.capture(0)
