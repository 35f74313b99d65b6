"""Hot pixels: found in a dark frame, or because they stay while the scene moves; then painted over."""

import json

import cv2
import numpy as np
import pytest
from brackets import levels, texture, tilted_plane, write_frames

from stacker import transforms as tf
from stacker.cli import main
from stacker.errors import SettingsError
from stacker.frames import ArraySource
from stacker.hotpixels import Defects, StuckPixels, in_dark_frame, paint_over_into, repaired
from stacker.pipeline import fuse
from stacker.planes import from_bgr
from stacker.settings import AlignSettings, StackSettings

SHAPE = 384, 512
COUNT = 6
SPECKS = [(60, 400), (100, 300), (200, 256), (310, 420), (333, 111)]


def breathing(count=COUNT, step=0.012):
    """Transforms of a lens that magnifies more from frame to frame, and moves a little."""
    return [
        tf.similarity(1 + step * index, 0, (2.5 * index, 1.5 * index), (256, 192)) for index in range(count)
    ]


def with_specks(frames, colour=(0, 60, 255)):
    out = []
    for frame in frames:
        frame = frame.copy()
        for row, column in SPECKS:
            frame[row, column] = colour
        out.append(frame)
    return out


@pytest.fixture(scope="module")
def moving():
    frames = tilted_plane(SHAPE, COUNT).frames
    return [
        cv2.warpAffine(frame, transform, SHAPE[::-1], borderMode=cv2.BORDER_REFLECT)
        for frame, transform in zip(frames, breathing(), strict=True)
    ]


def specks_left(picture, clean):
    """How many pixels of the result differ much from that of clean frames."""
    return int(np.sum(np.abs(picture.astype(int) - clean).max(axis=-1) > 25))


def fused(frames, tmp_path, name, *options):
    write_frames(tmp_path / name, frames, ".png")
    out = tmp_path / f"{name}.png"
    arguments = [str(tmp_path / name), "-o", str(out), "--quiet", *options]
    assert main(["stack", *arguments]) == 0
    return cv2.imread(str(out))


def test_pixels_that_stay_while_the_scene_moves_are_gone(moving, tmp_path):
    clean = fused(moving, tmp_path, "clean", "--hot-pixels", "keep")
    spoiled = fused(with_specks(moving), tmp_path, "spoiled", "--hot-pixels", "keep")
    repaired_ = fused(with_specks(moving), tmp_path, "repaired")
    assert specks_left(spoiled, clean) >= len(SPECKS)
    assert specks_left(repaired_, clean) <= 0.1 * specks_left(spoiled, clean)


def test_a_dark_frame_removes_them_from_a_bracket_that_does_not_move(tmp_path):
    frames = tilted_plane(SHAPE, 3).frames
    rng = np.random.default_rng(0)
    dark = np.rint(np.abs(rng.normal(3, 2, (*SHAPE, 3)))).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "dark.png"), with_specks([dark])[0])
    clean = fused(frames, tmp_path, "clean", "--align", "none")
    spoiled = fused(with_specks(frames), tmp_path, "spoiled", "--align", "none")
    options = "--align", "none", "--dark", str(tmp_path / "dark.png")
    repaired_ = fused(with_specks(frames), tmp_path, "repaired", *options)
    assert specks_left(spoiled, clean) >= len(SPECKS)
    for row, column in SPECKS:
        before, after = (
            np.abs(each[row, column].astype(int) - clean[row, column]) for each in (spoiled, repaired_)
        )
        assert after.max() < 0.4 * before.max()


def test_a_dark_frame_among_the_frames_is_none_of_them(tmp_path):
    frames = tilted_plane(SHAPE, 3).frames
    write_frames(tmp_path / "frames", frames, ".png")
    dark = tmp_path / "frames" / "frame_900.png"
    cv2.imwrite(str(dark), with_specks([np.zeros_like(frames[0])])[0])
    report = tmp_path / "report.json"
    arguments = [str(tmp_path / "frames"), "-o", str(tmp_path / "out.png"), "--report", str(report)]
    assert main(["stack", *arguments, "--dark", str(dark), "--quiet", "--align", "none"]) == 0
    assert len(json.loads(report.read_text())["frames"]) == 3


