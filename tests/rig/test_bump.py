"""A frame that was bumped or blurred is shot again in every settle mode; a rig that was moved is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from patience import PATIENCE_S
from simrig import Rig
from simrig import small_rig as devices_of
from smallrig import SmallRig, small_rig

from rig.bump import Framing, bend, is_better, is_dip, shift_px
from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.devices.build_sim import scene_names
from rig.devices.faults import FaultPlan
from rig.devices.optical_bench import Mechanics
from rig.plan import plan_bracket
from rig.status import Outcome

SIZE = (640, 480)  # of a frame: 80 x 60 px are left to judge by
STEP, FRAMES = 48, 7
BUMP = {"bump_px": (160.0, -96.0)}  # 30 px here
MODES = ("fixed", "watched")


def hit_rig(mode: str = "fixed", mechanics: Mechanics | None = None, **faults: object) -> SmallRig:
    return small_rig(
        "bumpy",
        size_px=SIZE,
        mechanics=mechanics,
        faults=FaultPlan(**faults),
        capture__settle_mode=mode,
        camera__meter_positions=0,
    )


def shoot(rig: SmallRig, **how: object) -> CaptureReport:
    plan = plan_bracket(rig.settings, 1300, 1300 + STEP * (FRAMES - 1), STEP)
    return capture_bracket(
        rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock, **how
    )


def retaken(rig: SmallRig, report: CaptureReport) -> list[int]:
    return [facts.index for facts in report.frames if facts.retaken]


def detail(rig: SmallRig) -> list[int]:
    """Size of each frame's JPEG as it is on the card in the end."""
    kept = {facts.index: len(frame.jpeg) for facts, frame in zip(rig.facts, rig.frames, strict=True)}
    return [kept[index] for index in sorted(kept)]


# --- one frame ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("mode", "at"), [("fixed", 2), ("fixed", 4), ("fixed", FRAMES), ("watched", 4)])
def test_a_frame_bumped_for_a_moment_is_shot_again_at_its_place(mode: str, at: int) -> None:
    rig = hit_rig(mode, bump_at=at, bump_lasts_s=0.3, **BUMP)
    report = shoot(rig)

    assert retaken(rig, report) == [at - 1]
    assert report.warnings == ()
    assert [facts.index for facts in rig.facts] == list(range(FRAMES))
    lie = Framing(reach_steps=1000)
    for frame, facts in zip(rig.frames, rig.facts, strict=True):
        assert lie.off_px(frame.luma_small, facts.position_steps) is None
        lie.keep(frame.luma_small, facts.position_steps)


@pytest.mark.parametrize("at", [2, 4, FRAMES - 1])
def test_a_frame_blurred_by_a_knock_that_nobody_watched_is_shot_again_once_the_next_shows_it(at: int) -> None:
    """It lies where it should, and by the time of the next one all is still."""
    shaky = Mechanics(shake_um=60.0)
    rig, calm = hit_rig(mechanics=shaky, knock_at=at), hit_rig(mechanics=shaky)
    report = shoot(rig)
    shoot(calm)

    assert retaken(rig, report) == [at - 1]
    assert [facts.index for facts in rig.facts].count(at - 1) == 2
    assert detail(rig) == pytest.approx(detail(calm), rel=0.02)
    assert [facts.position_steps for facts in report.frames] == [1300 + STEP * n for n in range(FRAMES)]


def test_frames_are_final_in_order_and_only_once_they_stay() -> None:
    rig = hit_rig(mechanics=Mechanics(shake_um=60.0), knock_at=4)
    told: list[tuple[int, int]] = []  # the frame, and how many had been handed over by then
    shoot(rig, final=lambda index: told.append((index, len(rig.frames))))

    assert [index for index, _ in told] == list(range(FRAMES))
    assert told[3][1] > max(place for place, facts in enumerate(rig.facts) if facts.index == 3)


def test_without_retries_it_is_only_told() -> None:
    rig = small_rig(
        "bumpy",
        size_px=SIZE,
        faults=FaultPlan(bump_at=4, bump_lasts_s=0.3, **BUMP),  # type: ignore[arg-type]
        capture__settle_mode="fixed",
        capture__retries=0,
        camera__meter_positions=0,
    )
    report = shoot(rig)

    assert not retaken(rig, report)
    assert re.fullmatch(r"Frame 4 was bumped: it lies \d+ pixels beside the one before\.", report.warnings[0])


# --- the whole rig ------------------------------------------------------------------------------
@pytest.mark.parametrize("mode", MODES)
def test_a_rig_that_stays_where_it_was_pushed_is_told_and_the_bracket_goes_on(mode: str) -> None:
    rig = hit_rig(mode, bump_at=4, **BUMP)
    report = shoot(rig)

    (told,) = report.warnings
    assert report.outcome is Outcome.COMPLETE
    off = re.search(r"moved before frame 4: .* lies (\d+) pixels beside", told)
    assert off is not None and int(off[1]) == pytest.approx(30, abs=4)
    assert len(rig.frames) <= FRAMES + 1  # it is not shot again and again


