"""What passes for a part of the picture."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.box import checked_box
from rig.errors import NotAllowedError


@pytest.mark.parametrize("figures", [(0, 0, 1, 1), (0.25, 0.25, 0.5, 0.5), (0.9, 0.7, 0.1, 0.3)])
def test_a_part_of_the_picture_is_taken_as_it_is(figures: tuple[float, ...]) -> None:
    assert checked_box(figures) == figures


@pytest.mark.parametrize(
    "figures",
    [
        (),
        (0, 0, 1),
        (0, 0, 1, 1, 1),
        (-0.1, 0, 0.5, 0.5),
        (0.6, 0, 0.5, 0.5),
        (0, 0.6, 0.5, 0.5),
        (0, 0, 0.001, 0.5),
        (0, 0, 0.5, 0),
        (0, 0, math.inf, 1),
        (math.nan, 0, 1, 1),
        (True, 0, 1, 1),
        ("0", 0, 1, 1),
        (None, 0, 1, 1),
    ],
)
def test_what_is_no_part_of_the_picture_is_refused_with_one_sentence(figures: tuple[object, ...]) -> None:
    with pytest.raises(NotAllowedError, match="as fractions of the picture") as refused:
        checked_box(figures)
    assert "\n" not in str(refused.value)


@given(st.lists(st.floats(), min_size=4, max_size=4))
def test_every_box_that_passes_lies_in_the_picture(figures: list[float]) -> None:
    try:
        x, y, width, height = checked_box(figures)
    except NotAllowedError:
        return
    assert min(x, y) >= 0 and min(width, height) > 0
    assert max(x + width, y + height) <= 1 + 1e-6
