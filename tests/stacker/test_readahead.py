"""Frames are read one ahead, on another thread, in the order they are asked for."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from brackets import picture_of, tilted_plane
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker import memory
from stacker.errors import FrameError
from stacker.frames import ArraySource
from stacker.pipeline import fuse
from stacker.readahead import ReadAhead
from stacker.settings import AlignSettings, StackSettings


@settings(max_examples=50)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))), st.booleans())
def test_what_is_asked_for_is_given_whatever_was_begun(steps, with_pool):
    with ThreadPoolExecutor(1) as pool:
        ahead = ReadAhead(lambda index: index * 10, pool if with_pool else None)
        for begins, index in steps:
            if begins:
                ahead.begin(index)
            else:
                assert ahead.take(index) == index * 10


def test_a_frame_begun_is_read_meanwhile_and_only_once():
    read, may_end = [], threading.Event()

    def slowly(index):
        read.append(index)
        assert may_end.wait(60)
        return index

    with ThreadPoolExecutor(1) as pool:
        ahead = ReadAhead(slowly, pool)
        ahead.begin(3)
        may_end.set()
        assert ahead.take(3) == 3
    assert read == [3]


def test_what_goes_wrong_is_told_when_the_frame_is_asked_for():
    def broken(index):
        raise FrameError(f"frame {index}: it ends early")

    with ThreadPoolExecutor(1) as pool:
        ahead = ReadAhead(broken, pool)
        ahead.begin(2)
        with pytest.raises(FrameError, match="frame 2"):
            ahead.take(2)


class Watched(ArraySource):
    """Remembers which threads its frames were read on."""

    def __init__(self, frames):
        super().__init__(frames, chroma_shift=1)
        self.threads = set()

    def low(self, index, scale):
        self.threads.add(threading.current_thread())
        return super().low(index, scale)

    def planes(self, index):
        self.threads.add(threading.current_thread())
        return super().planes(index)


def test_with_one_thread_nothing_is_read_ahead_and_the_picture_is_the_same():
    frames = tilted_plane((320, 384), 5).frames
    one, two = Watched(frames), Watched(frames)
    alone = fuse(one, StackSettings(align=AlignSettings("none"), threads=1))
    together = fuse(two, StackSettings(align=AlignSettings("none"), threads=2))
    assert one.threads == {threading.current_thread()}
    assert len(two.threads) > 1
    assert np.array_equal(picture_of(alone), picture_of(together))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_of_rows_that_are_done_is_given_back_and_the_others_stay():
    array = np.ones((2048, 4096), np.float32)
    before = resident_pages()
    memory.forget(array[:1024])
    assert before - resident_pages() > 3000  # of 4096
    assert (array[1024:] == 1).all()


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])
