"""A plan is arithmetic: which positions, how many frames, why, and when it cannot be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config import Settings
from rig.errors import PlanError
from rig.plan import bracket_positions, plan_bracket, plan_depth


def settings(**changes: object) -> Settings:
    plain = {
        "optics.magnification": 1,
        "optics.f_number": 5.6,
        "motor.steps_per_um": 2,
        "motor.max_steps": 48_000,
    }
    return Settings().changed(plain | {name.replace("__", "."): value for name, value in changes.items()})


limits = st.tuples(st.integers(0, 48_000), st.integers(0, 48_000)).map(sorted)


@given(limits, st.integers(1, 60_000))
def test_both_ends_are_visited_and_no_gap_is_larger_than_the_step(ends: list[int], step: int) -> None:
    near, far = ends
    positions = bracket_positions(near, far, step)

    assert (positions[0], positions[-1]) == (near, far)
    assert all(0 < b - a <= step for a, b in pairwise(positions))


def test_far_limit_is_covered_when_step_does_not_divide() -> None:
    assert bracket_positions(100, 450, 100) == (100, 188, 275, 363, 450)


@given(limits, st.integers(1, 60_000))
def test_the_frames_are_as_few_as_the_step_allows_and_spread_evenly(ends: list[int], step: int) -> None:
    near, far = ends
    gaps = [b - a for a, b in pairwise(bracket_positions(near, far, step))]

    assert len(gaps) == -(-(far - near) // step)
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_near_and_far_at_the_same_place_make_one_frame() -> None:
    assert plan_bracket(settings(), 5000, 5000).positions_steps == (5000,)


def test_the_step_from_the_optics_is_rounded_down_to_whole_motor_steps() -> None:
    plan = plan_bracket(settings(), 0, 10_000)  # depth of field 275.97 µm, step 193.18 µm, 2 steps a µm

    assert (plan.step_steps, plan.step_um, plan.frames) == (386, 193.0, 27)


def test_a_step_given_by_hand_is_kept() -> None:
    plan = plan_bracket(settings(), 0, 1000, step_steps=250)

    assert plan.positions_steps == (0, 250, 500, 750, 1000)
    assert any("as given by hand" in sentence for sentence in plan.why)


def test_a_mechanism_too_coarse_is_said_and_planned_as_fine_as_it_goes() -> None:
    plan = plan_bracket(settings(motor__steps_per_um=0.001), 0, 10)

    assert plan.step_steps == 1
    assert "too coarse" in plan.warnings[0]
    assert "one motor step moves the focus by 1 mm" in plan.warnings[0]


def test_a_step_by_hand_beyond_the_depth_of_field_is_warned_of() -> None:
    plan = plan_bracket(settings(), 0, 4000, step_steps=1000)

    assert plan.warnings[0].startswith("The step of 500 µm is larger than the depth of field of 276 µm")


def test_diffraction_is_warned_of_beyond_effective_f_8() -> None:
    soft = plan_bracket(settings(), 0, 1000).warnings
    crisp = plan_bracket(settings(optics__f_number=4), 0, 1000).warnings

    assert any("diffraction" in sentence for sentence in soft)
    assert crisp == ()


@pytest.mark.parametrize(
    ("near", "far", "sentence"),
    [
        (2000, 1000, "near limit 2000 steps lies beyond far limit 1000 steps"),
        (-1, 1000, "near limit -1 steps is outside the travel 0..48000"),
        (0, 52_000, "far limit 52000 steps is outside the travel 0..48000"),
    ],
)
def test_limits_that_cannot_be_are_refused(near: int, far: int, sentence: str) -> None:
    with pytest.raises(PlanError, match=sentence):
        plan_bracket(settings(), near, far)


def test_a_plan_of_too_many_frames_is_refused_with_the_number() -> None:
    with pytest.raises(PlanError, match="a bracket of 1001 frames is more than the 300 allowed"):
        plan_bracket(settings(), 0, 1000, step_steps=1)


@pytest.mark.parametrize("step", [0, -5])
def test_a_step_that_leads_nowhere_is_refused(step: int) -> None:
    with pytest.raises(PlanError, match="it must be at least 1"):
        plan_bracket(settings(), 0, 1000, step_steps=step)


@given(st.floats(0, 20_000), st.floats(1, 2_000))
def test_a_depth_in_um_is_covered_and_its_step_never_exceeded(depth_um: float, step_um: float) -> None:
    plan = plan_depth(settings(capture__max_frames=999), depth_um, max(step_um, depth_um / 500))

    assert plan.depth_um >= depth_um - 1e-3
    assert plan.step_um <= max(step_um, depth_um / 500, 0.5) + 1e-3


@pytest.mark.parametrize("depth", [-1.0, float("nan"), float("inf")])
def test_a_depth_that_is_no_length_is_refused(depth: float) -> None:
    with pytest.raises(PlanError, match="cannot be shot"):
        plan_depth(settings(), depth)


@given(limits)
def test_more_overlap_never_takes_fewer_frames(ends: list[int]) -> None:
    near, far = ends[0], ends[0] + (ends[1] - ends[0]) // 4
    loose = plan_bracket(settings(optics__overlap=0.2), near, far)
    tight = plan_bracket(settings(optics__overlap=0.5), near, far)

    assert tight.frames >= loose.frames


def test_every_figure_is_explained_in_a_sentence() -> None:
    why = " ".join(plan_bracket(settings(), 0, 10_000).why)

    for figure in ("f/11.2", "276 µm", "193 µm", "386 motor steps", "27 frames", "5 mm", "30%"):
        assert figure in why


def test_raw_data_is_reckoned_with() -> None:
    plain = plan_bracket(settings(), 0, 10_000)
    with_dng = plan_bracket(settings(camera__dng=True), 0, 10_000)

    assert with_dng.bytes - plain.bytes == pytest.approx(27 * 18.5e6, rel=0.01)


def test_a_longer_wait_to_settle_takes_so_much_longer() -> None:
    short = plan_bracket(settings(capture__settle_mode="fixed", capture__settle_s=0.5), 0, 10_000)
    long = plan_bracket(settings(capture__settle_mode="fixed", capture__settle_s=1.5), 0, 10_000)

    assert long.time_s - short.time_s == pytest.approx(27 * 1.0)


def test_near_and_far_at_the_same_place_are_one_frame_in_plain_words() -> None:
    assert "1 frame is enough: near and far are the same place." in plan_bracket(settings(), 500, 500).why


def test_by_flash_a_bracket_takes_as_long_as_the_flash_needs_and_says_so():
    quick, slow = (
        plan_bracket(Settings().changed({"flash.pin": 18, "flash.recycle_s": s}), 1000, 1200, 100)
        for s in (3.0, 8.0)
    )

    assert slow.time_s - quick.time_s == pytest.approx(3 * 5.0)
    assert any("the flash recycles for 8 s" in why for why in slow.why)
