"""`fieldstack shoot` on a simulated rig in trouble: what it says, what it notes of each frame, how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from simrig import small_rig

from rig.cli import main
from rig.devices.build import Devices
from rig.devices.camera import Frame
from rig.store import Store

NEAR, FAR, STEP = 1200, 1440, 48
FRAMES = 6
WATCHED = "[capture]\nsettle_limit_s = 0.5\nextend_frames = 0\n[camera]\nmeter_positions = 0\n"
FIXED = '[capture]\nsettle_mode = "fixed"\nextend_frames = 0\n[camera]\nmeter_positions = 0\n'


@dataclass(frozen=True)
class Told:
    """What came of a shoot."""

    code: int
    answer: dict[str, Any]
    said: str  # on stderr
    frames: list[dict[str, Any]]  # as they were noted
    ended: dict[str, Any]


@pytest.fixture
def shoot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Shoots a bracket by the command line on a rig that trouble() has got at."""

    def run(trouble, config: str, size_px: tuple[int, int] = (320, 240)) -> Told:
        def build(settings) -> Devices:
            devices = small_rig(settings, size_px=size_px)
            trouble(devices)
            return devices

        (tmp_path / "config.toml").write_text(config)
        monkeypatch.setattr("rig.commands.shoot.builder", lambda sim: build)
        where = [
            "--near",
            str(NEAR),
            "--far",
            str(FAR),
            "--step",
            str(STEP),
            "--data",
            str(tmp_path / "data"),
        ]
        code = main(["shoot", *where, "--no-stack", "--json", "--config", str(tmp_path / "config.toml")])
        out, err = capsys.readouterr()
        facts = list(Store(tmp_path / "data").folder_of("b000001").facts())
        frames = [fact for fact in facts if fact["fact"] == "frame"]
        return Told(code, json.loads(out), err, frames, next(f for f in facts if f["fact"] == "ended"))

    return run


def test_wind_is_noted_with_each_frame_and_told(shoot) -> None:
    def wind(devices: Devices) -> None:
        bench = devices.camera._bench
        bench.mechanics = replace(bench.mechanics, wind_um=60.0)

    told = shoot(wind, WATCHED)

    assert told.code == 0
    assert len(told.frames) == FRAMES
    assert all(frame["motion_px"] > 0.1 for frame in told.frames)
    assert any("The picture was not still in" in warning for warning in told.ended["warnings"])


def test_burnt_out_highlights_are_the_verdict(shoot) -> None:
    told = shoot(lambda devices: None, FIXED + "exposure_us = 150000\n")

    assert told.code == 0
    assert all(frame["clipped_share"] > 0.01 for frame in told.frames)
    assert all(frame["exposure_us"] == pytest.approx(150_000, rel=0.02) for frame in told.frames)
    findings = [finding["verdict"] for finding in told.ended["coverage"]["findings"]]
    assert "clipped" in findings
    assert any("burnt out" in warning for warning in told.ended["warnings"])


def test_a_frame_during_which_the_rig_is_knocked_is_shot_again(shoot) -> None:
    def knocked(devices: Devices) -> None:
        camera, bench, asked = devices.camera, devices.camera._bench, []
        bench.mechanics = replace(bench.mechanics, shake_um=30.0, shake_decay_s=0.3)
        capture = camera.capture

        def capture_when_kicked(not_before_ns: int, timeout_s: float = 10.0) -> Frame:
            asked.append(not_before_ns)
            if len(asked) == 3:
                bench.come_to_rest(not_before_ns)
            return capture(not_before_ns, timeout_s)

        camera.capture = capture_when_kicked  # type: ignore[method-assign]

    told = shoot(knocked, WATCHED.replace("0.5", "3.0"), size_px=(640, 480))

    assert told.code == 0
    assert [frame["retaken"] for frame in told.frames] == [False, False, True, False, False, False]
    assert told.answer["frames"] == FRAMES


def test_steps_lost_on_the_way_out_are_found_at_home_after_the_bracket(shoot) -> None:
    def slipping(devices: Devices) -> None:
        bench = devices.camera._bench
        turn, made = bench.turn, []

        def turn_most(direction: int, at_ns: int) -> None:
            made.append(direction)
            if direction < 0 or len(made) % 50:  # only away from the endstop
                turn(direction, at_ns)

        bench.turn = turn_most

    told = shoot(slipping, FIXED.replace("extend_frames = 0", "extend_frames = 0\ndrift_check = true"))

    assert told.code == 0
    assert told.ended["lost_steps"] > 10
    assert f"had lost {told.ended['lost_steps']} steps" in told.said + " ".join(told.ended["warnings"])
