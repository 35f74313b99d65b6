"""The rectangles that a picture is fused in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stacker import transforms as tf
from stacker.patches import Patch, margin_inside, patches, whole

SIDES = st.integers(1, 60).map(lambda n: 16 * n)
SIZES = st.tuples(st.sampled_from([16, 64, 256, 512]), st.sampled_from([16, 64, 256]))


@given(SIDES, SIDES, SIZES)
def test_patches_tile_the_canvas_exactly_once(height, width, size):
    times = np.zeros((height, width), int)
    for patch in patches((height, width), size):
        assert times[patch.rows, patch.columns].shape == patch.size[::-1]
        times[patch.rows, patch.columns] += 1
    assert (times == 1).all()


@given(SIDES, SIDES)
def test_patches_tile_every_level_exactly_once(height, width):
    for level in range(1, 4):
        times = np.zeros((height >> level, width >> level), int)
        for patch in patches((height, width)):
            low = patch.at(level)
            times[low.rows, low.columns] += 1
        assert (times == 1).all()


@given(SIDES, SIDES, st.integers(0, 64))
def test_an_apron_stays_on_the_canvas_and_the_patch_is_found_within_it(height, width, by):
    canvas = np.arange(height * width).reshape(height, width)
    for patch in patches((height, width)):
        held = patch.grown(by, canvas.shape)
        cut = canvas[held.rows, held.columns]
        np.testing.assert_array_equal(cut[patch.within(held)], canvas[patch.rows, patch.columns])


def test_the_whole_canvas_is_one_patch():
    assert whole((48, 64)) == Patch(0, 0, 48, 64)
    assert whole((48, 64)).size == (64, 48)


def test_patches_that_do_not_meet_have_nothing_in_common():
    nothing = Patch(0, 0, 16, 16).common(Patch(32, 32, 48, 48))
    assert np.zeros((64, 64))[nothing.rows, nothing.columns].size == 0


def test_a_cell_well_inside_a_frame_needs_no_margin():
    assert margin_inside(Patch(64, 64, 128, 128), 1, tf.identity(), (240, 320), (240, 320)) is None


def test_a_cell_outside_a_frame_has_a_negative_margin():
    shifted = tf.similarity(shift=(40.0, 0.0))  # picture to frame: the frame ends 40 px before the picture
    margin = margin_inside(Patch(64, 256, 128, 320), 2, shifted, (240, 320), (240, 320))
    assert margin.shape == (32, 32)
    x = np.arange(256, 320, 2) + 0.5
    np.testing.assert_allclose(margin[0], 319 - (x + 40))
