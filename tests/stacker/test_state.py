"""The running result: parts of a bracket fused apart and merged are the whole."""

import numpy as np
import pytest
from brackets import Fusing, assert_alike, psnr, tilted_plane
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker.methods import METHODS
from stacker.state import RunningFusion

SHAPE = 96, 120
COUNT = 5


@pytest.fixture(scope="module", params=METHODS)
def fusing(request):
    return Fusing.of(tilted_plane(SHAPE, COUNT).frames, request.param)


@given(parts=st.lists(st.integers(0, 2), min_size=COUNT, max_size=COUNT), order=st.permutations(range(3)))
@settings(max_examples=12, deadline=None)
def test_merging_any_split_in_any_order_gives_the_whole(fusing, parts, order):
    merged = fusing.run([])
    for part in order:
        merged.merge(fusing.run([slot for slot, chosen in enumerate(parts) if chosen == part]))
    assert merged.frames == COUNT
    assert_alike(fusing.finish(merged), fusing.finish(fusing.run()))


@given(order=st.permutations(range(COUNT)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_frames_does_not_matter(fusing, order):
    assert_alike(fusing.finish(fusing.run(order)), fusing.finish(fusing.run()))


@pytest.mark.parametrize("chroma_shift", [0, 1])
def test_frames_of_16_bit_are_merged_to_a_hundredth_of_a_level(chroma_shift):
    fusing = Fusing.of(tilted_plane(SHAPE, COUNT).as_16_bit().frames, "pyramid", chroma_shift)
    merged = fusing.run([0, 1])
    merged.merge(fusing.run([2, 3, 4]))
    assert psnr(fusing.finish(merged), fusing.finish(fusing.run())) > 80


def test_merging_leaves_the_other_result_as_it_is(fusing):
    other = fusing.run([1, 2])
    before = fusing.finish(other)
    fusing.run([0]).merge(other)
    np.testing.assert_array_equal(fusing.finish(other), before)


def test_merging_an_empty_result_changes_nothing(fusing):
    running = fusing.run()
    before = fusing.finish(running)
    running.merge(fusing.run([]))
    np.testing.assert_array_equal(fusing.finish(running), before)


@pytest.mark.parametrize(
    "other",
    [
        RunningFusion((96, 130), 0),
        RunningFusion((96, 128), 1),
        RunningFusion((96, 128), 0, exact=True),
    ],
)
def test_results_of_another_kind_are_refused(other):
    with pytest.raises(ValueError, match="cannot be merged"):
        RunningFusion((96, 128), 0).merge(other)


def test_the_memory_of_a_result_does_not_grow_with_the_frames(fusing):
    assert fusing.run().nbytes == fusing.run([0]).nbytes


def test_a_result_of_16_bit_takes_no_more_than_twice_the_memory():
    narrow, wide = RunningFusion((480, 640), 1), RunningFusion((480, 640), 1, exact=True)
    assert narrow.nbytes < wide.nbytes <= 2 * narrow.nbytes
