"""How levels of the button over time become presses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.devices.panel import Press
from rig.devices.presses import DOUBLE_GAP_S, PressClassifier


def presses(
    *edges_s: float, until_s: float = 60.0, pressed_at_start: bool = False
) -> list[tuple[float, str]]:
    """Alternate the button at these times, ask at every deadline; what was told, and when."""
    button = PressClassifier(pressed_at_start)
    pressed = pressed_at_start
    told: list[tuple[float, str]] = []
    for edge_s in (*edges_s, until_s):
        while button.due_s is not None and button.due_s < edge_s:
            now_s = button.due_s
            told += [(now_s, press.value) for press in button.due(pressed, now_s)]
        if edge_s == until_s:
            return told
        pressed = not pressed
        told += [(edge_s, press.value) for press in button.changed(pressed, edge_s)]
    return told


def test_a_tap_is_short_once_no_second_can_follow():
    assert presses(1.0, 1.2) == [(1.2 + DOUBLE_GAP_S, "short")]


def test_two_taps_within_the_gap_are_double_and_not_short():
    assert presses(1.0, 1.1, 1.3, 1.4) == [(1.4, "double")]


def test_two_taps_further_apart_are_two_short_ones():
    assert [press for _, press in presses(1.0, 1.1, 1.6, 1.7)] == ["short", "short"]


def test_three_quick_taps_are_a_double_and_a_short():
    assert [press for _, press in presses(1.0, 1.1, 1.2, 1.3, 1.4, 1.5)] == ["double", "short"]


def test_a_hold_is_long_at_two_seconds_while_still_held():
    assert presses(1.0, 4.0) == [(3.0, "long")]


def test_a_longer_hold_is_long_and_then_very_long_at_six_seconds():
    assert presses(1.0, 10.0) == [(3.0, "long"), (7.0, "very_long")]


def test_a_button_held_for_ever_is_told_only_once():
    assert [press for _, press in presses(1.0)] == ["long", "very_long"]


def test_a_tap_followed_by_a_hold_is_only_the_hold():
    assert [press for _, press in presses(1.0, 1.1, 1.3, 4.0)] == ["long"]


def test_letting_go_of_a_hold_is_not_a_press():
    assert [press for _, press in presses(1.0, 4.0, 4.1, 4.2)] == ["long", "short"]


def test_a_button_down_at_the_start_is_ignored_until_let_go():
    assert presses(30.0, 40.0, 40.1, pressed_at_start=True) == [(pytest.approx(40.1 + DOUBLE_GAP_S), "short")]


def test_a_release_that_was_never_seen_is_not_a_hold():
    button = PressClassifier(False)
    button.changed(True, 1.0)
    assert button.due(False, 3.0) == [] and button.due(False, 3.0 + DOUBLE_GAP_S) == [Press.SHORT]


def test_an_edge_noticed_late_still_counts_what_was_held_before_it():
    button = PressClassifier(False)
    button.changed(True, 1.0)
    assert button.changed(False, 4.0) == [Press.LONG]


@given(st.lists(st.floats(0.03, 8.0), max_size=12))
def test_every_tap_counts_once_whatever_the_rhythm(durations_s):
    edges, now_s = [], 1.0
    for duration_s in durations_s[: len(durations_s) // 2 * 2]:
        now_s += duration_s
        edges.append(now_s)
    downs = len(edges) // 2
    told = [press for _, press in presses(*edges, until_s=now_s + 60)]
    weight = {"short": 1, "double": 2, "long": 1, "very_long": 0}
    held_after_tap = downs - sum(weight[press] for press in told)
    assert 0 <= held_after_tap <= told.count("long")  # a tap just before a hold is part of it


def test_a_press_that_is_held_for_something_else_is_told_in_no_way():
    button = PressClassifier(False)
    button.changed(True, 1.0)
    button.ignore()

    assert button.due_s is None and button.due(True, 9.0) == [] and button.changed(False, 10.0) == []
    assert button.due_s is None  # no short press waits
    button.changed(True, 20.0)
    assert button.due(True, 22.5) == [Press.LONG]
