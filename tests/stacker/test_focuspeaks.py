"""Where each place is sharpest, found frame by frame."""

import cv2
import numpy as np
import pytest
from brackets import texture
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker.focuspeaks import FocusPeaks, focus_measure

SHAPE = 6, 8
FIELDS = ("slot", "best", "before", "after", "lowest", "total", "seen", "first", "last")


def measures(seed, count):
    """Random measures of cells, and which cells each frame covers."""
    rng = np.random.default_rng(seed)
    energies = np.exp(rng.normal(2, 2, (count, *SHAPE))).astype(np.float32)
    covered = rng.random((count, *SHAPE)) < 0.85
    return list(zip(energies, covered, strict=True))


def added(frames, first=0):
    peaks = FocusPeaks(SHAPE)
    for index, (energy, covered) in enumerate(frames, first):
        peaks.add(index, energy, np.where(covered, 255, 0).astype(np.uint8))
    return peaks


@given(
    seed=st.integers(0, 10_000), count=st.integers(0, 9), cuts=st.tuples(st.integers(0, 9), st.integers(0, 9))
)
@settings(max_examples=80, deadline=None)
def test_merging_any_split_gives_the_whole(seed, count, cuts):
    frames = measures(seed, count)
    low, high = sorted(min(cut, count) for cut in cuts)
    parts = added(frames[:low]), added(frames[low:high], low), added(frames[high:], high)
    merged, whole = parts[0].merge(parts[1]).merge(parts[2]), added(frames)
    assert merged.frames == whole.frames
    for name in FIELDS:
        mine, theirs = getattr(merged, name), getattr(whole, name)
        if theirs is None:
            assert mine is None
        else:
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, err_msg=name)


def test_grids_of_different_size_are_refused():
    with pytest.raises(ValueError, match="cannot be merged"):
        added(measures(0, 2)).merge(FocusPeaks((6, 9)))


def a_peak_at(position, count=7, width=1.1):
    """Measures of a Gaussian model of focus, the same in every cell."""
    everywhere = np.ones(SHAPE, bool)
    return [
        (np.full(SHAPE, 1000 * np.exp(-0.5 * ((n - position) / width) ** 2), np.float32), everywhere)
        for n in range(count)
    ]


@given(st.floats(0.6, 5.4))
@settings(max_examples=40, deadline=None)
def test_a_peak_between_frames_is_found_between_them(position):
    assert added(a_peak_at(position)).position(0.0) == pytest.approx(position, abs=0.05)


@pytest.mark.parametrize("position", [-1.0, 7.5])
def test_a_peak_beyond_the_bracket_is_put_to_its_end(position):
    found = added(a_peak_at(position)).position(0.0)
    assert found == pytest.approx(0 if position < 0 else 6)


def test_a_clear_peak_stands_out_and_an_even_cell_does_not():
    even = [(np.full(SHAPE, 3.0, np.float32), np.ones(SHAPE, bool))] * 7
    assert added(a_peak_at(3)).prominence(1.0).min() > 0.6
    assert np.abs(added(even).prominence(1.0)).max() < 0.05


def test_noise_makes_a_small_peak_stand_out_less():
    peaks = added([(energy * np.float32(0.01), covered) for energy, covered in a_peak_at(3)])
    assert peaks.prominence(10.0).max() < peaks.prominence(0.1).min()


def test_what_a_frame_does_not_cover_it_cannot_win():
    frames = a_peak_at(3)
    frames[3] = (frames[3][0], np.zeros(SHAPE, bool))
    assert not (added(frames).slot == 3).any()


def test_the_noise_is_that_of_cells_without_detail():
    rng = np.random.default_rng(3)
    flat = [(rng.gamma(20, 0.1, SHAPE).astype(np.float32), np.ones(SHAPE, bool)) for _ in range(6)]
    assert 0.5 < added(flat).noise() < 3


@given(st.integers(0, 50), st.floats(0.5, 4), st.floats(1.15, 2))
@settings(max_examples=30, deadline=None)
def test_more_blur_gives_a_smaller_measure(seed, sigma, more):
    sharp = texture((64, 64), seed)[..., 0]
    colourless = np.zeros((32, 32, 2), np.float32)
    less, blurrier = (
        focus_measure(cv2.GaussianBlur(sharp, (0, 0), s), colourless).mean() for s in (sigma, sigma * more)
    )
    assert blurrier < less


def test_detail_in_colour_alone_is_measured():
    grey = np.full((64, 64), 120, np.float32)
    tint = texture((32, 32), 5)[..., :2]
    blurred = cv2.GaussianBlur(tint, (0, 0), 2)
    assert focus_measure(grey, tint).mean() > 4 * focus_measure(grey, blurred).mean()


def test_an_even_picture_measures_nothing():
    assert focus_measure(np.full((31, 33), 90, np.float32), np.zeros((16, 17, 2), np.float32)).max() < 1e-6
