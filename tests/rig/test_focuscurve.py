"""Peaks of sharpness over focus: found between the samples, and only where there are some."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.focuscurve import peaks, refined

POSITIONS = tuple(range(0, 1000, 50))


def bell(peak: float, width: float = 80.0, height: float = 1.0) -> npt.NDArray[np.float64]:
    return height * np.exp(-(((np.array(POSITIONS) - peak) / width) ** 2))


@given(st.floats(60, 890), st.floats(40, 200))
def test_the_peak_of_a_bell_is_found_between_the_samples(peak: float, width: float) -> None:
    curve = bell(peak, width)

    assert refined(POSITIONS, curve, int(curve.argmax())) == pytest.approx(peak, abs=0.5)


@given(st.lists(st.integers(0, 1000), min_size=3, max_size=3, unique=True), st.integers(0, 2))
def test_the_peak_never_leaves_the_neighbours_of_the_highest_sample(places: list[int], top: int) -> None:
    curve = np.full(3, 0.5)
    curve[top] = 1.0

    assert min(places) <= refined(sorted(places), curve, top) <= max(places)


def test_unevenly_spaced_samples_give_the_same_peak() -> None:
    places = (0.0, 30.0, 100.0)
    curve = np.exp(-(((np.array(places) - 40) / 60) ** 2))

    assert refined(places, curve, 1) == pytest.approx(40, abs=0.01)


def test_a_peak_at_the_end_counts_as_the_end() -> None:
    assert peaks(POSITIONS, bell(-100), 1e-6) == (0.0,)


def test_a_hair_before_its_background_has_two_peaks() -> None:
    found = peaks(POSITIONS, bell(250) + bell(700, height=0.6), 1e-3)

    assert found == pytest.approx((250, 700), abs=2)


def test_a_ripple_on_one_peak_is_no_second_one() -> None:
    curve = bell(450, 150) * (1 + 0.05 * (-1.0) ** np.arange(len(POSITIONS)))

    assert len(peaks(POSITIONS, curve, 1e-3)) == 1


def test_a_flat_curve_has_no_peak() -> None:
    assert peaks(POSITIONS, np.full(len(POSITIONS), 0.3), 1e-3) == ()


def test_what_lies_below_the_floor_is_no_peak() -> None:
    assert peaks(POSITIONS, bell(450, height=1e-4), 1e-3) == ()


def test_no_samples_no_peaks() -> None:
    assert peaks((), np.zeros(0), 1e-3) == ()


def test_what_only_fades_slowly_has_no_peak_within_reach() -> None:
    far_behind = 1 / (np.array(POSITIONS) - 1500.0) ** 2  # detail that would be sharp far beyond the travel

    assert peaks(POSITIONS, far_behind, 1e-12, reach=250) == ()


def test_what_falls_on_one_side_only_is_no_peak_within_reach() -> None:
    """The rim of a blurred disc that has just spread over a blank tile."""
    curve = np.where(np.array(POSITIONS) < 450, 0.05, np.exp(-(np.array(POSITIONS) - 450) / 900))

    assert peaks(POSITIONS, curve, 1e-3, reach=250) == ()


def test_a_peak_near_the_end_of_the_travel_counts_when_it_falls_steeply_on_the_other_side() -> None:
    assert peaks(POSITIONS, bell(910), 1e-3, reach=250) == pytest.approx((910,), abs=1)
