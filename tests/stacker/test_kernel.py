"""The compiled kernel does what the calls do that run where it was not built."""

import os
import subprocess
import sys
import sysconfig

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stacker import fusion, kernel
from stacker import transforms as tf
from stacker.focusmap import FocusMap
from stacker.focuspeaks import FocusPeaks
from stacker.kernel.warps import can_warp, warp
from stacker.methods import METHODS
from stacker.patches import patches
from stacker.planes import Planes
from stacker.prior import Prior
from stacker.reweigh import Remembered, Reweighing
from stacker.state import FINE_LEVELS, RunningFusion
from stacker.survey import energy_of
from stacker.tiles import TemplateTiles
from stacker.view import AlignedFrame

built = pytest.mark.skipif(
    not kernel.in_use(), reason="the kernel is not built here: no C compiler, or switched off"
)
SHAPE = 150, 330  # patches of several sizes, and rows and columns beyond the picture
SOURCE = 90, 120


class Here:
    """A pool that does things where it is asked to."""

    map = staticmethod(map)


def noise(rng, shape, dtype=np.uint8):
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def a_frame(rng, slot, chroma_shift, dtype):
    half = tuple(-(-side // 2) for side in SHAPE) if chroma_shift else SHAPE
    planes = Planes(noise(rng, SHAPE, dtype), noise(rng, half, dtype), noise(rng, half, dtype), chroma_shift)
    lies = tf.similarity(shift=tuple(rng.uniform(-9, 9, 2)))
    return AlignedFrame(planes, lies, rng.uniform(0.9, 1.1, 3), slot)


def a_prior(rng, running, method, prefer):
    grid_level = 1 if running.chroma_shift else 2  # as of small frames, and as of large ones

    def plane(low, high):
        return rng.uniform(low, high, [side >> grid_level for side in running.canvas]).astype(np.float32)

    halves = plane(1, 9).astype(np.float16), plane(0, 1).astype(np.float16)
    focus = FocusMap(plane(0, 3), plane(0, 1), plane(0.05, 4), plane(0, 1), *halves)
    return Prior(focus, METHODS[method], grid_level, running.levels, prefer)


def fused(method, prefer, chroma_shift, dtype):
    rng = np.random.default_rng(7)
    running = RunningFusion(SHAPE, chroma_shift, exact=dtype == np.uint16)
    prior = a_prior(rng, running, method, prefer) if METHODS[method].depth else None
    fuser = fusion.Fuser(running, METHODS[method], prior, Here())
    for slot in range(4):
        fuser.add(a_frame(rng, slot, chroma_shift, dtype))
    return running


@built
@pytest.mark.parametrize(
    ("method", "prefer"), [("auto", "none"), ("auto", "near"), ("depthmap", "none"), ("pyramid", "none")]
)
@pytest.mark.parametrize(("chroma_shift", "dtype"), [(1, np.uint8), (0, np.uint8), (0, np.uint16)])
@pytest.mark.parametrize("warps_too", [True, False], ids=["by patches", "by bands"])
def test_a_fusion_is_the_same_with_and_without_the_kernel(
    monkeypatch, warps_too, method, prefer, chroma_shift, dtype
):
    monkeypatch.setattr("stacker.view.can_warp", lambda transform: warps_too)
    with_kernel = fused(method, prefer, chroma_shift, dtype)
    monkeypatch.setattr(kernel, "in_use", lambda: False)
    without = fused(method, prefer, chroma_shift, dtype)  # for the warp, see its own tests
    for ours, theirs in zip(with_kernel.bands, without.bands, strict=True):
        np.testing.assert_allclose(ours.weight, theirs.weight, rtol=1e-3)
        level = 1 / ours.steps
        for mean, reference in zip(ours.means, theirs.means, strict=True):
            np.testing.assert_allclose(mean * level, reference * level, atol=2 / 64)
        for contrast in ("mean_contrast", "top_contrast"):
            apart = getattr(ours, contrast).astype(int) - getattr(theirs, contrast)
            assert np.abs(apart).max(initial=0) <= 2  # steps of 1/64 level


@built
@pytest.mark.parametrize("method", ["auto", "depthmap"])
@pytest.mark.parametrize("prefer", ["none", "near"])
@pytest.mark.parametrize(("chroma_shift", "dtype"), [(1, np.uint8), (0, np.uint8), (0, np.uint16)])
def test_what_is_fused_is_weighed_anew_the_same_with_and_without_the_kernel(
    method, prefer, chroma_shift, dtype
):
    running = fused(method, prefer, chroma_shift, dtype)
    rng, last, grid_level = np.random.default_rng(8), 1, 1 if chroma_shift else 2
    then, now = (a_prior(rng, running, method, prefer) for _ in range(2))
    depth, sharpness, mixed = then.map_for(grid_level)[0]
    focus = FocusMap(depth, mixed, sharpness, mixed, mixed, mixed)
    places = [(patch, Remembered(focus, grid_level, patch)) for patch in patches(running.canvas)]
    before = [band.weight.copy() for band in running.bands]
    for patch, of_patch in places:
        old = of_patch.as_prior(METHODS[method], prefer)
        Reweighing(running, METHODS[method], old, now, last).fine(patch)
    by_calls = [band.weight.copy() for band in running.bands]
    for band, weight in zip(running.bands, before, strict=True):
        band.weight[...] = weight
    weights = fusion.Fuser(running, METHODS[method], now, Here()).finest_weights()
    for patch, of_patch in places:
        place = patch.top, patch.left, patch.bottom, patch.right
        weights.weigh_anew(*place, of_patch.maps(METHODS[method]), last)
    for level in range(FINE_LEVELS):
        ours, theirs = running.bands[level].weight, by_calls[level]
        assert not np.array_equal(theirs, before[level])
        assert np.allclose(ours, theirs, rtol=2e-3, atol=0)


@built
@given(seed=st.integers(0, 999), half=st.tuples(st.integers(8, 40), st.integers(8, 40)))
@settings(max_examples=20)
def test_a_frame_is_measured_the_same_with_and_without_the_kernel(seed, half):
    low = noise(np.random.default_rng(seed), (2 * half[0], 2 * half[1], 3))
    ours = energy_of(low)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "in_use", lambda: False)
        theirs = energy_of(low)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)


