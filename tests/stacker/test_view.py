"""A frame seen from the reference frame, rectangle by rectangle."""

import cv2
import numpy as np
import pytest
from brackets import levels, texture

from stacker import transforms as tf
from stacker.patches import Patch, patches
from stacker.planes import from_bgr
from stacker.view import AlignedFrame, FrameView

SHAPE = 192, 256
MOVED = tf.similarity(1.02, 0.01, (3.3, -2.1), (128, 96))


def a_view(transform, chroma_shift=0, gain=(1.0, 1.0, 1.0), dtype=np.uint8):
    picture = levels(texture(SHAPE, 3)).astype(dtype) * (257 if dtype == np.uint16 else 1)
    planes = from_bgr(picture.astype(dtype), chroma_shift)
    return planes, FrameView(AlignedFrame(planes, transform, np.array(gain), 0), SHAPE)


def test_an_unmoved_frame_is_seen_as_it_is():
    planes, view = a_view(tf.identity())
    np.testing.assert_allclose(view.luma(Patch(0, 0, *SHAPE)), planes.y, atol=0.01)


def test_a_frame_of_16_bit_is_seen_in_levels_of_255():
    planes, view = a_view(tf.identity(), dtype=np.uint16)
    np.testing.assert_allclose(view.luma(Patch(0, 0, *SHAPE)), planes.y / 257, atol=0.01)


@pytest.mark.parametrize("chroma_shift", [0, 1])
def test_patch_by_patch_the_same_is_seen_as_at_once(chroma_shift):
    _, view = a_view(MOVED, chroma_shift)
    luma = view.luma(Patch(0, 0, *SHAPE))
    for patch in patches(SHAPE, (64, 48)):
        np.testing.assert_allclose(view.luma(patch), luma[patch.rows, patch.columns], atol=1)


def test_a_moved_frame_is_seen_where_it_lies():
    planes, view = a_view(MOVED)
    expected = cv2.warpAffine(planes.y.astype(np.float32), MOVED, SHAPE[::-1], flags=cv2.INTER_CUBIC)
    inner = slice(20, -20), slice(20, -20)
    np.testing.assert_allclose(view.luma(Patch(0, 0, *SHAPE))[inner], expected[inner], atol=2)


def test_no_colour_is_seen_about_zero():
    grey = from_bgr(np.full((*SHAPE, 3), 77, np.uint8), 1)
    view = FrameView(AlignedFrame(grey, tf.identity(), np.ones(3), 0), SHAPE)
    low = Patch(0, 0, SHAPE[0] // 2, SHAPE[1] // 2)
    blue, red = view.chroma(low, np.full((96, 128), 77, np.float32))
    assert max(np.abs(blue).max(), np.abs(red).max()) < 0.01


def test_a_gain_makes_the_frame_brighter_and_keeps_grey_grey():
    grey = from_bgr(np.full((*SHAPE, 3), 90, np.uint8))
    view = FrameView(AlignedFrame(grey, tf.identity(), np.full(3, 1.2), 0), SHAPE)
    here = Patch(0, 0, 64, 64)
    luma = view.luma(here)
    assert luma.min() > 95
    assert max(np.abs(plane).max() for plane in view.chroma(here, luma)) < 0.1


def test_a_frame_that_covers_all_is_not_faded():
    _, view = a_view(tf.similarity(1.5, centre=(128, 96)))
    assert view.cover(Patch(8, 8, 80, 100), 1) is None


def test_beyond_its_outline_a_frame_has_no_say_and_it_fades_in():
    _, view = a_view(tf.similarity(shift=(40.0, 0.0)))
    cover = view.cover(Patch(0, 0, 96, 128), 1)
    assert cover[:, :19].max() == 0
    assert cover[10:-10, 30:90].min() == 1
    assert (np.diff(cover[48, :60]) >= 0).all()
