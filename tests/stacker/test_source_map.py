"""The source map: from which frame each pixel comes, for the most part."""

import cv2
import numpy as np
import pytest
from brackets import step, tilted_plane, write_frames
from samplepictures import cut

from stacker.cli import main

SHAPE = 192, 256


def source_map(frames, tmp_path, *options):
    out = tmp_path / "map.png"
    arguments = [*map(str, frames), "-o", str(tmp_path / "out.png"), "--source-map", str(out), *options]
    assert main(["stack", *arguments, "--align", "none", "--quiet"]) == 0
    return cv2.imread(str(out), cv2.IMREAD_UNCHANGED)


def test_each_pixel_names_the_frame_in_focus_there(tmp_path):
    bracket = tilted_plane(SHAPE, 6)
    found = source_map(write_frames(tmp_path / "frames", bracket.frames), tmp_path)
    assert (found.dtype, found.shape) == (np.uint16, SHAPE)
    truth = np.rint(bracket.depth.clip(0, 5))
    assert np.mean(np.abs(found - truth) <= 1) > 0.99
    assert np.mean(found == truth) > 0.85


def test_two_depths_are_two_frames_and_nothing_between(tmp_path):
    bracket = step(SHAPE, 6)
    found = source_map(write_frames(tmp_path / "frames", bracket.frames), tmp_path)
    away = np.abs(np.arange(SHAPE[1]) - SHAPE[1] // 2) > 20
    assert set(np.unique(found[:, away])) == {1, 4}


def test_a_frame_left_out_is_never_named(tmp_path):
    frames = write_frames(tmp_path / "frames", tilted_plane(SHAPE, 6).frames)
    cut(frames[2], 0.5)
    assert set(np.unique(source_map(frames, tmp_path))) == {0, 1, 3, 4, 5}


def test_the_only_frame_is_named_everywhere(tmp_path):
    frames = write_frames(tmp_path / "frames", tilted_plane(SHAPE, 6).frames)
    for damaged in (frames[0], frames[2]):
        cut(damaged, 0.5)
    assert (source_map(frames[:3], tmp_path) == 1).all()


@pytest.mark.parametrize("name", ["map.tif", "map.jpg"])
def test_a_map_is_a_png(tmp_path, name, capsys):
    arguments = ["a.jpg", "-o", str(tmp_path / "out.png"), "--source-map", str(tmp_path / name)]
    assert main(["stack", *arguments]) == 2
    assert "should end in .png" in capsys.readouterr().err
