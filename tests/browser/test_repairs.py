"""What the check of a finished bracket found is put right with one tap."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import pytest
from phonepage import PhonePage, RunningRig, running_rig
from servedrig import served
from simrig import Rig, small_rig
from test_extend import FAR_CUT, INSIDE, STEP, lose_frames, places, shoot

MOVED = 5  # index of the frame in which the subject moved
FRAMES = 12
APART = 48  # steps, which the optics of the scene ask for


@pytest.fixture
def windy(make_rig: Callable[..., Rig], tmp_path: Path) -> Iterator[RunningRig]:
    """A rig that shoots the frames of a bracket again, one of them blurred by motion.

    The bracket is shot on a clock that waits for nobody: on a busy computer another frame might be shaken too.
    """
    build = partial(small_rig, scene="bristles", size_px=(640, 480))
    steady = make_rig({"camera.preview_width_px": 320}, build=build, data=tmp_path / "shot").workflow
    steady.set_near(1300)
    steady.set_far(1300 + (FRAMES - 1) * APART)
    steady.set_step(APART)
    shot = steady.start_bracket()
    Rig(steady, tmp_path / "shot").until_idle()
    frames = tmp_path / "frames"
    shutil.copytree(steady.folder(shot) / "frames", frames)
    moved = frames / f"{MOVED:03d}.jpg"
    cv2.imwrite(str(moved), cv2.blur(cv2.imread(str(moved)), (31, 31)))
    with running_rig(tmp_path, f"replay:{frames}") as windy:
        yield windy


def shoot_each_frame_once(rig: RunningRig) -> None:
    """From one end of the travel to the other, which a replay makes as long as there are frames."""
    focus = rig.state()["focus"]
    rig.order("POST", "api/focus/near", {"position_steps": focus["min_steps"]})
    rig.order("POST", "api/focus/far", {"position_steps": focus["max_steps"]})
    assert rig.state()["plan"]["frames"] == FRAMES
    rig.order("POST", "api/brackets")


def test_the_frame_that_moved_is_left_out_with_one_tap_and_both_results_stay(
    new_phone: Callable[..., PhonePage], windy: RunningRig
) -> None:
    phone = new_phone(at=windy)
    shoot_each_frame_once(windy)
    phone.mode("done")
    phone.until("document.querySelector('#see').classList.contains('primary')", "the first stack")
    assert phone.text("[data-repair=leave_out]").startswith(f"Leave out {MOVED + 1}")
    phone.tap("[data-repair=leave_out]")
    windy.until(lambda s: s["stack"]["result_id"] == "r02" and s["stack"]["stage"] == "done")
    phone.tap("#see")

    phone.until("document.querySelectorAll('#results button').length === 2", "both results")
    assert f"without {MOVED + 1}" in phone.text("#about")
    assert f"moved in frame {MOVED + 1}" in phone.text("#findings")
    assert phone.page.locator("[data-repair=leave_out]").count() == 0
    phone.no_errors()


@pytest.fixture
def seeing(make_rig: Callable[..., Rig]) -> Rig:
    """A rig in the test's own process that waits for nobody, and sees enough to judge by."""
    return make_rig({"capture.settle_mode": "fixed"}, build=partial(small_rig, size_px=(640, 480)))


def test_one_tap_shoots_beyond_an_end_that_was_cut(
    new_phone: Callable[..., PhonePage], seeing: Rig, tmp_path: Path
) -> None:
    with served(seeing.workflow, tmp_path) as at:
        phone = new_phone(at=at)
        phone.live()
        bracket = shoot(seeing, INSIDE, FAR_CUT)
        phone.mode("done")
        assert "end cut" in phone.text("#coverage")  # the nearer one, which is offered besides
        offer = next(one for one in seeing.workflow.status().bracket.repairs if one.action == "extend_far")
        assert phone.text("[data-repair=extend_far]") == f"Extend {offer.frames} farther"
        phone.tap("#see")  # where the result is looked at the same is offered
        phone.until("document.querySelector('#findings li')", "what was found")
        assert "end cut" in phone.text("#findings")
        phone.tap("[data-repair=extend_far]")
        phone.page.wait_for_url(at.url)  # where it is seen
        phone.until(
            "document.body.dataset.mode && !document.querySelector('[data-repair=extend_far]')",
            "that nothing is cut there any more",
        )

        phone.mode("done")
        seeing.until_idle()
        assert max(places(seeing, bracket)) == FAR_CUT + offer.frames * STEP
        assert f"All {seeing.workflow.status().bracket.total} frames" in phone.text("#verdict")
        phone.no_errors()


def test_one_tap_shoots_between_frames_that_lie_too_far_apart(
    new_phone: Callable[..., PhonePage], seeing: Rig, tmp_path: Path
) -> None:
    with served(seeing.workflow, tmp_path) as at:
        phone = new_phone(at=at)
        phone.live()
        bracket = shoot(seeing, 840, 2200)
        whole = places(seeing, bracket)
        lose_frames(seeing, bracket, {7, 8})
        seeing.workflow.extend(bracket, 1, "far")  # after which all is checked again
        phone.until("document.querySelector('[data-repair=fill]')", "the offer")
        assert phone.text("#coverage") == "Gap between frames 7 and 8: 2 missing."
        assert phone.text("[data-repair=fill]") == "Shoot 2 between"
        phone.tap("[data-repair=fill]")
        phone.until("document.querySelector('#coverage').textContent.startsWith('Covered')", "the verdict")

        assert len(places(seeing, bracket)) == len(whole) + 1
        assert phone.page.locator("#repairs button").count() == 0
        phone.no_errors()
