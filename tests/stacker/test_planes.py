"""Pictures as luma and chroma planes."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samplepictures import photograph

from stacker.errors import FrameShapeError
from stacker.planes import (
    Planes,
    bgr_strips,
    chroma_shape,
    from_bgr,
    low_from_planes,
    neutral,
    to_bgr,
    with_bit_depth,
    with_chroma_shift,
)

sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
dtypes = st.sampled_from([np.uint8, np.uint16])


@st.composite
def pictures(draw):
    shape, dtype = draw(sizes), draw(dtypes)
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    return rng.integers(0, np.iinfo(dtype).max, (*shape, 3), dtype, endpoint=True)


@given(pictures())
@settings(max_examples=50, deadline=None)
def test_full_size_chroma_gives_every_pixel_back_within_two_levels(image):
    difference = to_bgr(from_bgr(image)).astype(int) - image
    assert np.abs(difference).max() <= 2


def test_luma_and_chroma_are_those_of_jfif():
    blue_green_red = np.array([[[200, 100, 50]]], np.uint8)
    planes = from_bgr(blue_green_red)
    y = 0.299 * 50 + 0.587 * 100 + 0.114 * 200
    expected = [y, 128 + (200 - y) / 1.772, 128 + (50 - y) / 1.402]
    assert [int(plane[0, 0]) for plane in planes] == [round(value) for value in expected]


@given(sizes, dtypes)
@settings(max_examples=20, deadline=None)
def test_grey_has_neutral_chroma_and_comes_back_grey(shape, dtype):
    grey = np.full(shape, 77, dtype)
    planes = from_bgr(grey, 1)
    assert (planes.cb == neutral(dtype)).all()
    assert (to_bgr(planes) == 77).all()


@given(sizes, st.sampled_from([0, 1]))
def test_halves_of_odd_sizes_are_rounded_up(shape, shift):
    planes = from_bgr(np.zeros((*shape, 3), np.uint8), shift)
    assert planes.cb.shape == tuple(-(-edge // 2**shift) for edge in shape) == chroma_shape(shape, shift)


def test_half_size_chroma_is_the_mean_of_the_pixels_it_stands_for():
    image = photograph(20, 30)
    full, half = from_bgr(image, 0), from_bgr(image, 1)
    means = full.cr.reshape(10, 2, 15, 2).mean(axis=(1, 3))
    assert np.abs(half.cr - means).max() <= 1


@pytest.mark.parametrize("shift", [0, 1])
def test_bands_of_rows_join_without_a_seam(shift):
    planes = from_bgr(photograph(101, 57), shift)
    joined = np.vstack([strip for _, strip in bgr_strips(planes, strip_rows=16)])
    np.testing.assert_array_equal(
        joined, np.vstack([strip for _, strip in bgr_strips(planes, strip_rows=256)])
    )


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("scale", [1, 2, 4, 8])
def test_a_low_pixel_is_the_mean_of_the_square_it_stands_for(scale, shift):
    image = photograph(61, 83)
    low = low_from_planes(from_bgr(image, shift), scale)
    height, width = 61 // scale, 83 // scale
    squares = image[: height * scale, : width * scale].reshape(height, scale, width, scale, 3)
    assert low.shape == (height, width, 3)
    assert np.abs(low - squares.mean(axis=(1, 3))).mean() < (2.5 if shift and scale == 1 else 1.0)


def test_a_picture_smaller_than_the_scale_is_refused():
    with pytest.raises(FrameShapeError, match="3×5 pixels cannot be made 4 times smaller"):
        low_from_planes(from_bgr(np.zeros((5, 3, 3), np.uint8)), 4)


@given(pictures().filter(lambda image: image.dtype == np.uint8))
@settings(max_examples=30, deadline=None)
def test_eight_bits_survive_a_journey_through_sixteen(image):
    planes = from_bgr(image, 1)
    back = with_bit_depth(with_bit_depth(planes, 16), 8)
    for there, here in zip(planes, back, strict=True):
        np.testing.assert_array_equal(there, here)


def test_black_and_white_stay_black_and_white_in_sixteen_bits():
    image = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    assert to_bgr(with_bit_depth(from_bgr(image), 16)).ravel().tolist() == [0] * 3 + [65535] * 3


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 16), (np.uint16, 8)])
def test_bands_of_rows_of_another_depth_are_those_of_the_picture_of_that_depth(shift, dtype, bits):
    planes = from_bgr(photograph(101, 57).astype(dtype) * (257 if dtype == np.uint16 else 1), shift)
    joined = np.vstack([strip for _, strip in bgr_strips(planes, 16, bits)])
    np.testing.assert_allclose(
        joined, to_bgr(with_bit_depth(planes, bits)), atol=1
    )  # OpenCV rounds by the place


def test_chroma_changes_its_size_and_stays_in_place():
    image = cv2.GaussianBlur(photograph(60, 80), (0, 0), 3)
    planes = from_bgr(image)
    back = with_chroma_shift(with_chroma_shift(planes, 1), 0)
    assert np.abs(back.cb.astype(int) - planes.cb).mean() < 0.5


def test_planes_that_do_not_fit_together_are_refused():
    luma, chroma = np.zeros((5, 7), np.uint8), np.zeros((2, 3), np.uint8)
    with pytest.raises(FrameShapeError, match=r"should be \(3, 4\)"):
        Planes(luma, chroma, chroma, 1)


@pytest.mark.parametrize("array", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_an_array_that_is_no_picture_is_refused(array):
    with pytest.raises(FrameShapeError, match="is not"):
        from_bgr(array)