def test_clean_frames_have_no_stuck_pixels(moving):
    watching = StuckPixels(1)
    for frame in moving:
        watching.look(frame)
    assert len(watching.found([tf.invert(transform) for transform in breathing()])) == 0


def test_every_stuck_pixel_is_found_and_nothing_else(moving):
    watching = StuckPixels(1)
    for frame in with_specks(moving):
        watching.look(frame)
    found = watching.found([tf.invert(transform) for transform in breathing()])
    places = set(zip(found.rows.tolist(), found.columns.tolist(), strict=True))
    for row, column in SPECKS:
        assert (row, column) in places
    assert len(places) == 9 * len(SPECKS)


def test_defects_of_a_small_copy_are_those_of_its_pixels_at_full_size():
    small = np.zeros((9, 12), np.uint8)
    small[(0, 3, 3, 4, 8), (11, 4, 5, 5, 0)] = 1
    there = Defects.of(np.kron(small, np.ones((4, 4), np.uint8)))
    here = Defects.of_copy(small, 4)
    assert np.array_equal(here.rows, there.rows) and np.array_equal(here.columns, there.columns)


def test_bright_specks_of_a_scene_that_does_not_move_are_kept():
    frames = with_specks([levels(texture(SHAPE, 3))] * COUNT)
    watching = StuckPixels(1)
    for frame in frames:
        watching.look(frame)
    assert len(watching.found([tf.identity()] * COUNT)) == 0


def test_four_frames_are_too_few_to_judge(moving):
    watching = StuckPixels(1)
    for frame in with_specks(moving)[:4]:
        watching.look(frame)
    assert len(watching.found([tf.invert(transform) for transform in breathing(4)])) == 0


def test_sixteen_bit_frames_are_watched_as_well(moving):
    watching = StuckPixels(1)
    for frame in with_specks(moving):
        watching.look(frame.astype(np.uint16) * 257)
    assert len(watching.found([tf.invert(transform) for transform in breathing()])) == 9 * len(SPECKS)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_defect_takes_the_value_of_its_surroundings(dtype):
    rows, columns = np.mgrid[:40, :50]
    plane = (rows + 2 * columns + 20).astype(dtype)
    mask = np.zeros(plane.shape, np.uint8)
    mask[[0, 20, 39], [0, 25, 49]] = 1
    spoiled = plane.copy()
    spoiled[mask > 0] = 255
    paint_over_into(spoiled, Defects.of(mask))
    assert np.abs(spoiled.astype(int) - plane)[5:35, 5:45].max() <= 2
    assert np.abs(spoiled.astype(int) - plane).max() <= 8


def test_a_picture_without_defects_is_not_touched():
    picture = from_bgr(levels(texture((60, 80), 1)), 1)
    before = [plane.copy() for plane in picture]
    repaired(picture, Defects(np.zeros(0, int), np.zeros(0, int)))
    assert all(np.array_equal(mine, other) for mine, other in zip(picture, before, strict=True))


def test_arrays_given_are_not_changed(moving):
    frames = [frame[..., 1].copy() for frame in with_specks(moving, (255, 255, 255))]
    before = [frame.copy() for frame in frames]
    fuse(ArraySource(frames), StackSettings(align=AlignSettings("auto")))
    assert all(np.array_equal(mine, other) for mine, other in zip(frames, before, strict=True))


@pytest.mark.parametrize(
    ("dark", "sentence"),
    [
        (np.zeros((100, 100, 3), np.uint8), "has 100×100 pixels, the frames have 512×384"),
        (np.full((*SHAPE, 3), 120, np.uint8), "is no dark frame: take it with the cap on"),
        (
            np.random.default_rng(0).choice([0, 255], (*SHAPE, 3), p=[0.97, 0.03]).astype(np.uint8),
            "of its pixels are bright",
        ),
    ],
)
def test_what_is_no_dark_frame_of_these_frames_is_refused(tmp_path, dark, sentence):
    cv2.imwrite(str(tmp_path / "dark.png"), dark)
    with pytest.raises(SettingsError, match=sentence):
        in_dark_frame(tmp_path / "dark.png", SHAPE)


def test_what_is_no_picture_is_refused(tmp_path):
    (tmp_path / "dark.png").write_text("dark")
    with pytest.raises(SettingsError, match="the dark frame cannot be used"):
        in_dark_frame(tmp_path / "dark.png", SHAPE)
