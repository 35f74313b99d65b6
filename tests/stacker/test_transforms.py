"""Transforms as algebra, and the valid area."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stacker import transforms as tf
from stacker.validarea import valid_area

shapes = st.tuples(st.integers(40, 3040), st.integers(40, 4056))
similarities = st.builds(
    tf.similarity,
    st.floats(0.9, 1.1),
    st.floats(-0.05, 0.05),
    st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
    st.tuples(st.floats(0, 4000), st.floats(0, 3000)),
)
POINTS = np.array([[0.0, 0.0], [100.0, 50.0], [-20.0, 700.0]])


@given(similarities)
def test_a_transform_and_its_inverse_cancel(transform):
    assert np.allclose(tf.compose(tf.invert(transform), transform), tf.identity(), atol=1e-9)


@given(similarities, similarities)
def test_composing_does_the_inner_one_first(outer, inner):
    assert np.allclose(tf.apply(tf.compose(outer, inner), POINTS), tf.apply(outer, tf.apply(inner, POINTS)))


@given(similarities, similarities, similarities)
def test_composition_is_associative(a, b, c):
    assert np.allclose(tf.compose(tf.compose(a, b), c), tf.compose(a, tf.compose(b, c)), atol=1e-6)


@given(similarities, st.sampled_from([1, 2, 4, 8]))
def test_low_and_full_size_are_inverse(transform, scale):
    assert np.allclose(tf.to_low(tf.to_full(transform, scale), scale), transform, atol=1e-9)


@given(st.floats(0.9, 1.1), st.floats(-0.5, 0.5))
def test_scale_and_angle_are_read_back(scale, angle):
    transform = tf.similarity(scale, angle)
    assert (tf.scale_of(transform), tf.angle_of(transform)) == pytest.approx((scale, angle))


def test_a_low_pixel_is_centred_on_the_full_size_pixels_it_is_the_mean_of():
    # low pixels 0 and 1 stand for full-size pixels 0..3 and 4..7, centred on 1.5 and 5.5
    shifted = np.array([[1.0, 0, 1.0], [0, 1, 0]])
    assert np.allclose(tf.apply(tf.to_full(shifted, 4), np.array([1.5, 1.5])), [5.5, 1.5])


def test_the_centre_of_the_picture_stays_when_scaled_about_it_at_any_size():
    low = tf.similarity(1.1, centre=(49.5, 39.5))  # centre of 100 x 80
    assert np.allclose(tf.apply(tf.to_full(low, 4), np.array([199.5, 159.5])), [199.5, 159.5])


def test_the_valid_area_of_unmoved_frames_is_the_whole_frame():
    assert valid_area([tf.identity()] * 3, (480, 640, 3)) == (0, 0, 640, 480)


def test_a_shift_costs_exactly_its_own_width():
    shift = np.array(
        [[1.0, 0, 10.0], [0, 1, -5.0]]
    )  # the frame shows the reference from x = 10, up to y = h - 6
    assert valid_area([tf.identity(), shift], (480, 640)) == (10, 0, 630, 475)


def test_a_smaller_frame_bounds_the_valid_area_on_all_sides():
    small = tf.similarity(0.9, centre=(319.5, 239.5))
    x, y, w, h = valid_area([small], (480, 640))
    assert (x, y, x + w, y + h) == (32, 24, 608, 456)


def test_frames_without_anything_in_common_have_no_valid_area():
    apart = np.array([[1.0, 0, 700.0], [0, 1, 0]])
    assert valid_area([apart], (480, 640)) == (0, 0, 0, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(similarities, min_size=1, max_size=8), shapes)
def test_every_corner_of_the_valid_area_lies_within_every_frame(transforms, shape):
    x, y, w, h = valid_area(transforms, shape)
    assume(w > 0)
    corners = np.array([[x, y], [x + w - 1, y], [x, y + h - 1], [x + w - 1, y + h - 1]], float)
    for transform in [tf.identity(), *transforms]:
        mapped = tf.apply(tf.invert(transform), corners)
        assert mapped.min() >= -0.01
        assert (mapped <= np.array([shape[1] - 1, shape[0] - 1]) + 0.01).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(similarities, min_size=1, max_size=8), st.tuples(st.integers(400, 3040), st.integers(400, 4056))
)
def test_more_frames_never_enlarge_the_valid_area(transforms, shape):
    def area(some):
        _, _, w, h = valid_area(some, shape)
        return w * h

    # rounding to whole pixels may win one row and one column back
    assert area(transforms) <= area(transforms[:-1]) + sum(shape)
