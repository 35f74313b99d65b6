"""Did the bracket reach from the nearest to the farthest of its subject?"""

import numpy as np
import pytest
from brackets import noisy, stacked, step, tilted_plane

WHOLE = tilted_plane((192, 256), 12)  # in focus from frame 0 at the left to frame 11 at the right


def cut_to(first, last):
    """Some of the frames, and the middle of the subject: in focus from about frame 3 to about frame 8."""
    return [np.ascontiguousarray(frame[:, 60:200]) for frame in WHOLE.frames[first : last + 1]]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0, 11, "covered"), (5, 11, "near_cut"), (0, 6, "far_cut"), (4, 7, "both_cut")],
)
def test_an_end_that_was_cut_off_is_seen(first, last, expected):
    assert stacked(cut_to(first, last)).report.coverage.verdict == expected


def test_two_depths_within_the_bracket_are_covered():
    assert stacked(step().frames).report.coverage.verdict == "covered"


def test_the_shares_tell_how_much_lies_at_the_ends():
    found = stacked(cut_to(0, 5)).report.coverage
    assert found.first_share < 0.02
    assert found.last_share > 0.3


def test_a_reversed_bracket_is_cut_at_its_other_end():
    assert stacked(cut_to(0, 6)[::-1]).report.coverage.verdict == "near_cut"


def test_two_frames_tell_nothing():
    found = stacked(WHOLE.frames[:2]).report.coverage
    assert found.verdict == "unknown"
    assert "frames" in found.sentence


def test_one_frame_tells_nothing():
    assert stacked(WHOLE.frames[:1]).report.coverage.verdict == "unknown"


def test_frames_without_detail_tell_nothing():
    rng = np.random.default_rng(0)
    grey = np.full((192, 256, 3), 120, np.uint8)
    assert stacked([noisy(grey, 2, rng) for _ in range(6)]).report.coverage.verdict == "unknown"


@pytest.mark.parametrize("frames", [1, 2, 6])
def test_the_verdict_comes_with_a_sentence(frames):
    found = stacked(WHOLE.frames[:frames]).report.coverage
    assert len(found.sentence) > 20
    assert 0 <= found.first_share <= 1
    assert 0 <= found.last_share <= 1
