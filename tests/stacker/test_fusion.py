"""What every method makes of brackets whose truth is known."""

import cv2
import numpy as np
import pytest
from brackets import (
    SCENES,
    SHAPE,
    Fusing,
    assert_alike,
    levels,
    noisy,
    picture_of,
    psnr,
    sharpness,
    stacked,
    surface,
    texture,
    tilted_plane,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker import fusion
from stacker.methods import METHODS
from stacker.patches import whole
from stacker.planes import from_bgr, to_bgr, with_chroma_shift

SELECTING = [name for name in METHODS if name != "average"]
# Decibels by which a result is nearer to the truth than the best frame; well below what is reached.
GAINED = {"auto": 5.0, "pyramid": 5.0, "depthmap": 4.0, "average": 0.5}


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("method", METHODS)
def test_the_result_is_nearer_to_the_truth_than_any_frame(scene, method, chroma_shift):
    bracket = SCENES[scene]()
    fused = picture_of(stacked(bracket.frames, method, chroma_shift=chroma_shift))
    truth = to_bgr(with_chroma_shift(from_bgr(bracket.truth), chroma_shift))
    assert psnr(fused, truth) > max(psnr(frame, truth) for frame in bracket.frames) + GAINED[method]


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("method", SELECTING)
def test_the_result_is_sharper_than_any_frame_and_not_sharper_than_the_truth(scene, method):
    bracket = SCENES[scene]()
    fused = picture_of(stacked(bracket.frames, method))
    assert sharpness(fused) > 1.2 * max(sharpness(frame) for frame in bracket.frames)
    assert sharpness(fused) < 1.1 * sharpness(bracket.truth)


@pytest.mark.parametrize("method", SELECTING)
def test_what_is_in_focus_in_a_frame_is_as_sharp_in_the_result(method):
    bracket = SCENES["step"]()
    assert sharpness(picture_of(stacked(bracket.frames, method))) > 0.93 * sharpness(bracket.truth)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("method", METHODS)
def test_frames_in_reverse_give_the_same_picture_and_a_mirrored_depth(scene, method):
    frames = SCENES[scene]().frames
    there, back = stacked(frames, method), stacked(frames[::-1], method)
    apart = np.abs(picture_of(there).astype(int) - picture_of(back))
    assert np.mean(apart > 2) < 0.001  # rounding; see also test_properties.py
    sure = there.confidence > 0.9
    mirrored = np.abs(there.depth + back.depth - (len(frames) - 1))[sure]
    assert np.mean(mirrored > 0.05) < 0.02


@pytest.mark.parametrize("scene", SCENES)
def test_the_depth_is_that_of_the_scene_where_it_is_certain(scene):
    bracket = SCENES[scene]()
    found = stacked(bracket.frames)
    depth, confidence = found.enlarge(found.depth), found.enlarge(found.confidence)
    error = np.abs(depth - bracket.depth.clip(0, len(bracket.frames) - 1))[confidence > 0.9]
    assert error.size > 1000
    assert np.median(error) < 0.3


@pytest.mark.parametrize("method", METHODS)
@given(st.integers(3, 12), st.floats(2.0, 8.0))
@settings(max_examples=6, deadline=None)
def test_copies_of_a_noisy_frame_give_it_back_with_less_noise(method, count, sigma):
    clean = levels(texture((96, 128), 4))
    rng = np.random.default_rng(count)
    frames = [noisy(clean, sigma, rng) for _ in range(count)]
    before, after = (
        np.std(picture.astype(float) - clean) for picture in (frames[0], picture_of(stacked(frames, method)))
    )
    assert after < 0.85 * before


@pytest.mark.parametrize("method", METHODS)
def test_copies_of_one_frame_give_that_frame(method):
    frame = levels(texture())
    assert_alike(picture_of(stacked([frame] * 5, method)), frame, most=2)


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_is_sharp_there_is_less_noise_than_in_a_frame(method):
    rng = np.random.default_rng(8)
    grey = np.full((*SHAPE, 3), 120, np.uint8)
    fused = picture_of(stacked([noisy(grey, 4, rng) for _ in range(8)], method))
    assert np.std(fused.astype(float)) < 0.75 * 4


def shots(picture, count=9, sigma=3.0):
    """So many of a picture, each with noise of its own."""
    rng = np.random.default_rng(11)
    return [noisy(levels(picture), sigma, rng) for _ in range(count)]


def test_where_nothing_is_to_be_seen_hardly_any_noise_is_left():
    plain = np.full((192, 256, 3), 120.0)
    error = (picture_of(stacked(shots(plain))) - plain)[40:-40, 40:-40]
    assert error.std() < 0.45 * 3.0 / np.sqrt(9)


def test_detail_no_stronger_than_the_noise_is_kept_if_all_frames_share_it():
    texture = np.random.default_rng(2).normal(0, 1, (192, 256, 1))
    faint = 120 + 9.0 * cv2.GaussianBlur(texture, (0, 0), 0.8)[..., np.newaxis] * np.ones(3)
    assert 2.5 < np.std(faint) < 3.5
    found = picture_of(stacked(shots(faint))) - 120.0
    shown = np.sum(found * (faint - 120)) / np.sum(np.square(faint - 120))
    assert shown > 0.7  # the best there is without knowing more: 0.9


@pytest.mark.parametrize("method", METHODS)
def test_detail_in_one_colour_alone_is_found_sharp(method):
    """Red against green of the same luma: nothing to see in black and white."""
    detail = cv2.GaussianBlur(texture(SHAPE, 9)[..., 2] - 120, (0, 0), 0.8) * 2.5
    coloured = np.dstack([np.full(SHAPE, 110.0), 110 - 0.299 / 0.587 * detail, 110 + detail])
    depth = np.broadcast_to(np.linspace(0.5, 4.5, SHAPE[1], dtype=np.float32), SHAPE)
    bracket = surface(coloured.clip(0, 255).astype(np.float32), depth, 6)
    found = stacked(bracket.frames, method)
    assert sharpness(bracket.truth) < 15
    assert np.median(np.abs(found.enlarge(found.depth) - depth)) < 0.3
    best = max(psnr(frame, bracket.truth) for frame in bracket.frames)
    assert psnr(picture_of(found), bracket.truth) > best + 1.5


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", METHODS)
def test_frames_of_16_bit_give_16_bits_that_are_all_used(method, chroma_shift):
    rng = np.random.default_rng(2)
    bracket = tilted_plane()
    wide = [noisy(frame, 90, rng) for frame in bracket.as_16_bit().frames]
    fused = picture_of(stacked(wide, method, chroma_shift=chroma_shift))
    assert fused.dtype == np.uint16
    assert len(np.unique(fused[..., 1] % 257)) > 250
    narrow = picture_of(stacked(bracket.frames, method, chroma_shift=chroma_shift))
    assert np.abs(fused / 257 - narrow).mean() < 1


@pytest.mark.parametrize("method", METHODS)
def test_grey_frames_give_a_grey_picture(method):
    bracket = tilted_plane()
    grey = [cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in bracket.frames]
    fused = picture_of(stacked(grey, method))
    assert np.ptp(fused, axis=2).max() == 0
    truth = cv2.cvtColor(bracket.truth, cv2.COLOR_BGR2GRAY)
    assert psnr(fused[..., 0], truth) > max(psnr(frame, truth) for frame in grey) + GAINED[method]


@pytest.mark.parametrize("method", METHODS)
def test_black_and_white_stay_black_and_white(method):
    frame = np.zeros((96, 128, 3), np.uint8)
    frame[:, 64:] = 255
    blurred = cv2.GaussianBlur(frame, (0, 0), 3)
    fused = picture_of(stacked([frame, blurred, frame], method))
    assert fused[:, :48].max() <= 2
    assert fused[:, 80:].min() >= 253


@pytest.mark.parametrize("method", METHODS)
def test_threads_do_not_show_in_the_picture(method):
    fusing = Fusing.of(tilted_plane((480, 640), 4).frames, method, 1)
    one, three = (fusing.finish(fusing.run(threads=threads)) for threads in (1, 3))
    np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("method", METHODS)
def test_patches_do_not_show_in_the_picture(method, monkeypatch):
    fusing = Fusing.of(tilted_plane((480, 640), 4).frames, method, 1)
    in_patches = fusing.finish(fusing.run())
    monkeypatch.setattr(fusion, "patches", lambda canvas: [whole(canvas)])
    assert_alike(fusing.finish(fusing.run()), in_patches, most=4)


def test_the_frames_are_not_changed():
    frames = [frame.copy() for frame in tilted_plane().frames]
    stacked(frames)
    for frame, before in zip(frames, tilted_plane().frames, strict=True):
        np.testing.assert_array_equal(frame, before)
