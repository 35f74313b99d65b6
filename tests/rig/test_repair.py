"""Which positions put a bracket right: arithmetic."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rig.coverage import Coverage, Finding, Repair, Verdict
from rig.repair import between, beyond, is_in_focus_order, unasked

TRAVEL = (0, 1000)
SHOT = (300, 350, 400, 450)


def found(action: str, frames: int, about: tuple[int, ...] = (), sure: bool = True) -> Coverage:
    return Coverage((Finding(Verdict.GAP, "", about, Repair(action, frames, "", sure)),))


def test_beyond_the_far_end_the_step_goes_on() -> None:
    assert beyond(SHOT, "far", 3, 50, TRAVEL) == (500, 550, 600)


def test_beyond_the_near_end_too_from_near_to_far() -> None:
    assert beyond(SHOT, "near", 2, 50, TRAVEL) == (200, 250)


def test_an_extension_ends_at_the_end_of_the_travel_which_is_visited() -> None:
    assert beyond(SHOT, "far", 20, 200, TRAVEL) == (650, 850, 1000)


def test_at_the_end_of_the_travel_there_is_nothing_to_extend() -> None:
    assert beyond((0, 1000), "far", 3, 50, TRAVEL) == ()


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=20), st.integers(1, 300))
def test_filled_gaps_are_no_wider_than_the_step_and_nothing_is_shot_twice(
    positions: list[int], step: int
) -> None:
    added = between(positions, step)

    assert not set(added) & set(positions)
    assert all(b - a <= step for a, b in pairwise(sorted({*positions, *added})))


def test_a_cut_end_is_extended_without_asking() -> None:
    assert unasked(found("extend_far", 2), SHOT, 50, TRAVEL, most=6) == (500, 550)


def test_never_by_more_frames_than_allowed() -> None:
    assert unasked(found("extend_near", 5), SHOT, 50, TRAVEL, most=2) == (200, 250)


def test_an_end_is_looked_at_again_after_a_few_frames() -> None:
    assert unasked(found("extend_far", 9), SHOT, 50, TRAVEL, most=9) == (500, 550, 600)


def test_a_guess_is_offered_but_not_shot() -> None:
    assert unasked(found("extend_far", 6, sure=False), SHOT, 50, TRAVEL, most=6) == ()


def test_a_gap_is_filled_between_the_frames_it_is_about() -> None:
    assert unasked(found("fill", 1, about=(1, 2)), (300, 350, 450, 500), 50, TRAVEL, most=6) == (400,)


def test_what_cannot_be_put_right_by_frames_adds_none() -> None:
    assert unasked(found("expose_less", 0), SHOT, 50, TRAVEL, most=6) == ()


def test_frames_added_nearer_break_the_order() -> None:
    assert is_in_focus_order((*SHOT, 500))
    assert not is_in_focus_order((*SHOT, 250))
