"""The rectangle that every frame of a bracket covers, for frames that hardly differ."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker import transforms as tf
from stacker.validarea import valid_area

SHAPE = 480, 640

# Two frames whose outlines coincide, up to rounding, with the reference frame's own or with one another's.
TINY = st.sampled_from([0.0, 1e-12, -1e-9, 1e-6, -1e-4, 0.004])
NEARLY_ALIKE = st.builds(
    tf.similarity,
    st.sampled_from([1.0, 1 + 1e-9, 0.999, 0.992, 1.008]),
    st.sampled_from([0.0, 1e-9, -0.002, 0.002]),
    st.tuples(TINY, TINY),
    st.just((300.0, 250.0)),
)


@given(st.lists(NEARLY_ALIKE, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_frames_that_nearly_coincide_have_nearly_everything_in_common(transforms):
    x, y, width, height = valid_area(transforms, SHAPE)
    assert width > 0.97 * SHAPE[1]
    assert height > 0.97 * SHAPE[0]
    corners = np.array(
        [[x, y], [x + width - 1, y], [x, y + height - 1], [x + width - 1, y + height - 1]], float
    )
    for transform in transforms:
        inside = tf.apply(tf.invert(transform), corners)
        assert inside.min() > -0.01
        assert (inside <= np.array([SHAPE[1] - 1, SHAPE[0] - 1]) + 0.01).all()


def test_a_frame_that_lies_exactly_on_another_takes_nothing_away():
    turned = tf.similarity(0.999, -0.002, (0.0, -0.004), (300, 250))
    twice = tf.similarity(1.004, 0.002, (1.0, -0.004), (300, 250))
    assert valid_area([turned, twice, twice], SHAPE) == valid_area([turned, twice], SHAPE) != (0, 0, 0, 0)
