"""Hairs of the depth map are as thin as in the picture, to the pixel."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from brackets import hairs, stacked, texture

from stacker.depthmap import decode_depth
from stacker.matte import in_front
from stacker.pixeldepth import depth_map as bands_of_depth
from stacker.pixeldepth import without_specks
from stacker.planes import from_bgr
from stacker.report import Coverage, Report
from stacker.result import FuseResult

SHAPE = 600, 701  # more than a tile each way; and odd
GROUND, HAIR, FRAMES = 14.0, 5.0, 20
BETWEEN = (GROUND + HAIR) / 2
LEVEL = 2
TOO_WIDE_PX = 10


def depth_map(result, frames):
    """In one piece."""
    return np.vstack(list(bands_of_depth(result, frames)))


def drawn(chroma_shift=1, sixteen_bit=False, mirrored=False):
    """Dark hairs before a textured ground, with a focus map that has them too wide; and where the hairs are."""
    picture = texture(SHAPE, 4).clip(60, 255)
    hair = np.zeros(SHAPE, np.uint8)
    for start, end in (((40, 30), (660, 400)), ((80, 590), (600, 60)), ((350, 0), (350, 599))):
        cv2.line(hair, start, end, 1, 5)
    picture[hair > 0] = (20, 25, 30)
    picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.7)
    shown = np.rint(picture * 257).astype(np.uint16) if sixteen_bit else np.rint(picture).astype(np.uint8)
    side = 2 * TOO_WIDE_PX + 1
    wide = cv2.dilate(hair, np.ones((side, side), np.uint8)).astype(np.float32)
    cells = cv2.resize(wide, (-(-SHAPE[1] >> LEVEL), -(-SHAPE[0] >> LEVEL)), interpolation=cv2.INTER_AREA)
    depth = np.where(cells > 0.5, HAIR, GROUND).astype(np.float32)
    depth = FRAMES - 1 - depth if mirrored else depth
    return result_of(from_bgr(shown, chroma_shift), depth), hair > 0


def result_of(planes, depth):
    """What a stack of FRAMES frames gives, nothing cut off."""
    height, width = planes.shape
    nothing = Coverage("unknown", 0.0, 0.0, "")
    report = Report("auto", (width, height), (0, 0, width, height), 0, (), nothing, (), {}, 0.0)
    return FuseResult(planes, depth, np.ones_like(depth), LEVEL, report)


@pytest.mark.parametrize(("chroma_shift", "sixteen_bit"), [(1, False), (0, False), (0, True)])
def test_a_pixel_has_the_depth_of_what_it_shows(chroma_shift, sixteen_bit):
    result, hair = drawn(chroma_shift, sixteen_bit)
    is_hair = decode_depth(depth_map(result, FRAMES), FRAMES) < BETWEEN
    assert np.mean(is_hair[hair]) > 0.97
    assert np.mean(is_hair[~hair]) < 0.01
    assert np.mean(result.enlarge(result.depth)[~hair] < BETWEEN) > 0.1, "the focus map has them too wide"


def test_the_order_of_the_frames_changes_nothing_but_the_sign():
    there, back = (depth_map(drawn(mirrored=mirrored)[0], FRAMES).astype(int) for mirrored in (False, True))
    assert np.abs(there + back - 65535).max() <= 30


def test_tiles_make_up_the_picture_and_no_seam_shows(monkeypatch):
    result, _ = drawn()
    tiled = depth_map(result, FRAMES)
    assert np.array_equal(tiled, depth_map(replace(result, threads=3), FRAMES))
    monkeypatch.setattr("stacker.pixeldepth._TILE_PX", (2048, 2048))
    whole = depth_map(result, FRAMES)
    assert np.mean(np.abs(tiled.astype(int) - whole) > 1000) < 0.001


def test_the_depth_of_stacked_hairs_is_that_of_the_scene():
    bracket = hairs((384, 512), 8)
    result = stacked(bracket.frames)
    x, y, width, height = result.report.area
    truth = bracket.depth[y : y + height, x : x + width]
    by_pixel = np.abs(decode_depth(depth_map(result, 8), 8) - truth) > 2
    by_cell = np.abs(result.enlarge(result.depth) - truth) > 2
    assert by_pixel.mean() < 0.5 * by_cell.mean()


@pytest.mark.parametrize("ground_tone", [40, 128, 220])
def test_hairs_are_found_on_a_plain_ground_of_any_tone(ground_tone):
    luma = np.full((96, 96), ground_tone, np.float32)
    hair = np.zeros(luma.shape, bool)
    hair[:, 46:50] = True
    luma[hair] = 90
    luma += np.random.default_rng(1).normal(0, 2, luma.shape)
    near = np.zeros(luma.shape, bool)
    near[:, 36:60] = True
    chroma = [np.full((48, 48), 0.5, np.float32)] * 2
    found = in_front((luma / 255).astype(np.float32), chroma, near, 24)
    assert np.mean(found[hair]) > 0.97
    assert np.mean(found[~hair]) < 0.02


def test_nothing_is_in_front_outside_of_the_mask():
    luma = np.random.default_rng(2).random((64, 64), np.float32)
    near = np.zeros(luma.shape, bool)
    near[20:40, 20:40] = True
    found = in_front(luma, [luma[::2, ::2], luma[1::2, ::2]], near, 12)
    assert not found[~near].any()


@pytest.mark.parametrize("shape", [(2, 2), (6, 10), (2, 64)])
def test_pictures_of_any_size_can_be_parted(shape):
    luma, everywhere = np.random.default_rng(4).random(shape, np.float32), np.ones(shape, bool)
    chroma = [luma[::2, ::2].copy()] * 2
    assert in_front(luma, chroma, everywhere, 24).shape == shape


def test_specks_go_and_hairs_stay():
    mask = np.zeros((40, 60), bool)
    mask[5, 5:50] = mask[20:23, 20:23] = mask[30, 55:] = True
    kept = without_specks(mask, 10)
    assert kept.sum() == 45
    assert kept[5, 5:50].all()
    assert not without_specks(np.zeros((4, 4), bool), 10).any()
