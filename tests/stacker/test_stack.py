"""A whole stack: alignment, exposure, frames that do not belong, the reference, the frames' outlines."""

from functools import lru_cache

import cv2
import numpy as np
import pytest
from brackets import (
    SHAPE,
    assert_alike,
    levels,
    picture_of,
    psnr,
    sharpness,
    stacked,
    texture,
    tilted_plane,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from stacker import transforms as tf
from stacker.errors import CancelledError, InputError, MemoryLimitError
from stacker.frames import ArraySource
from stacker.methods import METHODS
from stacker.planes import from_bgr
from stacker.settings import AlignSettings, StackSettings
from stacker.stack import Stack

FRAME = 240, 320
MARGIN = 40


@lru_cache
def moved_bracket(growth=0.006, turn=0.002, shift=(2.3, -1.4), count=6):
    """Frames cut from a larger scene, each moved more than the one before, and where each lies in the scene."""
    scene = tilted_plane((FRAME[0] + 2 * MARGIN, FRAME[1] + 2 * MARGIN), count)
    middle = count // 2
    frames, to_scene = [], []
    for index, whole in enumerate(scene.frames):
        n = index - middle
        into = tf.compose(
            tf.similarity(1 - growth * n, turn * n, (shift[0] * n, shift[1] * n), (200, 150)),
            tf.similarity(shift=(MARGIN, MARGIN)),
        )
        frames.append(view(whole, into))
        to_scene.append(into)
    return scene, frames, to_scene


def view(whole, into):
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(whole, into, FRAME[::-1], flags=flags)


def truth_of(result, scene, into):
    """The scene's truth as the result should show it."""
    x, y, width, height = result.report.area
    return view(scene.truth, into)[y : y + height, x : x + width]


def against(truth, result):
    """Decibels, where the result lies in its reference frame."""
    x, y, width, height = result.report.area
    return psnr(picture_of(result), truth[y : y + height, x : x + width])


def rim(picture, width=5):
    return np.concatenate(
        [
            picture[:width].reshape(-1, 3),
            picture[-width:].reshape(-1, 3),
            picture[:, :width].reshape(-1, 3),
            picture[:, -width:].reshape(-1, 3),
        ]
    )


@given(
    st.integers(1, 40).flatmap(lambda n: arrays(np.uint8, (n + 1, 2 * n, 3), elements=st.integers(0, 255))),
    st.sampled_from([0, 1]),
    st.sampled_from(["auto", "none"]),
)
@settings(max_examples=25, deadline=None)
def test_one_frame_returns_itself_exactly(frame, chroma_shift, align):
    result = stacked([frame], align=align, chroma_shift=chroma_shift)
    for mine, its in zip(result.planes, from_bgr(frame, chroma_shift), strict=True):
        np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize("method", METHODS)
def test_moved_frames_are_aligned(method):
    scene, frames, to_scene = moved_bracket()
    result = stacked(frames, method, align="auto", reference=3)
    truth = truth_of(result, scene, to_scene[3])
    assert result.report.used == 6
    assert psnr(picture_of(result), truth) > 30
    for frame, into in zip(result.report.frames, to_scene, strict=True):
        true = tf.compose(tf.invert(to_scene[3]), into)
        assert tf.distance(np.array(frame.transform), true, FRAME) < 0.3


def test_without_alignment_moved_frames_are_taken_as_they_lie():
    _, frames, _ = moved_bracket()
    result = stacked(frames, align="none")
    assert all(frame.transform == ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)) for frame in result.report.frames)
    assert result.planes.shape == FRAME


@pytest.mark.parametrize("method", METHODS)
def test_the_rim_of_a_cropped_result_is_as_good_as_its_middle(method):
    scene, frames, to_scene = moved_bracket()
    result = stacked(frames, method, align="auto", reference=3)
    fused, truth = picture_of(result), truth_of(result, scene, to_scene[3])
    assert result.planes.shape < FRAME
    assert psnr(rim(fused), rim(truth)) > psnr(fused, truth) - 3


def test_a_crop_of_frames_with_half_size_chroma_consists_of_whole_chroma_and_stays_within():
    _, frames, _ = moved_bracket()
    x, y, width, height = stacked(frames, align="auto", reference=3).report.area
    assert (x % 2, y % 2) != (0, 0), "else this bracket shows nothing"
    half = stacked(frames, align="auto", reference=3, chroma_shift=1).report.area
    assert [side % 2 for side in half] == [0, 0, 0, 0]
    assert x <= half[0] <= half[0] + half[2] <= x + width
    assert y <= half[1] <= half[1] + half[3] <= y + height


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_without_crop_the_size_is_kept_and_no_frames_outside_shows(method, chroma_shift):
    scene, frames, to_scene = moved_bracket()
    result = stacked(frames, method, "auto", chroma_shift, reference=3, crop=False)
    fused, truth = picture_of(result), truth_of(result, scene, to_scene[3])
    assert fused.shape == truth.shape == (*FRAME, 3)
    # An outside that is black, white or mirrored is 60 levels off here.
    assert np.percentile(np.abs(rim(fused).astype(int) - rim(truth)), 99) < 45
    assert psnr(rim(fused), rim(truth)) > 24


@pytest.mark.parametrize("method", METHODS)
def test_frames_of_other_brightness_are_matched(method):
    bracket = tilted_plane()
    lit = [levels(frame * np.float32(gain)) for frame, gain in zip(bracket.frames, GAINS, strict=True)]
    as_they_were = stacked(bracket.frames, method, align="auto", reference=3)
    matched = stacked(lit, method, align="auto", reference=3)
    assert against(bracket.truth, matched) > against(bracket.truth, as_they_were) - 1.5


