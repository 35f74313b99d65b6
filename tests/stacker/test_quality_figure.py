"""The quality of a stack in one figure: it falls with what was never sharp in any frame, and for no other reason."""

import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from brackets import hairs, noisy, stacked, surface, texture, tilted_plane

from stacker.focussteps import FocusSteps
from stacker.quality import kept_aligned, kept_between, quality
from stacker.report import Coverage, FrameReport

SHAPE = 192, 256
COVERED = Coverage("covered", 0.0, 0.0, "")
EVEN = FocusSteps((1.0,) * 4, (0.25,) * 4, 1.2)


def wavy(count=14):
    """A surface whose depth goes to and fro within the bracket, far from both ends."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    wave = 0.5 + 0.5 * np.sin(x / 23) * np.cos(y / 31)
    return surface(texture(SHAPE, 7), (1.2 + wave * (count - 3.4)).astype(np.float32), count, blur_px=0.8)


WHOLE = wavy().frames


def figure(frames, **how):
    return stacked(frames, **how).report.quality.figure


def used(count, error_px=0.0, without=()):
    some = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    return [
        FrameReport(n, f"{n}.jpg", n not in without, transform=some, error_px=error_px) for n in range(count)
    ]


def test_a_whole_bracket_is_better_than_one_with_a_gap_and_that_better_than_half_of_it():
    gap = WHOLE[:5] + WHOLE[9:]
    assert 1 > figure(WHOLE) > 0.9
    assert figure(WHOLE) - 0.03 > figure(gap) > figure(WHOLE[:7]) + 0.1


def test_one_frame_gone_in_the_middle_lowers_what_is_kept_between_and_two_lower_it_more():
    gaps = [stacked(WHOLE[:5] + WHOLE[5 + n :]).report.quality for n in range(3)]
    whole, one, two = (quality.between for quality in gaps)
    assert whole - 0.01 > one
    assert one - 0.01 > two
    assert min(quality.ends for quality in gaps) > 0.95  # the ends are as they were


@pytest.mark.parametrize("part", [slice(0, 7), slice(7, 14)], ids=["far", "near"])
def test_an_end_that_is_cut_off_lowers_the_part_of_the_ends(part):
    whole, cut = stacked(WHOLE).report.quality, stacked(WHOLE[part]).report.quality
    assert whole.ends > 0.95
    assert cut.ends < 0.8
    assert cut.between > 0.9


def test_coarse_steps_lower_it():
    assert stacked(WHOLE[::3]).report.quality.between < stacked(WHOLE).report.quality.between - 0.03


def test_noise_is_no_detail_that_would_be_missing():
    rng = np.random.default_rng(0)
    assert abs(figure([noisy(frame, 2, rng) for frame in WHOLE]) - figure(WHOLE)) < 0.03


def test_hairs_before_a_background_both_within_the_bracket_are_not_cut_off():
    assert stacked(hairs().frames).report.quality.ends > 0.95


def test_the_order_of_the_frames_turned_round_makes_no_difference():
    assert figure(WHOLE[::-1]) == pytest.approx(figure(WHOLE), abs=0.01)


def test_frames_that_are_off_lower_it():
    figures = [quality(used(5, error), range(5), EVEN, COVERED).figure for error in (0.0, 0.1, 0.3, 1.0)]
    assert figures == sorted(figures, reverse=True)
    assert figures[0] == kept_figure(1.0)
    assert figures[1] > 0.97 * figures[0]
    assert figures[3] < 0.35 * figures[0]


def kept_figure(step):
    return round(kept_between(step / EVEN.width), 3)


def test_a_frame_left_out_while_fusing_makes_a_gap():
    found = quality(used(5, without=[2]), range(5), EVEN, COVERED)
    expected = 0.5 * kept_between(1 / 1.2) + 0.5 * kept_between(2 / 1.2)
    assert found.between == pytest.approx(expected, abs=0.001)


def test_frames_that_fit_no_others_make_a_gap_too():
    found = quality(used(7, without=[2, 3]), [0, 1, 4, 5, 6], EVEN, COVERED)
    expected = 0.75 * kept_between(1 / 1.2) + 0.25 * kept_between(3 / 1.2)
    assert found.between == pytest.approx(expected, abs=0.001)


def test_what_is_sharpest_in_an_end_frame_counts_half():
    cut = replace(COVERED, verdict="far_cut", last_share=0.4)
    assert quality(used(5), range(5), EVEN, cut).ends == 0.8


def test_the_figure_is_the_product_of_its_parts():
    found = stacked(WHOLE[:7]).report.quality
    assert found.figure == pytest.approx(found.ends * found.between * found.aligned, abs=0.002)


def test_all_is_kept_of_frames_without_a_step_or_an_error_and_less_the_larger_they_are():
    steps = [kept_between(step) for step in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)]
    errors = [kept_aligned(error) for error in (0.0, 0.2, 0.5, 1.0)]
    for kept in (steps, errors):
        assert kept[0] == 1.0
        assert kept == sorted(kept, reverse=True)
    # the mean of exp(-d²/2) over |d| <= 1, by the trapezium rule
    d = np.linspace(-1, 1, 2001)
    assert kept_between(2.0) == pytest.approx(np.trapezoid(np.exp(-d * d / 2), d) / 2, abs=1e-4)


def test_an_average_which_no_detail_stands_out_of_has_none():
    assert stacked(WHOLE[:5], method="average").report.quality is None


@pytest.mark.parametrize("frames", [1, 2])
def test_one_or_two_frames_have_none(frames):
    assert stacked(tilted_plane().frames[:frames]).report.quality is None


def test_frames_without_detail_have_none():
    rng = np.random.default_rng(0)
    grey = np.full((*SHAPE, 3), 120, np.uint8)
    assert stacked([noisy(grey, 2, rng) for _ in range(6)]).report.quality is None


@pytest.mark.shared
@pytest.mark.parametrize("name", ["amber-flies", "beetle"])
def test_real_brackets_keep_the_order(name):
    """Small copies of them, aligned: whole, with a quarter gone in the middle, and half."""
    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED is not set")
    paths = sorted(
        path for path in (Path(shared) / "stacks" / name).iterdir() if path.suffix.lower() == ".jpg"
    )
    frames = [
        cv2.resize(cv2.imread(str(path)), None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        for path in paths
    ]
    count, gone = len(frames), max(round(len(frames) / 4), 2)
    gap = frames[: (count - gone) // 2] + frames[(count + gone) // 2 :]
    whole, with_gap, half = (figure(some, align="auto") for some in (frames, gap, frames[: count // 2]))
    assert whole - 0.05 > with_gap
    assert whole - 0.1 > half
