"""Taking a plane apart into bands, and putting it together again."""

import numpy as np
import pytest
from brackets import picture_of, psnr, stacked, tilted_plane
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stacker.pyramid import down, join, level_count, padded_shape, split, up

SIDES = st.integers(1, 5000)


@given(st.data(), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_joining_the_bands_gives_the_plane_back(data, levels, rows, columns):
    shape = rows << levels, columns << levels
    plane = data.draw(arrays(np.float32, shape, elements=st.floats(-255, 255, width=32)))
    np.testing.assert_allclose(join(split(plane, levels)), plane, atol=1e-3)


def test_every_band_is_half_the_size_of_the_finer_one():
    bands = split(np.zeros((48, 64), np.float32), 3)
    assert [band.shape for band in bands] == [(48, 64), (24, 32), (12, 16), (6, 8)]


def test_an_even_plane_has_no_detail_in_any_band():
    *details, base = split(np.full((32, 32), 77, np.float32), 3)
    assert max(np.abs(detail).max() for detail in details) < 1e-3
    np.testing.assert_allclose(base, 77, rtol=1e-5)


def test_what_is_enlarged_has_the_size_it_was_reduced_from():
    plane = np.zeros((24, 40), np.float32)
    assert up(down(plane)).shape == plane.shape


@given(SIDES, SIDES)
def test_the_padded_size_halves_exactly_and_no_pixel_is_lost(height, width):
    levels = level_count((height, width))
    for side, padded in zip((height, width), padded_shape((height, width), levels), strict=True):
        assert padded % (2 << levels) == 0
        assert side <= padded < side + (2 << levels)


@given(SIDES, SIDES, SIDES, SIDES)
def test_a_larger_picture_has_no_fewer_levels(height, width, more_rows, more_columns):
    assert level_count((height + more_rows, width + more_columns)) >= level_count((height, width))


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", ["auto", "pyramid", "depthmap", "average"])
@pytest.mark.parametrize("shape", [(21, 33), (33, 21), (95, 95), (8, 300), (61, 97), (131, 203)])
def test_pictures_of_any_size_are_fused(shape, method, chroma_shift):
    bracket = tilted_plane(shape, 3)
    fused = picture_of(stacked(bracket.frames, method, chroma_shift=chroma_shift))
    assert fused.shape == bracket.truth.shape
    assert psnr(fused, bracket.truth) > max(psnr(frame, bracket.truth) for frame in bracket.frames)
