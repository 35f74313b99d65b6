"""The bands of a running result put together."""

import numpy as np
import pytest
from brackets import Fusing, assert_alike, levels, psnr, texture, tilted_plane

from stacker.finish import finish, small_picture
from stacker.methods import METHODS
from stacker.planes import from_bgr, to_bgr


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_a_crop_is_cut_from_the_whole(method, chroma_shift):
    fusing = Fusing.of(tilted_plane((200, 300), 3).frames, method, chroma_shift)
    running = fusing.run()
    whole = finish(running, fusing.method, fusing.prior, (0, 0, 300, 200))
    x, y, width, height = area = (24, 10, 131, 77)
    cut = finish(running, fusing.method, fusing.prior, area)
    np.testing.assert_array_equal(cut.y, whole.y[y : y + height, x : x + width])
    step = 1 << chroma_shift
    rows, columns = -(-height // step), -(-width // step)
    np.testing.assert_array_equal(
        cut.cb, whole.cb[y // step : y // step + rows, x // step : x // step + columns]
    )


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_one_frame_fused_is_that_frame(method, chroma_shift):
    frame = levels(texture())
    fusing = Fusing.of([frame] * 2, method, chroma_shift)
    fused = fusing.finish(fusing.run([0]))
    assert_alike(fused, to_bgr(from_bgr(frame, chroma_shift)), most=2)


def test_finishing_twice_gives_the_same_and_more_frames_may_follow():
    fusing = Fusing.of(tilted_plane().frames, "pyramid")
    running = fusing.run([0, 1, 2])
    first = fusing.finish(running)
    np.testing.assert_array_equal(fusing.finish(running), first)
    running.merge(fusing.run([3, 4, 5]))
    truth = tilted_plane().truth
    assert psnr(fusing.finish(running), truth) > psnr(first, truth)


@pytest.mark.parametrize("shape", [(96, 128), (131, 203), (33, 21)])
def test_the_small_picture_is_a_quarter_of_the_size(shape):
    fusing = Fusing.of(tilted_plane(shape, 3).frames, "pyramid", 1)
    small = small_picture(fusing.run(), fusing.method, fusing.prior)
    assert small.dtype == np.uint8
    assert np.abs(np.array(small.shape) - np.array(shape) / 4).max() < 1


def test_the_small_picture_of_16_bit_frames_has_8():
    fusing = Fusing.of(tilted_plane((96, 128), 3).as_16_bit().frames, "pyramid", 1)
    assert small_picture(fusing.run(), fusing.method, fusing.prior).dtype == np.uint8