@built
def test_peaks_are_the_same_with_and_without_the_kernel(monkeypatch):
    rng = np.random.default_rng(4)
    frames = [
        (np.exp(rng.normal(2, 3, (9, 21))).astype(np.float32), noise(rng, (9, 21)) | 0xF0) for _ in range(5)
    ]
    ours, theirs = FocusPeaks((9, 21)), FocusPeaks((9, 21))
    for index, frame in enumerate(frames):
        ours.add(index, *frame)
    monkeypatch.setattr(kernel, "in_use", lambda: False)
    for index, frame in enumerate(frames):
        theirs.add(index, *frame)
    for name in ("slot", "seen", "first", "last", "best", "before", "after", "lowest", "total"):
        mine, reference = (np.asarray(getattr(peaks, name), np.float64) for peaks in (ours, theirs))
        np.testing.assert_allclose(mine, reference, atol=0 if name in ("slot", "seen") else 1.01)


@built
@pytest.mark.parametrize("shape", [(64, 100), (31, 47), (240, 320)])
def test_the_tiles_of_two_planes_have_the_same_means_with_and_without_the_kernel(monkeypatch, shape):
    rng = np.random.default_rng(5)
    band, other = (rng.normal(0, 20, shape).astype(np.float32) for _ in range(2))
    tiles = TemplateTiles(band, 0, 1.0)
    ours = tiles._mean(band, other)
    monkeypatch.setattr(kernel, "in_use", lambda: False)
    np.testing.assert_allclose(ours, tiles._mean(band, other), atol=1e-2)


def a_texture(dtype=np.uint8, seed=3):
    soft = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 1, SOURCE), (0, 0), 1.5)
    return np.rint((0.5 + 0.15 * soft / soft.std()).clip(0, 1) * np.iinfo(dtype).max).astype(dtype)


def weights_at(place, cubic):
    """Of the samples at -1, 0, 1, 2, for places between 0 and 1: (n, 4) float64."""
    if not cubic:
        return np.stack([0 * place, 1 - place, place, 0 * place], axis=-1)
    away = np.abs(place[..., None] - np.array([-1.0, 0, 1, 2]))
    near, far = 1.25 * away**3 - 2.25 * away**2 + 1, -0.75 * (away**3 - 5 * away**2 + 8 * away - 4)
    return np.where(away <= 1, near, far)


