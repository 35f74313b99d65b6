"""Depth maps as numbers and as pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samplepictures import photograph

from stacker.depthmap import (
    anaglyph,
    decode_depth,
    encode_confidence,
    encode_depth,
    false_colour,
    view_from,
    wiggle_frames,
)
from stacker.errors import FrameShapeError

NEAR, FAR = 0, 65535


@given(st.integers(1, 300))
@settings(max_examples=30, deadline=None)
def test_every_frame_index_is_told_apart_in_the_file(frames):
    index = np.arange(frames, dtype=np.uint16)[np.newaxis]
    np.testing.assert_array_equal(np.rint(decode_depth(encode_depth(index, frames), frames)), index)


def test_the_file_spans_black_to_white_from_first_to_last_frame():
    assert encode_depth(np.array([[0, 3, 6]]), 7).tolist() == [[0, 32768, 65535]]


def test_positions_between_frames_are_kept():
    assert encode_depth(np.array([[0.5]]), 3).tolist() == [[16384]]


def test_a_single_frame_is_all_near():
    assert not encode_depth(np.zeros((2, 2), np.uint16), 1).any()


@pytest.mark.parametrize(("bit_depth", "white"), [(8, 255), (16, 65535)])
def test_confidence_is_black_to_white(bit_depth, white):
    values = np.array([[0, 0.5, 1, 1.5]], np.float32)
    assert encode_confidence(values, bit_depth).tolist() == [[0, round(white / 2 + 0.1), white, white]]


def test_near_is_red_and_far_is_blue():
    near, far = false_colour(np.array([[NEAR, FAR]], np.uint16))[0].astype(int)
    assert near[2] > near[0] + 50
    assert far[0] > far[2]


def test_what_is_uncertain_is_grey():
    uncertain = false_colour(np.zeros((1, 1), np.uint16), np.zeros((1, 1), np.uint8))
    assert np.ptp(uncertain) == 0


@pytest.fixture
def stage():
    """A bright near square in the middle of a far background."""
    depth = np.full((120, 160), FAR, np.uint16)
    depth[40:80, 60:100] = NEAR
    image = photograph(120, 160) // 3
    image[40:80, 60:100] = 220
    return image, depth


def _centre_of_square(image):
    return np.flatnonzero(image[60].min(axis=-1) > 150).mean()


def test_from_the_right_the_near_moves_left(stage):
    left, right = (view_from(*stage, eye, strength_percent=5) for eye in (-0.5, 0.5))
    shift = _centre_of_square(left) - _centre_of_square(right)
    assert shift == pytest.approx(0.05 * 160 / 2, abs=1)


def test_the_middle_view_is_the_picture(stage):
    np.testing.assert_array_equal(view_from(*stage, 0.0), stage[0])


def test_a_wiggle_sways_to_both_sides_and_closes(stage):
    views = wiggle_frames(*stage, count=8, strength_percent=5)
    centres = [_centre_of_square(view) for view in views]
    assert len(views) == 8
    assert min(centres) < centres[0] < max(centres)
    assert centres[1] == pytest.approx(centres[3], abs=0.5)


def test_an_anaglyph_shows_each_eye_its_view(stage):
    image, depth = stage
    glasses = anaglyph(image, depth, strength_percent=5)
    left, right = (view_from(image, depth, eye, 5) for eye in (-0.5, 0.5))
    np.testing.assert_array_equal(glasses[..., :2], right[..., :2])
    np.testing.assert_array_equal(glasses[..., 2], cv2.cvtColor(left, cv2.COLOR_BGR2GRAY))


def test_inputs_are_not_changed(stage):
    image, depth = stage
    before = image.copy(), depth.copy()
    anaglyph(image, depth)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(depth, before[1])


def test_a_map_of_another_size_is_refused(stage):
    with pytest.raises(FrameShapeError, match=r"\(120, 159\) does not fit \(120, 160\)"):
        anaglyph(stage[0], stage[1][:, 1:])
