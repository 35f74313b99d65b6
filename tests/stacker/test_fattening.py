"""Hairs of the depth map are thin again, whichever end of the bracket is in front."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stacker.fattening import shown_depth, without_fattening

GROUND, HAIR, LAST = 14.0, 5.0, 19.0


def hairs(width: int, shape: tuple[int, int] = (80, 120)) -> np.ndarray:
    """A ground that falls off to the right, and before it two hairs that cross; (h, w) float32."""
    depth = np.tile(np.linspace(GROUND, GROUND + 3, shape[1], dtype=np.float32), (shape[0], 1))
    cv2.line(depth, (0, 20), (119, 55), HAIR, width)
    cv2.line(depth, (60, 0), (60, 79), HAIR + 2, width)
    return depth


@pytest.mark.parametrize("width", [3, 5, 6])
def test_a_hair_loses_what_the_window_added_and_does_not_break(width):
    shown = without_fattening(hairs(width))
    was, is_hair = hairs(width) < GROUND - 1, shown < GROUND - 1
    assert is_hair[:, 10].sum() <= was[:, 10].sum() // 2
    assert is_hair.any(axis=0).all(), "the hair across the picture has a gap"
    assert is_hair[:, 55:66].any(axis=1).all(), "the hair down the picture has a gap"


def test_what_is_before_the_ground_is_thinned_whichever_end_it_lies_at():
    depth = hairs(6)
    assert np.array_equal(without_fattening(LAST - depth), LAST - without_fattening(depth))
    assert np.allclose(shown_depth(LAST - depth), LAST - shown_depth(depth), atol=1e-4)


def test_the_ground_beside_a_thinned_hair_goes_on_as_it_did():
    plain = hairs(6)[70, 119] + np.zeros(1)
    shown = without_fattening(hairs(6))
    assert shown[70, 118] == pytest.approx(plain[0], abs=0.1)
    beside = shown[:, 10][np.abs(np.arange(80) - 23) == 3]  # were hair
    assert beside == pytest.approx(hairs(1)[70, 10], abs=0.4)


def test_a_wide_thing_keeps_its_outline_but_for_the_tips_of_its_corners():
    depth = np.full((80, 120), GROUND, np.float32)
    depth[20:60, 30:90] = HAIR
    changed = without_fattening(depth) != depth
    assert not changed[28:52].any() and not changed[:, 38:82].any()


def test_as_many_thin_things_in_front_as_gaps_change_nothing():
    depth = np.full((80, 120), GROUND, np.float32)
    depth[:, 30:34], depth[:, 80:84] = GROUND - 5, GROUND + 5
    assert np.array_equal(without_fattening(depth), depth)


def test_noise_becomes_less_and_edges_stay():
    rng = np.random.default_rng(5)
    depth = np.full((80, 120), GROUND, np.float32)
    depth[:, :60] = HAIR
    noisy = depth + rng.normal(0, 0.15, depth.shape).astype(np.float32)
    error = shown_depth(noisy) - depth
    assert error.std() < 0.05
    assert np.abs(error[:, 57:63]).max() < 0.3
