"""Positions and steps as people write them."""

from __future__ import annotations

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.commands.distance import distance


@pytest.mark.parametrize(
    ("text", "steps"),
    [("1200", 1200), ("-5", -5), ("300um", 600), ("300 µm", 600), ("1.2mm", 2400), ("0", 0)],
)
def test_a_position_is_the_nearest_step(text, steps):
    assert distance(text).nearest_steps(steps_per_um=2.0) == steps


def test_a_step_is_rounded_down_so_that_no_gap_is_left():
    assert distance("1.9um").whole_steps(steps_per_um=1.0) == 1


def test_a_step_too_fine_for_the_mechanism_is_one_motor_step():
    assert distance("0.2um").whole_steps(steps_per_um=1.0) == 1


@pytest.mark.parametrize("odd", ["", "mm", "1.5", "12 steps", "1e3", "nan", "1,2mm", "--1"])
def test_what_is_no_distance_is_refused_with_an_example(odd):
    with pytest.raises(argparse.ArgumentTypeError, match=r"mm"):
        distance(odd)


@given(st.floats(0.01, 1e5))
def test_a_step_is_never_longer_than_asked_beyond_one_motor_step(length):
    steps = distance(f"{length:.4f}um").whole_steps(steps_per_um=1.0)
    assert steps == 1 or steps <= length + 1e-3