GAINS = (1.1, 0.8, 0.95, 1.0, 1.2, 0.9)


def test_gains_bring_every_frame_to_the_reference():
    lit = [levels(frame * np.float32(gain)) for frame, gain in zip(tilted_plane().frames, GAINS, strict=True)]
    for frame, gain in zip(stacked(lit, align="auto", reference=3).report.frames, GAINS, strict=True):
        # Gains are of light, the frames were scaled in code values: near each other, in the same direction.
        assert np.sign(np.round(np.mean(frame.gain) - 1, 2)) == np.sign(1 - gain)


@pytest.mark.parametrize("which", [0, 2, 5])
def test_a_frame_of_something_else_is_left_out(which):
    bracket = tilted_plane(SHAPE, 6)
    frames = list(bracket.frames)
    frames[which] = levels(texture(SHAPE, 77))
    result = stacked(frames, align="auto")
    assert [frame.used for frame in result.report.frames] == [index != which for index in range(6)]
    assert str(which) in result.report.frames[which].reason
    assert len(result.report.warnings) == 1
    assert against(bracket.truth, result) > 28


def test_a_frame_left_out_keeps_its_place_in_the_depth():
    frames = list(tilted_plane(SHAPE, 6).frames)
    frames[1] = levels(texture(SHAPE, 77))
    result = stacked(frames, align="auto")
    depth = result.enlarge(result.depth)
    assert depth[:, :20].mean() < 0.7
    assert depth[:, -20:].mean() > 4.3


def test_two_frames_are_enough():
    bracket = tilted_plane(SHAPE, 2)
    result = stacked(bracket.frames, align="auto")
    assert result.report.used == 2
    assert sharpness(picture_of(result)) > 1.1 * max(sharpness(frame) for frame in bracket.frames)


def test_two_frames_of_different_things_give_one_of_them():
    result = stacked([levels(texture(SHAPE, 1)), levels(texture(SHAPE, 77))], align="auto", reference=0)
    assert [frame.used for frame in result.report.frames] == [True, False]
    assert_alike(picture_of(result), levels(texture(SHAPE, 1)))


@pytest.mark.parametrize("wanted", [0, 5])
def test_the_reference_asked_for_is_taken(wanted):
    scene, frames, to_scene = moved_bracket()
    result = stacked(frames, align="auto", reference=wanted)
    assert result.report.reference == wanted
    assert psnr(picture_of(result), truth_of(result, scene, to_scene[wanted])) > 30


def test_the_middle_frame_is_the_reference_unless_asked_for():
    assert stacked(tilted_plane(SHAPE, 5).frames).report.reference == 2


def test_a_reference_that_does_not_exist_is_refused():
    with pytest.raises(InputError, match="reference frame 6 does not exist; there are 6 frames"):
        stacked(tilted_plane().frames, reference=6)


def test_no_frames_at_all_are_refused():
    with pytest.raises(InputError, match="no frames"):
        Stack().fuse()


def test_a_reference_that_could_not_be_read_is_refused():
    stack = Stack(StackSettings(align=AlignSettings("none", 0)))
    stack.leave_out("a.jpg", "a.jpg: is empty")
    stack.look(ArraySource(list(tilted_plane().frames)), 0)
    with pytest.raises(InputError, match=r"reference frame 0 cannot be used: a\.jpg: is empty"):
        stack.fuse()


def test_a_frame_of_another_size_is_left_out():
    stack = Stack(StackSettings(align=AlignSettings("none")))
    source = ArraySource(list(tilted_plane().frames))
    for at in range(3):
        stack.look(source, at)
    other = stack.look(ArraySource([levels(texture((64, 64)))], ["odd.png"]), 0)
    assert not other.used
    assert "odd.png: is 64×64 pixels" in other.reason
    assert stack.fuse().report.used == 3


def test_a_cancel_is_heeded_between_frames():
    stack = Stack(StackSettings(align=AlignSettings("none"), threads=1))
    source = ArraySource(list(tilted_plane().frames))
    for at in range(len(source)):
        stack.look(source, at)
    done = []
    with pytest.raises(CancelledError):
        stack.fuse(lambda count, total, what: done.append(count), cancelled=lambda: len(done) == 2)
    assert done == [1, 2]


def test_too_little_memory_is_refused_before_the_work():
    with pytest.raises(MemoryLimitError, match=r"\d+ MB would do"):
        stacked(tilted_plane().frames, memory_limit_mb=20)


def test_the_growing_picture_gets_sharper():
    stack = Stack(StackSettings(align=AlignSettings("none")), growing=True)
    bracket = tilted_plane((480, 640), 5)
    source = ArraySource(list(bracket.frames))
    seen = []
    for at in range(len(source)):
        stack.look(source, at)
        seen.append(sharpness(stack.growing_picture().y))
    assert stack.growing_picture().shape == (120, 160)
    assert seen == sorted(seen)
    assert seen[-1] > 1.2 * seen[0]


def test_before_the_first_frame_there_is_nothing_to_show():
    assert Stack(growing=True).growing_picture() is None


def test_previews_of_the_fusion_are_small_and_of_the_whole():
    stack = Stack(StackSettings(align=AlignSettings("none"), threads=1))
    bracket = tilted_plane((240, 320), 4)
    source = ArraySource(list(bracket.frames))
    for at in range(len(source)):
        stack.look(source, at)
    previews = []
    stack.fuse(preview=previews.append)
    assert len(previews) == 4
    assert {preview.shape for preview in previews} == {(60, 80)}
    small = cv2.resize(bracket.truth, (80, 60), interpolation=cv2.INTER_AREA)
    assert psnr(previews[-1].y, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)) > 26
