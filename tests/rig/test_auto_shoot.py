"""`shoot --auto` on every scene: nothing told, all covered, few frames, a stack as sharp as with the true range."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from simrig import PATIENCE_S, Rig, small_rig

from rig.cli import main
from rig.config import Settings
from rig.devices.build import build_devices
from rig.devices.build_sim import scene_names
from rig.devices.clock import SimClock
from rig.optics import frame_count
from rig.status import Outcome
from rig.store import Store
from rig.workflow import Workflow

SIZE_PX = (640, 480)  # that of a real camera's small stream, in which the range is looked for
PLAY = 18  # steps that the simulated carriage lags behind the count
TEXTURED = 0.02  # of the tile with most detail
HELD = 0.98  # of the textured tiles
MOST_FRAMES = 1.3  # times what the optics ask for


@dataclass(frozen=True)
class Shot:
    """A bracket of a scene with its stack, and what is true of the scene."""

    positions: list[int]
    fused: np.ndarray
    outcome: Outcome | None
    true_range: tuple[int, int]
    step: int


def shoot(scene: str, data: Path, auto: bool) -> Shot:
    # Stacked afterwards: which frame a live stack takes for its reference depends on how fast they come, and with it
    # how often each pixel is interpolated.
    settings = Settings().changed(
        {"capture.settle_mode": "fixed", "stacking.depth_map": False, "stacking.live": False}
    )
    workflow = Workflow(settings, data, build=partial(small_rig, scene=scene, size_px=SIZE_PX))
    rig = Rig(workflow, data)
    try:
        workflow.open()
        near, far = true_range(workflow)
        if auto:
            workflow.auto_range(then_shoot=True)
            rig.until(lambda status: status.bracket is not None and status.bracket.outcome is not None)
        else:
            workflow.set_near(near)
            workflow.set_far(far)
            workflow.start_bracket()
        status = rig.until_idle()
        assert status.plan is not None and status.bracket is not None
        workflow.stack(status.bracket.id)
        assert workflow.wait_stacked(PATIENCE_S)
        detail = workflow.bracket(status.bracket.id)
        fused = cv2.imread(str(workflow.file(detail.id, "fused")), cv2.IMREAD_GRAYSCALE)
        places = [frame.position_steps for frame in detail.in_focus_order]
        return Shot(places, fused, status.bracket.outcome, (near, far), status.plan.step_steps)
    finally:
        workflow.close()


def true_range(workflow: Workflow) -> tuple[int, int]:
    found = workflow.suggestion
    assert found is not None
    return found.near_steps + PLAY, found.far_steps + PLAY


@pytest.fixture(scope="module", params=scene_names())
def pair(request, tmp_path_factory) -> tuple[Shot, Shot]:
    """The same scene with its range found, and with the true one."""
    folder = tmp_path_factory.mktemp(request.param)
    return shoot(request.param, folder / "auto", auto=True), shoot(request.param, folder / "true", auto=False)


def detail_of(shot: Shot) -> np.ndarray:
    """Fine contrast of each tile of the stack, (6, 8); crops differ by a few pixels, so no finer."""
    middle = shot.fused[8:-8, 8:-8].astype(np.float32)
    return cv2.resize(cv2.Laplacian(middle, cv2.CV_32F) ** 2, (8, 6), interpolation=cv2.INTER_AREA)


def held(positions: list[int], true_range: tuple[int, int], step: int) -> float:
    """Share of the true range within the frames and the end frames' own depth of field, at 30 % overlap."""
    (near, far), reach = true_range, step / 2 / 0.7
    return (min(positions[-1] + reach, far) - max(positions[0] - reach, near)) / (far - near)


def test_the_textured_range_is_covered(pair):
    found, _ = pair

    assert held(found.positions, found.true_range, found.step) >= HELD


def test_few_more_frames_are_shot_than_the_optics_ask_for(pair):
    found, _ = pair
    near, far = found.true_range

    assert len(found.positions) <= MOST_FRAMES * frame_count(far - near, found.step)


def test_the_stack_is_as_sharp_as_with_the_true_range(pair):
    found, true = (detail_of(shot) for shot in pair)
    share = found[true > TEXTURED * true.max()] / true[true > TEXTURED * true.max()]

    assert np.median(share) > 0.95
    assert share.min() > 0.8


def test_it_is_complete(pair):
    assert pair[0].outcome is Outcome.COMPLETE


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """`fieldstack shoot --auto --sim SCENE`, all of it but the waiting: what it told, positions, devices."""

    def run(scene, *more):
        built = []

        def build(settings):
            built.append(build_devices(settings, scene, clock=SimClock()))
            return built[-1]

        monkeypatch.setattr("rig.commands.shoot.builder", {scene: build}.get)
        config = tmp_path / "config.toml"
        config.write_text(
            f"[camera]\nsim_width_px = {SIZE_PX[0]}\n[capture]\nsettle_mode = 'fixed'\n"
            "[stacking]\nlive = false\n"
        )
        data = ["--config", str(config), "--data", str(tmp_path)]
        assert main(["shoot", "--auto", "--sim", scene, *more, *data, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        bracket = Store(tmp_path).folder_of(told["id"]).detail()
        return told, [frame.position_steps for frame in bracket.in_focus_order], built[0]

    return run


@pytest.mark.parametrize("scene", ["target", "bumpy"])
def test_the_command_covers_a_scene_that_it_was_told_nothing_of(scene, command):
    told, places, devices = command(scene)
    true = devices.suggestion

    assert (told["outcome"], told["verdict_sentence"]) == ("complete", "Covered from near to far.")
    assert cv2.imread(told["result"]["path"]).shape[1] > 0.95 * SIZE_PX[0]
    assert held(places, (true.near_steps + PLAY, true.far_steps + PLAY), places[1] - places[0]) >= HELD


def test_the_command_shoots_only_what_is_in_the_box(command):
    told, places, devices = command("target", "--box", "0.2,0.3,0.6,0.3", "--no-stack")
    true = devices.suggestion

    assert (told["outcome"], told["verdict"]) == ("complete", "covered")
    assert places[-1] - places[0] < 0.5 * (true.far_steps - true.near_steps)
