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


def test_a_bracket_that_breathes_evenly_is_cropped_to_its_narrowest_frame():
    towards = [
        tf.invert(tf.similarity(1 + 0.008 * n, 0.002 * n, (2.5 * n, -1.5 * n), (300, 250)))
        for n in range(-3, 3)
    ]
    x, y, width, height = valid_area(towards, SHAPE)
    assert 0 < x < 6
    assert 0 < y < 12
    assert 600 < width < 640
    assert 450 < height < 480
