"""What of a growing stack is sharp already: where the focus has passed, and only there."""

import numpy as np
import pytest
from brackets import tilted_plane

from stacker.focuspeaks import FocusPeaks
from stacker.frames import ArraySource
from stacker.settings import AlignSettings, StackSettings
from stacker.sharpsofar import as_grey, sharp_so_far, step_for
from stacker.stack import Stack

COUNT = 9
SHAPE = 24, 72
WIDTH = 1.1  # of the peaks, frames
COVERED = np.full(SHAPE, 255, np.uint8)
DEPTH = np.linspace(0, COUNT - 1, SHAPE[1], dtype=np.float32)  # of each column
NOISE = 3.0


def after(frames, depth=DEPTH):
    """The peaks of a slope, near at the left, after so many frames."""
    peaks = FocusPeaks(SHAPE)
    for n in range(frames):
        measure = 1000 * np.exp(-0.5 * ((n - depth) / WIDTH) ** 2) + NOISE
        peaks.add(n, np.tile(measure.astype(np.float32), (SHAPE[0], 1)), COVERED)
    return peaks


@pytest.mark.parametrize("frames", [5, 7, 9])
def test_the_sharp_zone_wanders_and_what_is_still_to_come_stays_out(frames):
    sharp = ~np.isnan(sharp_so_far(after(frames)))
    assert sharp[:, frames - 3 > DEPTH].all()
    assert not sharp[:, frames - 1 < DEPTH].any()


def test_what_is_sharp_lies_at_its_own_depth():
    found = sharp_so_far(after(COUNT))
    inner = (DEPTH > 1) & (DEPTH < COUNT - 2)
    assert found[:, inner] == pytest.approx(np.broadcast_to(DEPTH, SHAPE)[:, inner], abs=0.3)


def test_a_place_without_any_detail_is_never_sharp():
    assert np.isnan(sharp_so_far(after(COUNT, depth=np.full(SHAPE[1], 1000.0)))).all()


def test_grey_is_1_for_the_first_frame_of_the_plan_255_for_its_last_and_0_for_none():
    assert as_grey(np.float32([0, 8, np.nan, 4]), COUNT).tolist() == [1, 255, 0, 128]
    assert as_grey(np.float32([0, 9]), 1).tolist() == [1, 255]  # more than were planned


def test_no_tint_is_wider_than_a_phone_can_show():
    assert (step_for(256), step_for(257), step_for(1014)) == (1, 2, 4)


def growing(bracket, broken=None):
    stack = Stack(StackSettings(align=AlignSettings("none")), growing=True)
    for at in range(len(bracket.frames)):
        if at == broken:
            stack.leave_out("lost.jpg", "it cannot be read")
        else:
            stack.look(ArraySource(bracket.frames), at)
        yield stack


def test_a_stack_tells_after_its_second_frame_and_as_a_picture_of_the_same_form():
    bracket = tilted_plane((192, 256), 5)
    tints = [stack.growing_depth(5) for stack in growing(bracket)]
    assert tints[0] is None
    assert [tint.shape for tint in tints[1:]] == [(96, 128)] * 4
    shares = [np.count_nonzero(tint) for tint in tints[1:]]
    assert shares == sorted(shares) and shares[0] < shares[-1]


def test_a_frame_that_is_lost_leaves_the_others_at_their_place_in_the_plan():
    bracket = tilted_plane((192, 256), 5)
    *_, whole = growing(bracket)
    *_, gap = growing(bracket, broken=1)
    there, then = (stack.growing_depth(5).astype(int) for stack in (whole, gap))
    later = (there > 255 * 2 / 4) & (then > 0)  # behind the gap
    assert np.abs(there - then)[later].mean() < 255 / 4 / 4


def test_frames_beyond_the_plan_are_told_apart_too():
    *_, stack = growing(tilted_plane((192, 256), 5))
    assert (stack.growing_depth(3) == stack.growing_depth(5)).all()
