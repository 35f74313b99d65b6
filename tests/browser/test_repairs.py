"""What the check of a finished bracket found is put right with one tap."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import pytest
from phonepage import PhonePage, RunningRig, running_rig
from simrig import Rig, small_rig

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
    assert phone.page.locator("#leave-out").is_hidden()
    phone.no_errors()