def interpolated(source, to_source, size, cubic):
    """What a warp should give: every pixel from the 4x4 samples around its place, in float64."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    places = np.stack([x.ravel(), y.ravel()], axis=1) @ to_source[:, :2].T + to_source[:, 2]
    whole = np.floor(places).astype(int)
    of_x, of_y = (weights_at(places[:, axis] - whole[:, axis], cubic) for axis in (0, 1))
    around = np.arange(-1, 3)
    columns = (whole[:, 0, None] + around).clip(0, source.shape[1] - 1)
    rows = (whole[:, 1, None] + around).clip(0, source.shape[0] - 1)
    samples = source[rows[:, :, None], columns[:, None, :]].astype(np.float64)
    return np.einsum("nr,nc,nrc->n", of_y, of_x, samples).reshape(size[::-1])


@built
@given(
    scale=st.floats(0.9, 1.1),
    angle=st.floats(-0.01, 0.01),
    x=st.floats(-30, 60),
    y=st.floats(-30, 60),
    size=st.tuples(st.integers(1, 70), st.integers(1, 50)),
    cubic=st.booleans(),
    dtype=st.sampled_from([np.uint8, np.uint16]),
)
@settings(max_examples=60)
def test_the_kernel_interpolates_where_a_pixel_lies(scale, angle, x, y, size, cubic, dtype):
    source, to_source = a_texture(dtype), tf.similarity(scale, angle, (x, y))
    top = np.iinfo(dtype).max / 255
    seen = warp(source, to_source, size, cubic, gain=2.0 / top, offset=-9.0)
    expected = interpolated(source, to_source, size, cubic) * 2 / top - 9
    inside = interpolated(np.pad(np.ones(np.subtract(SOURCE, 8)), 4), to_source, size, False) == 1
    # Along columns and then along rows is not quite the same where the picture is turned.
    np.testing.assert_allclose(seen[inside], expected[inside], atol=0.02 + 60 * abs(angle))
    if angle == 0:  # beyond its edges, a turned picture is repeated by either at a place of its own
        np.testing.assert_allclose(seen, expected, atol=0.02)


@built
@pytest.mark.parametrize("cubic", [True, False])
def test_a_shift_by_whole_pixels_changes_nothing(cubic):
    source = a_texture()
    seen = warp(source, tf.similarity(shift=(5, 7)), (80, 60), cubic)
    np.testing.assert_array_equal(seen, source[7:67, 5:85])


@built
@pytest.mark.parametrize("shift", [(-500.5, 3), (500.5, 3), (3, -500.5), (3, 500.5)])
def test_a_rectangle_far_outside_shows_the_nearest_edge(shift):
    source = a_texture()
    seen = warp(source, tf.similarity(1.01, shift=shift), (40, 30), cubic=True)
    expected = interpolated(source, tf.similarity(1.01, shift=shift), (40, 30), cubic=True)
    np.testing.assert_allclose(seen, expected, atol=0.02)


@built
def test_opencv_sees_the_same_but_for_its_steps_of_a_32nd_pixel():
    source, to_source = a_texture(), tf.similarity(1.02, 0.004, (8.3, 9.7))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    theirs = cv2.warpAffine(source.astype(np.float32), to_source, (70, 50), flags=flags)
    slope = np.abs(np.gradient(theirs)).sum(axis=0)
    assert (np.abs(warp(source, to_source, (70, 50), cubic=True) - theirs) < 0.3 + slope / 32).all()


def test_a_picture_that_is_turned_far_is_left_to_opencv():
    assert not can_warp(tf.similarity(1.0, 1.0))
    assert not can_warp(tf.similarity(2.0))


@built
def test_the_kernel_can_be_left_out():
    said = subprocess.run(
        [sys.executable, "-c", "from stacker import kernel; print(kernel.in_use())"],
        env=os.environ | {kernel.SWITCH: "off"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout.strip() == "False"


def test_what_was_not_built_is_not_there(tmp_path):
    assert kernel.load("_kernel", "fieldstack_warp", tmp_path) is None
    name = f"_kernel{sysconfig.get_config_var('EXT_SUFFIX')}"
    (tmp_path / name).write_text("built for another computer")
    assert kernel.load("_kernel", "fieldstack_warp", tmp_path) is None