# --- no false alarm -----------------------------------------------------------------------------
@pytest.mark.parametrize("scene", scene_names())
def test_nothing_is_shot_again_that_nobody_touched(scene: str) -> None:
    rig = small_rig(scene, size_px=(320, 240), capture__settle_mode="fixed", camera__meter_positions=0)
    near, far = rig.devices.scene.textured_range_steps
    plan = plan_bracket(rig.settings, near, far, 2 * STEP)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)

    assert (retaken(rig, report), len(rig.frames)) == ([], plan.frames)


def test_frames_far_apart_are_not_compared() -> None:
    lie = Framing(reach_steps=100)
    lie.keep(speckles(), 0)

    assert lie.off_px(np.roll(speckles(), 9, axis=1), 101) is None
    assert lie.off_px(np.roll(speckles(), 9, axis=1), 99) is not None


@pytest.mark.shared
def test_frames_of_real_brackets_lie_where_they_should() -> None:
    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED does not name the folder of real brackets")
    import cv2

    for folder in ("amber-flies", "beetle", "ring"):
        lie, sizes, bends = Framing(reach_steps=1), [], []
        files = sorted((Path(shared) / "stacks" / folder).glob("*.[jJpP]*"))
        for place, file in enumerate(files):
            luma = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
            luma = cv2.resize(luma, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
            assert lie.off_px(luma, place) is None, file
            lie.keep(luma, place)
            sizes.append(file.stat().st_size)
        for at in range(1, len(sizes) - 1):
            bends.append(bend(sizes[at - 1 : at + 2], (0, 1, 2)))
        assert sum(is_dip(one, bends[:at]) for at, one in enumerate(bends)) <= 1  # costs a frame, no more


# --- arithmetic ---------------------------------------------------------------------------------
def speckles() -> np.ndarray:
    rng = np.random.default_rng(2)
    import cv2

    return cv2.GaussianBlur(rng.integers(0, 255, (48, 64)).astype(np.uint8), (0, 0), 1.2)


def test_a_shift_is_found_and_in_another_picture_there_is_none() -> None:
    found = shift_px(speckles(), np.roll(speckles(), (3, -2), axis=(0, 1)))

    assert found == pytest.approx((-2.0, 3.0), abs=0.3)
    assert shift_px(speckles(), np.rot90(speckles(), 2)) is None
    assert shift_px(speckles(), np.full((48, 64), 90, np.uint8)) is None
    assert shift_px(speckles()[:20], speckles()[:20]) is None


def test_the_frame_after_a_bump_that_went_unnoticed_is_not_blamed_for_going_back() -> None:
    lie = Framing(reach_steps=10)
    for place, shift in enumerate([0, 0, 0, 0, 0, 2]):
        lie.keep(np.roll(speckles(), shift, axis=1), place)

    assert lie.off_px(speckles(), 6) is None


def test_detail_is_held_against_the_way_between_the_neighbours() -> None:
    assert bend((1000, 1100, 1210), (0, 1, 2)) == pytest.approx(0, abs=1e-9)
    assert bend((1000, 1331, 1331), (0, 3, 3)) == pytest.approx(0, abs=1e-9)
    assert bend((1000, 900, 1000), (0, 1, 2)) == pytest.approx(-0.105, abs=0.001)


def test_what_is_a_dip_depends_on_how_even_the_bracket_is() -> None:
    assert is_dip(-0.11, []) and not is_dip(-0.09, [])
    assert is_dip(-0.05, [0.002, -0.004, 0.003])
    assert not is_dip(-0.05, [0.02, -0.015, 0.02])
    assert is_better(1050, 1000) and not is_better(1020, 1000)


# --- with the stacker ---------------------------------------------------------------------------
def test_the_live_stack_is_made_of_the_frame_that_was_shot_again(make_rig: Callable[..., Rig]) -> None:
    def build(settings):
        devices = devices_of(settings, "bumpy", SIZE)
        bench = devices.camera._bench
        bench.mechanics, bench.faults = Mechanics(shake_um=60.0), FaultPlan(knock_at=3)
        return devices

    rig = make_rig({"capture.settle_mode": "fixed", "stacking.live": True}, build=partial(build))
    rig.workflow.set_near(1300)
    rig.workflow.set_far(1300 + 4 * STEP)
    rig.workflow.set_step(STEP)
    bracket_id = rig.workflow.start_bracket()
    status = rig.until_idle()
    assert rig.workflow.wait_stacked(PATIENCE_S)
    detail = rig.workflow.bracket(bracket_id)
    facts = [fact for fact in rig.workflow._store.folder_of(bracket_id).facts() if fact["fact"] == "frame"]

    assert [fact["index"] for fact in facts] == [0, 1, 2, 3, 2, 4]
    assert len(status.bracket.sharpness) == status.bracket.done == 5
    assert not rig.workflow._store.folder_of(bracket_id).damaged_frames()
    assert [frame["name"] for frame in detail.results[-1].report["frames"]] == [
        frame.name for frame in detail.frames
    ]
    assert all(frame["used"] for frame in detail.results[-1].report["frames"])
