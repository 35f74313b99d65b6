"""What holds for any bracket, whatever its scene: each property with the tolerance it is held to.

Levels are of 255. What remains between two ways to the same picture is rounding: the running result is kept in whole
sixteenths of a level or finer, and each frame is rounded once. Where two frames are equally sharp the earlier wins, so
in the other direction a few pixels come from the other one. Examples are the same in every run: a tolerance that holds
for nearly all of any number of brackets would fail some day by chance.
"""

import numpy as np
import pytest
from brackets import Fusing, hairs, levels, noisy, picture_of, psnr, stacked, step, texture, tilted_plane
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker.methods import METHODS

SHAPES = st.sampled_from([(96, 128), (97, 131), (120, 90)])


@st.composite
def brackets(draw, fewest=2):
    """A scene drawn by chance, at a size and with as many frames as chance will have it."""
    scene = draw(st.sampled_from([tilted_plane, step, hairs]))
    return scene(draw(SHAPES), draw(st.integers(fewest, 7)), draw(st.integers(0, 10_000)))


def apart(a, b):
    """Levels between two pictures, per sample."""
    return np.abs(a.astype(float) - b.astype(float))


@pytest.mark.parametrize("method", METHODS)
@given(bracket=brackets())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_in_reverse_the_picture_is_the_same_to_two_levels_and_the_depth_is_mirrored(method, bracket):
    there, back = stacked(bracket.frames, method), stacked(bracket.frames[::-1], method)
    difference = apart(picture_of(there), picture_of(back))
    assert np.mean(difference > 1) < 0.01
    assert np.mean(difference > 2) < 0.003
    depth, mirrored = there.enlarge(there.depth), len(bracket.frames) - 1 - back.enlarge(back.depth)
    sure = there.enlarge(there.confidence) > 0.9
    assert (
        np.mean(apart(depth, mirrored)[sure] > 0.05) < 0.01
    )  # of two frames equally sharp, the first counts


@pytest.mark.parametrize("method", METHODS)
@given(bracket=brackets(), order=st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_order_gives_the_same_picture_to_two_levels(method, bracket, order):
    fusing = Fusing.of(bracket.frames, method)
    slots = list(range(len(bracket.frames)))
    order.shuffle(slots)
    difference = apart(fusing.finish(fusing.run(slots)), fusing.finish(fusing.run()))
    assert np.mean(difference > 1) < 0.01
    assert np.mean(difference > 2) < 0.003


@pytest.mark.parametrize("method", METHODS)
@given(bracket=brackets(), data=st.data())
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_split_merged_is_the_whole_to_two_levels(method, bracket, data):
    fusing, count = Fusing.of(bracket.frames, method), len(bracket.frames)
    part_of = data.draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    merged = fusing.run([])
    for part in data.draw(st.permutations(range(3))):
        merged.merge(fusing.run([slot for slot in range(count) if part_of[slot] == part]))
    difference = apart(fusing.finish(merged), fusing.finish(fusing.run()))
    assert np.mean(difference > 1) < 0.01
    assert np.mean(difference > 2) < 0.003


@pytest.mark.parametrize("method", METHODS)
@given(bracket=brackets(), brightness=st.floats(0.4, 1.0))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_frames_of_another_brightness_give_the_picture_in_that_brightness(method, bracket, brightness):
    darker = [levels(frame * np.float32(brightness)) for frame in bracket.frames]
    expected = picture_of(stacked(bracket.frames, method)) * brightness
    difference = apart(picture_of(stacked(darker, method)), expected)
    assert np.mean(difference > 2) < 0.05  # the frames themselves were rounded once more
    assert np.mean(difference > 4) < 0.002


@pytest.mark.parametrize("method", METHODS)
@given(seed=st.integers(0, 10_000), count=st.integers(2, 10), sigma=st.floats(2.0, 8.0))
@settings(max_examples=8, deadline=None, derandomize=True)
def test_copies_of_a_noisy_frame_have_a_tenth_less_noise_at_least(method, seed, count, sigma):
    clean = levels(texture((96, 128), seed))
    rng = np.random.default_rng(seed)
    frames = [noisy(clean, sigma, rng) for _ in range(count)]
    one, all_of_them = (picture_of(stacked(each, method)) for each in (frames[:1], frames))
    assert np.std(apart(all_of_them, clean)) < 0.9 * np.std(apart(one, clean))
    assert psnr(all_of_them, clean) > psnr(one, clean)
