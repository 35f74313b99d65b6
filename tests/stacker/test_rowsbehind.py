"""A frame is decoded into the rows of the one before it: the picture is the same, and damage harms no other frame."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from brackets import picture_of, tilted_plane, write_frames
from hypothesis import given
from hypothesis import strategies as st

from stacker.frames import open_frames
from stacker.kernel import jpegs
from stacker.pipeline import fuse
from stacker.planes import Planes
from stacker.rowsbehind import RowsBehind
from stacker.settings import AlignSettings, StackSettings

needs_kernel = pytest.mark.skipif(
    not jpegs.in_use(), reason="not built here: no libjpeg headers, or switched off"
)
HEIGHT = 640


def grey(height, value=0):
    return Planes(*(np.full((rows, rows), value, np.uint8) for rows in (height, height // 2, height // 2)), 1)


class Counting:
    """Decodes a picture of ones, and remembers how far."""

    def __init__(self, damaged_from=None):
        self.ends, self._damaged_from = [], damaged_from

    def rows(self, planes, end=None):
        self.ends.append(end)
        if self._damaged_from is not None and (end is None or end > self._damaged_from):
            raise ValueError("it ends early")
        planes.y[:end] = 1


@given(st.lists(st.integers(0, HEIGHT), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_no_row_is_replaced_while_a_task_needs_it(first_rows, random):
    decoding, planes = Counting(), grey(HEIGHT)
    behind = RowsBehind(decoding, planes)
    behind.follow([(row, HEIGHT) for row in first_rows])
    left = dict(enumerate(first_rows))
    while left:
        behind.begin(0)
        assert not planes.y[min(left.values()) :].any()
        task = random.choice(list(left))
        del left[task]
        behind.done(task)
    assert behind.finish() is planes
    assert planes.y.all()


def test_damage_is_told_at_the_end_and_nothing_is_decoded_after_it():
    decoding = Counting(damaged_from=80)
    behind = RowsBehind(decoding, grey(HEIGHT))
    behind.follow([(0, 160), (160, 320), (320, 480)])
    for task in (0, 1):
        behind.done(task)
        behind.begin(0)
    assert decoding.ends == [160]
    assert behind.finish() is None


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "frames", tilted_plane((600, 800), 5).frames)
    return tmp_path / "frames"


@pytest.fixture
def finished(monkeypatch):
    """What came of every frame that was decoded behind another one."""
    came, finish = [], RowsBehind.finish
    monkeypatch.setattr(RowsBehind, "finish", lambda self: came.append(finish(self)) or came[-1])
    return came


def stacked(folder, threads, progress=lambda *event: None):
    settings = StackSettings(align=AlignSettings("none"), threads=threads)
    return fuse(open_frames([folder]), settings, progress)


@needs_kernel
def test_the_picture_is_that_of_frames_decoded_on_their_own(folder, finished):
    alone = stacked(folder, 1)
    assert not finished
    assert np.array_equal(picture_of(stacked(folder, 2)), picture_of(alone))
    assert len(finished) == 4
    assert all(planes is not None for planes in finished)


@needs_kernel
def test_a_frame_that_is_cut_short_after_the_survey_is_left_out_and_harms_no_other(folder, finished):
    path = sorted(folder.iterdir())[2]
    data = path.read_bytes()

    def cut(done, total, stage):
        if stage == "fusing" and done == 1:
            path.write_bytes(data[: len(data) // 2])

    pictures = []
    for threads in (1, 2):
        path.write_bytes(data)
        result = stacked(folder, threads, cut)
        assert [frame.used for frame in result.report.frames] == [True, True, False, True, True]
        assert "damaged" in result.report.frames[2].reason
        pictures.append(picture_of(result))
    assert np.array_equal(*pictures)
    assert sum(planes is None for planes in finished) == 1


def test_work_on_several_threads_is_followed_to_the_end():
    for _ in range(20):
        decoding, planes = Counting(), grey(HEIGHT)
        behind = RowsBehind(decoding, planes)
        behind.follow([(row, HEIGHT) for row in range(HEIGHT)])

        def work(task, behind=behind):
            behind.begin(0)
            behind.done(task)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(HEIGHT)))
        assert behind.finish() is planes
        assert planes.y.all()
