"""The depth map has two layers where something thin lies before a ground, whichever end of the bracket is in front."""

import cv2
import numpy as np
import pytest

from stacker.layers import layers_of as layers_that_look
from stacker.look import Look

GROUND, HAIR, LAST = 14.0, 5.0, 19.0
SHAPE = 80, 120
SURE = np.ones(SHAPE, np.float32)


def layers_of(depth, confidence, look=None):
    return layers_that_look(depth, confidence, lambda: plain(depth.shape) if look is None else look)


def plain(shape=SHAPE):
    """Cells that all look the same: colour tells nothing."""
    grey = np.full(shape, 128, np.uint8)
    return Look((grey, grey, grey), np.zeros(shape, np.bool_))


def seen(hair):
    """Dark, sharp hairs before a green ground without contrast."""
    noise = np.random.default_rng(7).normal(0, 2, (3, *hair.shape))
    colours = 150 - 110 * hair, 90 + 38 * hair, 80 + 48 * hair
    return Look(
        tuple(np.rint(colour + more).astype(np.uint8) for colour, more in zip(colours, noise, strict=True)),
        hair,
    )


def a_slope():
    """A ground that falls off to the right; (h, w) float32."""
    return np.tile(np.linspace(GROUND, GROUND + 3, SHAPE[1], dtype=np.float32), (SHAPE[0], 1))


def hairs(width=6):
    """Before the slope, two hairs that cross."""
    depth = a_slope()
    cv2.line(depth, (0, 20), (119, 55), HAIR, width)
    cv2.line(depth, (60, 0), (60, 79), HAIR + 2, width)
    return depth


def test_the_ground_goes_on_behind_hairs_as_it_did():
    found = layers_of(hairs(), SURE)
    assert np.abs(found.ground - a_slope()).max() < 1
    assert np.median(np.abs(found.ground - a_slope())) < 0.1


def test_hairs_keep_their_depth_in_front():
    found = layers_of(hairs(), SURE)
    hair = cv2.erode((hairs() < GROUND - 1).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert found.thin[hair].all()
    assert np.abs(found.front - hairs())[hair].max() < 0.2


def test_the_far_end_may_be_in_front_as_well():
    there, back = layers_of(hairs(), SURE), layers_of(LAST - hairs(), SURE)
    assert np.array_equal(there.thin, back.thin)
    assert np.allclose(back.ground, LAST - there.ground, atol=1e-3)
    assert np.allclose(back.front, LAST - there.front, atol=1e-3)


def test_a_wide_thing_is_in_front_at_its_rim_alone():
    depth = hairs()
    depth[20:, :45] = HAIR
    thin = layers_of(depth, SURE).thin
    assert not thin[45:75, 5:35].any()


def test_what_looks_like_the_ground_beside_it_is_taken_from_hairs_that_are_too_wide():
    wide, narrow = hairs(6), hairs(1) < GROUND - 1
    told, untold = layers_of(wide, SURE, seen(narrow)).thin, layers_of(wide, SURE).thin
    assert told[narrow].all()
    assert untold.sum() > 2.5 * narrow.sum()
    assert told[~narrow].sum() < 0.1 * untold[~narrow].sum()


def test_a_wide_thing_ends_where_its_colour_does():
    shown = np.zeros(SHAPE, bool)
    shown[20:, :45] = True
    depth = hairs(3)
    shown |= depth < GROUND - 1
    depth[16:, :51] = HAIR
    ground = layers_of(depth, SURE, seen(shown)).ground
    assert np.abs(ground - a_slope())[60:, 47:52].max() < 1
    assert np.abs(ground - HAIR)[40:75, 5:40].max() < 1


def test_a_thing_of_the_colour_of_the_ground_stays_as_it_is():
    depth = hairs()
    depth[20:, :45] = HAIR
    ground = layers_of(depth, SURE).ground
    assert np.abs(ground - HAIR)[45:75, 5:35].max() < 1


def test_as_many_thin_things_in_front_as_gaps_make_one_layer():
    depth = np.full(SHAPE, GROUND, np.float32)
    depth[:, 30:34], depth[:, 80:84] = GROUND - 5, GROUND + 5
    found = layers_of(depth, SURE)
    assert not found.thin.any()
    assert np.allclose(found.ground, depth, atol=0.1)


def test_chance_depths_between_the_specks_of_a_surface_are_no_ground():
    rng = np.random.default_rng(3)
    depth = rng.uniform(0, LAST, SHAPE).astype(np.float32)
    confidence = np.zeros(SHAPE, np.float32)
    for row, column in rng.integers(0, SHAPE, (30, 2)):
        place = slice(row, row + 3), slice(column, column + 3)
        depth[place], confidence[place] = HAIR, 1
    assert not layers_of(depth, confidence).thin.any()


def test_noise_becomes_less_and_edges_stay():
    rng = np.random.default_rng(5)
    depth = np.full(SHAPE, GROUND, np.float32)
    depth[:, :60] = HAIR
    noisy = depth + rng.normal(0, 0.15, depth.shape).astype(np.float32)
    error = layers_of(noisy, SURE).ground - depth
    assert error.std() < 0.05
    assert np.abs(error[:, 57:63]).max() < 0.3


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (5, 200)])
def test_maps_of_any_size_have_layers(shape):
    depth = np.full(shape, 3.0, np.float32)
    found = layers_of(depth, np.ones(shape, np.float32))
    assert np.allclose(found.ground, 3)
    assert not found.thin.any()
