"""Gains between frames whose light is known."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiltedplane import SHAPE, bracket, encode, texture

from stacker import transforms as tf
from stacker.align import Aligner
from stacker.photometry import apply_gain, estimate_gain, gain_table, measure_tones

EXPONENT = 1 / 2.4  # from a factor of light to one of code + 0.055
LIGHT = 0.6 * texture(1)
WIDTH = SHAPE[1]


def gain_between(reference, frame, transform=None):
    return estimate_gain(
        measure_tones(reference), measure_tones(frame), tf.identity() if transform is None else transform
    )


@settings(max_examples=25, deadline=None)
@given(st.tuples(*[st.floats(0.7, 1.44)] * 3))
def test_exposure_and_white_balance_are_found_to_half_a_percent(factors):
    frame = encode(LIGHT * np.array(factors, np.float32))
    assert gain_between(encode(LIGHT), frame) == pytest.approx(np.array(factors) ** -EXPONENT, rel=5e-3)


def test_identical_frames_have_a_gain_of_one():
    assert gain_between(encode(LIGHT), encode(LIGHT)) == pytest.approx(np.ones(3))


def test_defocus_is_not_taken_for_a_change_of_light():
    blurred = encode(cv2.GaussianBlur(LIGHT, (0, 0), 8))
    assert gain_between(encode(LIGHT), blurred) == pytest.approx(np.ones(3), abs=5e-3)


def test_specular_highlights_that_clip_when_sharp_do_not_count():
    light = LIGHT.copy()
    light[100:140, 100:160] = 4.0
    assert gain_between(encode(light), encode(cv2.GaussianBlur(light, (0, 0), 5))) == pytest.approx(
        np.ones(3), abs=5e-3
    )


def test_glints_everywhere_do_not_hide_a_change_of_light():
    light = LIGHT.copy()
    light[::16, ::16] = light[1::16, ::16] = light[::16, 1::16] = (
        4.0  # every cell of 16 px has clipped pixels
    )
    found = gain_between(encode(light), encode(light * np.float32(1.2)))
    assert found == pytest.approx(np.full(3, 1.2**-EXPONENT), rel=0.02)


def test_something_that_moved_is_outvoted():
    frame = LIGHT.copy()
    frame[100:180, 150:260] *= 0.3
    assert gain_between(encode(LIGHT), encode(frame)) == pytest.approx(np.ones(3), abs=5e-3)


@pytest.mark.parametrize("level", [0, 255], ids=["black", "white"])
def test_nothing_is_claimed_about_frames_that_say_nothing(level):
    assert gain_between(encode(LIGHT), np.full((*SHAPE, 3), level, np.uint8)) == pytest.approx(np.ones(3))


def test_another_tone_curve_does_not_tint_the_frame_by_all_the_channels_ask_for():
    shaded = LIGHT * np.linspace(0.2, 1.5, WIDTH, dtype=np.float32)[:, None]
    contrasty = shaded.copy()
    contrasty[..., 2] = 0.05 * (contrasty[..., 2] / 0.05) ** 1.6  # red alone: on the mean it asks for 0.81
    gain = gain_between(encode(shaded), encode(contrasty))
    assert gain.min() / gain.max() > 0.9


def test_gains_along_a_bracket_are_found_in_spite_of_breathing_and_defocus():
    shot = bracket(8, seed=23, breathing=0.05, flicker=0.08)
    aligner = Aligner(SHAPE, 1)
    for frame in shot.frames:
        aligner.add(frame)
    found = np.array([aligner.alignment_to_first(n).gain for n in range(8)])
    assert found == pytest.approx(np.array([light**-EXPONENT for light in shot.light]), rel=0.01)


def test_gains_do_not_drift_along_a_long_bracket():
    aligner = Aligner(SHAPE, 1)
    for frame in bracket(30, seed=40, jitter_px=0.5, noise=3, blur_px=0.1).frames:
        aligner.add(frame)
    assert aligner.alignment_to_first(29).gain == pytest.approx(np.ones(3), abs=3e-3)


def test_16_bit_and_8_bit_frames_have_the_same_gain():
    frames = encode(LIGHT), encode(LIGHT * np.float32(1.2))
    deep = [frame.astype(np.uint16) * 257 for frame in frames]
    assert gain_between(*deep) == pytest.approx(gain_between(*frames), abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.8, 1.25))
def test_applying_the_gain_restores_the_exposure(factor):
    bright = encode(LIGHT * np.float32(factor))
    restored = apply_gain(bright, gain_between(encode(LIGHT), bright))
    unclipped = bright.max(axis=2) < 255
    difference = restored.astype(int) - encode(LIGHT)
    assert np.abs(difference[unclipped]).mean() < 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_gain_does_the_same_at_every_depth(dtype):
    top = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    picture = (encode(LIGHT) / 255 * top).astype(dtype)
    corrected = apply_gain(picture, np.array([1.1, 0.95, 1.02])) / top
    expected = apply_gain(encode(LIGHT), np.array([1.1, 0.95, 1.02])) / 255
    assert np.abs(corrected - expected).max() < 1.5 / 255


def test_a_gain_of_one_returns_the_frame_itself():
    frame = encode(LIGHT)
    assert apply_gain(frame, np.ones(3)) is frame


@given(st.tuples(*[st.floats(0.3, 3)] * 3))
def test_gain_tables_keep_black_and_never_turn_tones_around(gain):
    table = gain_table(np.array(gain)).astype(int)
    assert (table[0] == 0).all()
    assert (np.diff(table, axis=0) >= 0).all()
