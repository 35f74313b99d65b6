"""A frame decoded row by row for a live stack: every task finds its rows, and the picture is that of whole frames."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from brackets import picture_of, tilted_plane, write_frames
from hypothesis import given
from hypothesis import strategies as st

from stacker.frames import FileSource, open_frames
from stacker.hotpixels import Defects, repair_rows, repaired
from stacker.kernel import jpegs
from stacker.planes import Planes
from stacker.rowsahead import DamagedRowsError, RowsAhead
from stacker.settings import AlignSettings, StackSettings
from stacker.stack import Stack
from stacker.state import FINE_LEVELS
from stacker.transforms import identity
from stacker.view import AlignedFrame, FrameView

needs_kernel = pytest.mark.skipif(
    not jpegs.in_use(), reason="not built here: no libjpeg headers, or switched off"
)
SHAPE = 500, 40
AS_IT_LIES = StackSettings(align=AlignSettings("none"), threads=2)


def noise(shape, seed=0):
    rng, half = np.random.default_rng(seed), ((shape[0] + 1) // 2, (shape[1] + 1) // 2)
    return Planes(*(rng.integers(1, 255, size, np.uint8) for size in (shape, half, half)), 1)


class FromTop:
    """Gives the rows of a picture from the top, 16 at a time, as libjpeg does."""

    def __init__(self, picture, damaged_from=None):
        self.picture, self._damaged_from, self.given = picture, damaged_from, 0

    def rows(self, planes, end=None):
        height = self.picture.shape[0]
        end = height if end is None else end // 16 * 16
        if self._damaged_from is not None and end > self._damaged_from:
            raise ValueError("it ends early")
        for mine, theirs, shift in zip(self.picture, planes, (0, 1, 1), strict=True):
            first, last = self.given >> shift, (end + shift) >> shift
            theirs[first:last] = mine[first:last]
        self.given = max(self.given, end)


def ahead_of(picture, threads=1, damaged_from=None, repair=lambda planes, first, end: None):
    return RowsAhead(FromTop(picture, damaged_from), picture.shape, repair, threads)


rows_of_tasks = st.lists(
    st.tuples(st.integers(0, SHAPE[0]), st.integers(0, SHAPE[0])).map(lambda ends: tuple(sorted(ends))),
    min_size=1,
    max_size=10,
)


@given(rows_of_tasks, st.sampled_from([1, 2]))
def test_every_task_finds_the_rows_it_needs(needed, threads):
    picture = noise(SHAPE)
    rows = ahead_of(picture, threads)
    rows.follow(needed, reduces=False)
    for task, (first, end) in enumerate(needed):
        rows.begin(task)
        assert np.array_equal(rows.planes.y[first:end], picture.y[first:end])
        assert np.array_equal(rows.planes.cr[first // 2 : end // 2], picture.cr[first // 2 : end // 2])
        rows.done(task)


def test_so_do_those_of_several_threads():
    picture = noise((2000, 40))
    rows = ahead_of(picture, threads=4)
    needed = [(top, min(top + 130, 2000)) for top in range(0, 2000, 100) for _ in range(4)]
    rows.follow(needed, reduces=False)

    def work(task):
        first, end = needed[task]
        rows.begin(task)
        found = np.array_equal(rows.planes.y[first:end], picture.y[first:end])
        rows.done(task)
        return found

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(len(needed))))


def test_rows_that_no_task_needs_any_more_are_forgotten():
    wide = 600, 4096  # rows of whole pages
    rows = ahead_of(noise(wide))
    rows.follow([(0, 200), (300, 600)], reduces=False)
    rows.begin(0)
    rows.done(0)
    rows.begin(1)
    rows.done(1)
    assert not rows.planes.y[16:128].any()


def test_damage_is_told_when_it_is_reached():
    rows = ahead_of(noise(SHAPE), damaged_from=256)
    rows.follow([(0, 100), (400, 500)], reduces=False)
    rows.begin(0)
    with pytest.raises(DamagedRowsError, match="it ends early"):
        rows.begin(1)


def test_damage_that_no_task_has_reached_is_told_at_the_end():
    rows = ahead_of(noise(SHAPE), damaged_from=256)
    rows.follow([(0, 100)], reduces=False)
    rows.begin(0)
    with pytest.raises(DamagedRowsError):
        rows.finish()


@pytest.mark.parametrize("height", [500, 501, 502, 64])
def test_the_reduced_copy_is_that_of_the_whole_frame(height):
    picture = noise((height, 41))
    rows = ahead_of(picture)
    rows.follow([(0, 100), (100, 200)], reduces=True)
    for task in (0, 1):
        rows.begin(task)
        rows.done(task)
    view = FrameView(AlignedFrame(picture, identity(), np.ones(3), 0), picture.shape)
    for piecewise, whole in zip(rows.reduced(), view.reduced(FINE_LEVELS), strict=True):
        assert np.array_equal(piecewise, whole)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.02, 0.2]))
def test_hot_pixels_are_painted_over_as_in_the_whole_frame(seed, share):
    picture = noise((150, 40), seed)
    defects = Defects.of(np.random.default_rng(seed).random(picture.shape) < share)
    rows = ahead_of(picture, repair=lambda planes, first, end: repair_rows(planes, defects, first, end))
    rows.follow([(0, 40), (0, 90)], reduces=False)
    rows.begin(0)
    rows.begin(1)
    rows.finish()
    whole = repaired(Planes(*(plane.copy() for plane in picture), 1), defects)
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(rows.planes, whole, strict=True))


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "frames", tilted_plane((320, 384), 7).frames)
    return tmp_path / "frames"


def live(source, spoil=lambda at: None):
    """The result of frames that come one by one, and how many were fused before the last came."""
    stack, before = Stack(AS_IT_LIES, live=True), 0
    for at in range(len(source)):
        stack.look(source, at)
        spoil(at)
        while at < len(source) - 1 and stack.advance(len(source)):
            before += 1
    return stack.fuse(), before


@needs_kernel
def test_a_live_stack_of_frames_decoded_so_is_that_of_whole_frames(folder, monkeypatch):
    by_rows, before = live(open_frames([folder]))
    monkeypatch.setattr(FileSource, "begin", lambda self, index: None)
    whole, _ = live(open_frames([folder]))
    assert before == 5
    assert np.array_equal(picture_of(by_rows), picture_of(whole))


@needs_kernel
def test_a_frame_that_is_damaged_after_it_was_surveyed_is_left_out_and_the_others_fused_at_the_end(folder):
    source = open_frames([folder])

    def cut_the_third(at):
        if at == 2:
            data = source.paths[2].read_bytes()
            source.paths[2].write_bytes(data[: len(data) // 2])

    result, before = live(source, cut_the_third)
    assert before == 2
    assert [frame.index for frame in result.report.frames if not frame.used] == [2]
    assert "damaged" in result.report.frames[2].reason
