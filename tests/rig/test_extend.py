"""A bracket whose end is cut, or that has a gap, is put right: by itself where allowed, else when asked."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest
from simrig import PATIENCE_S, Rig, small_rig

from rig.errors import NotAllowedError
from rig.status import Outcome

STEP = 60
NEAR_CUT, INSIDE, FAR_CUT = 1010, 1400, 2000  # the target reaches from 870 to 2150


@pytest.fixture
def cut_rig(make_rig):
    """Makes rigs that see enough to judge by."""

    def make(extend_frames: int = 0, **changes) -> Rig:
        settings = {"capture.extend_frames": extend_frames, "capture.settle_mode": "fixed", **changes}
        return make_rig(settings, build=partial(small_rig, size_px=(640, 480)))

    return make


def shoot(rig: Rig, near: int, far: int) -> str:
    rig.workflow.set_near(near)
    rig.workflow.set_far(far)
    rig.workflow.set_step(STEP)
    bracket_id = rig.workflow.start_bracket()
    rig.until_idle()
    return bracket_id


def places(rig: Rig, bracket_id: str) -> list[int]:
    return [frame.position_steps for frame in rig.workflow.bracket(bracket_id).in_focus_order]


def test_a_far_end_that_turns_out_cut_is_extended_by_itself(cut_rig):
    rig = cut_rig(extend_frames=6)
    bracket_id = shoot(rig, INSIDE, FAR_CUT)

    assert FAR_CUT < max(places(rig, bracket_id)) <= FAR_CUT + 6 * STEP
    assert rig.workflow.bracket(bracket_id).summary.outcome is Outcome.COMPLETE


def test_with_0_it_is_only_offered(cut_rig):
    rig = cut_rig()
    shoot(rig, INSIDE, FAR_CUT)
    status = rig.workflow.status()

    assert max(places(rig, status.bracket.id)) == FAR_CUT
    assert "extend_far" in [offer.action for offer in status.bracket.repairs]
    assert "extend" in status.allowed


def test_extending_adds_what_the_verdict_asks_for_and_then_it_is_covered_there(cut_rig):
    rig = cut_rig()
    bracket_id = shoot(rig, INSIDE, FAR_CUT)
    offer = next(o for o in rig.workflow.status().bracket.repairs if o.action == "extend_far")

    rig.workflow.extend(bracket_id, end="far")
    bracket = rig.until_idle().bracket

    assert bracket.total == bracket.done
    assert max(places(rig, bracket_id)) == FAR_CUT + offer.frames * STEP
    assert "extend_far" not in [offer.action for offer in bracket.repairs]


def test_an_extension_has_the_exposure_of_the_bracket(cut_rig):
    rig = cut_rig()
    bracket_id = shoot(rig, INSIDE, FAR_CUT)
    rig.workflow.extend(bracket_id, 2, "far")
    rig.until_idle()

    assert len({frame.exposure_us for frame in rig.workflow.bracket(bracket_id).frames}) == 1


def test_a_near_extension_is_stacked_in_focus_order(cut_rig):
    rig = cut_rig(**{"stacking.live": True})
    bracket_id = shoot(rig, NEAR_CUT, INSIDE)
    assert rig.workflow.wait_stacked(PATIENCE_S)
    rig.workflow.extend(bracket_id, 2, "near")
    rig.until_idle()
    assert rig.workflow.wait_stacked(PATIENCE_S)

    detail = rig.workflow.bracket(bracket_id)
    order = [frame.name for frame in detail.in_focus_order]
    assert [frame["name"] for frame in detail.results[-1].report["frames"]] == order
    assert order[:2] == ["008.jpg", "009.jpg"]


def test_a_near_end_extended_by_itself_leaves_one_stack_of_all_frames(cut_rig):
    rig = cut_rig(extend_frames=6, **{"stacking.live": True})
    bracket_id = shoot(rig, NEAR_CUT, INSIDE)
    assert rig.workflow.wait_stacked(PATIENCE_S)
    detail = rig.workflow.bracket(bracket_id)

    assert min(places(rig, bracket_id)) < NEAR_CUT
    assert [result.frames for result in detail.results] == [len(detail.frames)]
    assert rig.workflow.status().stack.stage == "done"


MIDDLE_BAND = (0.1, 0.3, 0.8, 0.4)  # the target is tilted: lines of it lie at one depth


def test_a_range_found_for_a_box_is_judged_by_the_box_and_extended_for_nothing_else(cut_rig):
    rig = cut_rig(extend_frames=6)
    rig.workflow.auto_range(box=MIDDLE_BAND)
    found = rig.until_idle()
    bracket_id = rig.workflow.start_bracket()
    status = rig.until_idle()
    shot = rig.workflow.bracket(bracket_id)

    assert any("chosen part" in sentence for sentence in found.plan.why)
    assert status.bracket.verdict == "covered"
    assert (min(places(rig, bracket_id)), max(places(rig, bracket_id))) == (
        found.focus.near_steps,
        found.focus.far_steps,
    )
    assert found.focus.far_steps - found.focus.near_steps < 0.5 * (2150 - 870)
    assert tuple(shot.plan["box"]) == MIDDLE_BAND


def test_a_box_whose_end_is_cut_is_extended_within_it(cut_rig):
    rig = cut_rig(extend_frames=6)
    rig.workflow.auto_range(box=MIDDLE_BAND)
    focus = rig.until_idle().focus
    recipe = rig.workflow._control.recipe
    far = focus.far_steps - 4 * STEP
    rig.workflow._control.recipe = replace(recipe, far_steps=far, step_steps=STEP)
    rig.workflow._control.show_plan()
    bracket_id = rig.workflow.start_bracket()
    status = rig.until_idle()

    assert far < max(places(rig, bracket_id)) <= focus.far_steps + 2 * STEP
    assert status.bracket.verdict == "covered"


def test_limits_set_by_hand_are_to_cover_the_whole_picture_again(cut_rig):
    rig = cut_rig()
    rig.workflow.auto_range(box=MIDDLE_BAND)
    rig.until_idle()
    bracket_id = shoot(rig, INSIDE, FAR_CUT)

    assert rig.workflow.bracket(bracket_id).plan["box"] is None
    assert rig.workflow.status().bracket.verdict == "near_cut"


def test_a_covered_bracket_needs_no_extension_but_gets_one_when_told_where(cut_rig):
    rig = cut_rig()
    bracket_id = shoot(rig, 840, 2200)
    assert rig.workflow.status().bracket.verdict == "covered"

    with pytest.raises(NotAllowedError, match="its ends are not cut"):
        rig.workflow.extend(bracket_id)
    rig.workflow.extend(bracket_id, 1, "far")
    rig.until_idle()
    assert max(places(rig, bracket_id)) == 2200 + STEP


def test_a_bracket_with_a_gap_gets_the_frames_between(cut_rig):
    rig = cut_rig()
    bracket_id = shoot(rig, 840, 2200)
    lose_frames(rig, bracket_id, {7, 8})
    before = places(rig, bracket_id)
    rig.workflow.fill_gaps(bracket_id)
    bracket = rig.until_idle().bracket

    assert len(places(rig, bracket_id)) == len(before) + 2
    assert bracket.verdict == "covered"
    with pytest.raises(NotAllowedError, match="no gap"):
        rig.workflow.fill_gaps(bracket_id)


def lose_frames(rig: Rig, bracket_id: str, lost: set[int]) -> None:
    """As if the bracket had been planned without these frames."""
    path = rig.workflow.folder(bracket_id) / "bracket.jsonl"
    facts = [json.loads(line) for line in path.read_text().splitlines()]
    plan = facts[0]["plan"]
    kept = [index for index in range(len(plan["positions_steps"])) if index not in lost]
    plan["positions_steps"] = [plan["positions_steps"][index] for index in kept]
    facts[0]["frames_planned"] = len(kept)
    facts = [fact for fact in facts if fact["fact"] != "frame" or fact["index"] not in lost]
    for fact in facts:
        if fact["fact"] == "frame":
            fact["index"] = kept.index(fact["index"])
    path.write_text("".join(json.dumps(fact) + "\n" for fact in facts))


def test_a_stopped_extension_is_gone_on_with(cut_rig):
    rig = cut_rig()
    bracket_id = shoot(rig, INSIDE, FAR_CUT)
    before = len(places(rig, bracket_id))
    rig.workflow.extend(bracket_id, 4, "far")
    rig.until(lambda status: status.bracket.done > before)
    rig.workflow.stop()
    rig.until_idle()
    assert rig.workflow.bracket(bracket_id).summary.frames_planned == before + 4

    rig.workflow.resume(bracket_id)
    rig.until_idle()
    assert len(places(rig, bracket_id)) == before + 4


def test_a_bracket_with_frames_missing_is_not_extended(cut_rig):
    rig = cut_rig()
    rig.workflow.set_near(INSIDE)
    rig.workflow.set_far(FAR_CUT)
    bracket_id = rig.workflow.start_bracket()
    rig.workflow.stop()
    rig.until_idle()

    with pytest.raises(NotAllowedError, match="go on with it first"):
        rig.workflow.extend(bracket_id)
