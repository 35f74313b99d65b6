"""From raw peaks to a clean depth and how far it may be trusted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker.focusmap import FocusMap, depth_edges, emptiness, fill, focus_map, spilled

SHAPE = 40, 56
CLEAR, NOTHING = 3.0, 0.0  # prominences


def mapped(position, prominence, strength=None) -> FocusMap:
    """The map of a bracket whose depth of field is about one frame; every peak as strong as the others."""
    return focus_map(
        position, prominence, np.full_like(position, 5.0) if strength is None else strength, 1.0, 20
    )


def plane(value):
    return np.full(SHAPE, value, np.float32)


def ramp(last=9.0):
    return np.broadcast_to(np.linspace(0, last, SHAPE[1], dtype=np.float32), SHAPE).copy()


def test_clear_peaks_are_taken_as_they_are():
    found = mapped(ramp(), plane(CLEAR))
    np.testing.assert_allclose(found.depth, ramp(), atol=0.35)
    assert found.confidence.min() > 0.99


def test_what_no_frame_has_covered_does_not_spoil_the_row_beside_it():
    covered = np.ones(SHAPE, np.uint8)
    covered[-6:], covered[:, -6:] = 0, 0
    position, prominence = (
        np.where(covered == 1, each, 0).astype(np.float32) for each in (ramp() + 5, plane(CLEAR))
    )
    found = focus_map(position, prominence, plane(5.0), 1.0, 20, covered)
    np.testing.assert_allclose(found.depth[-7, :-6], ramp()[-7, :-6] + 5, atol=0.35)
    np.testing.assert_allclose(found.depth[:-6, -7], ramp()[:-6, -7] + 5, atol=0.35)


def test_a_hole_is_filled_from_its_surroundings():
    prominence, position = plane(CLEAR), ramp()
    prominence[15:25, 20:36] = NOTHING
    position[15:25, 20:36] = 77
    found = mapped(position, prominence)
    np.testing.assert_allclose(found.depth[15:25, 20:36], ramp()[15:25, 20:36], atol=1.2)


def test_a_single_odd_peak_is_removed():
    position = plane(4)
    position[20, 20] = 9
    assert mapped(position, plane(CLEAR)).depth[20, 20] == pytest.approx(4, abs=0.1)


def test_where_nothing_is_sharp_more_frames_are_averaged():
    prominence = plane(CLEAR)
    prominence[:, 28:] = NOTHING
    found = mapped(plane(4), prominence)
    assert found.sharpness[:, 40:].max() < 0.25 * found.sharpness[:, :16].min()


def test_contrast_decides_where_depths_meet_and_nowhere_else():
    position = plane(1)
    position[:, 28:] = 8
    found = mapped(position, plane(CLEAR))
    assert found.mixed[:, 27:29].min() > 0.9
    assert found.mixed[:, :14].max() < 0.01
    assert found.mixed[:, 42:].max() < 0.01


def test_a_slope_is_no_edge():
    assert depth_edges(ramp(), 1.0).max() < 0.05


@given(st.integers(0, 1000), st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_what_is_filled_in_lies_between_what_is_known(seed, share):
    rng = np.random.default_rng(seed)
    values = rng.uniform(2, 7, SHAPE).astype(np.float32)
    confidence = (rng.random(SHAPE) < share).astype(np.float32)
    filled = fill(values, confidence)
    assert filled.shape == SHAPE
    assert filled.min() >= 2 - 1e-3
    assert filled.max() <= 7 + 1e-3


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_maps_of_any_size_are_made(height, width):
    found = mapped(np.ones((height, width), np.float32), np.full((height, width), CLEAR, np.float32))
    assert found.depth == pytest.approx(1, abs=1e-3)


def test_without_any_clear_peak_the_map_is_finite_and_without_confidence():
    position = np.random.default_rng(0).integers(0, 9, SHAPE).astype(np.float32)
    found = mapped(position, plane(NOTHING))
    assert np.isfinite(found.depth).all()
    assert found.confidence.max() == 0


def test_beside_a_strong_edge_its_spilled_light_is_not_taken_for_depth():
    position, strength = plane(2.0), plane(1.0)
    # A bright edge, sharpest in frame 2; around it only its light, sharpest at the end of the bracket.
    strength[:, 26:30] = 9.0
    position[:, :26] = position[:, 30:] = 7.0
    found = focus_map(position, plane(CLEAR), strength, 1.0, 8)
    assert np.abs(found.depth[:, 25:32] - 2.0).max() < 0.5
    credulous = focus_map(position, plane(CLEAR), plane(5.0), 1.0, 8)
    assert found.mixed[:, 25:31].mean() < 0.5 * credulous.mixed[:, 25:31].mean()


def test_a_surface_of_its_own_keeps_its_depth_beside_a_strong_edge():
    position, strength = plane(2.0), plane(1.0)
    strength[:, 26:30] = 9.0
    position[:, :26] = position[:, 30:] = 5.0
    found = focus_map(position, plane(CLEAR), strength, 1.3, 8)
    assert np.abs(found.depth[:, :24] - 5).max() < 0.3
    far_apart = focus_map(position, plane(CLEAR), strength, 0.7, 8)
    assert np.abs(far_apart.depth[:, 22:24] - 5).min() > 1


def test_rings_of_spilled_light_are_no_surface():
    position, strength = plane(2.0), plane(1.0)
    strength[:, 26:30] = 9.0
    away = np.abs(np.arange(position.shape[1]) - 27.5)
    position += 3 * np.maximum(away - 2, 0).astype(np.float32)
    found = focus_map(position, plane(CLEAR), strength, 1.3, 40)
    assert found.confidence[:, 18:24].max() < 0.1


def test_detail_nearly_as_strong_as_its_neighbour_keeps_its_own_depth():
    strength = plane(5.0)
    strength[:, :28] += 1.5
    assert spilled(strength).max() == 0


FAINT = 0.3  # the prominence that noise has, the largest of some frames over their mean


def test_a_place_where_the_peaks_are_faint_and_fall_by_chance_is_empty():
    position = np.random.default_rng(3).uniform(0, 19, SHAPE).astype(np.float32)
    assert np.mean(emptiness(position, plane(FAINT), 20) > 0.9) > 0.9


def test_a_place_is_not_empty_where_peaks_are_clear_or_agree_or_frames_are_few():
    by_chance = np.random.default_rng(3).uniform(0, 19, SHAPE).astype(np.float32)
    assert not emptiness(by_chance, plane(CLEAR), 20).any()
    assert not emptiness(ramp(), plane(FAINT), 20).any()
    assert not emptiness(np.rint(by_chance / 19), plane(FAINT), 2).any()


def test_an_empty_place_has_the_depth_of_what_surrounds_it():
    position, prominence = ramp() + 5, plane(CLEAR)
    empty = slice(10, 30), slice(15, 41)
    position[empty] = np.random.default_rng(3).uniform(0, 19, position[empty].shape)
    prominence[empty] = FAINT
    inner = slice(14, 26), slice(19, 37)
    np.testing.assert_allclose(mapped(position, prominence).depth[inner], (ramp() + 5)[inner], atol=2)
