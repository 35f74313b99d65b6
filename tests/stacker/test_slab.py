"""`--slab N`: runs of neighbouring frames, fused each on its own, beside the whole."""

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from brackets import psnr, stacked, tilted_plane, write_frames
from hypothesis import given
from hypothesis import strategies as st

from stacker.cli import main
from stacker.slabs import LEAST, OVERLAP, slab_path, slab_ranges

SHAPE = 192, 384
COUNT = 8


@given(st.integers(1, 300), st.integers(LEAST, 60))
def test_slabs_cover_every_frame_and_overlap(frames, size):
    ranges = slab_ranges(frames, size)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == frames
    for (first, end), (later, _) in pairwise(ranges):
        assert first < later <= end - OVERLAP
    assert all(end - first == min(size, frames) for first, end in ranges)


@pytest.fixture(scope="module")
def bracket():
    return tilted_plane(SHAPE, COUNT)


def stack(*arguments):
    return main(["stack", *map(str, arguments), "--align", "none", "--quiet"])


def test_each_slab_is_sharp_where_its_frames_are(bracket, tmp_path):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    assert stack(*frames, "-o", tmp_path / "out.png", "--slab", "4") == 0
    names = sorted(path.name for path in tmp_path.glob("*.png"))
    assert names == ["out.png", "out_slab01.png", "out_slab02.png", "out_slab03.png"]
    for number, (first, end) in enumerate(slab_ranges(COUNT, 4), start=1):
        slab = cv2.imread(str(slab_path(tmp_path / "out.png", number)))
        here = (bracket.depth > first + 0.3) & (bracket.depth < end - 1.3)
        columns = np.flatnonzero(here[0])
        inside = slice(columns[0] + 4, columns[-1] - 4)
        assert psnr(slab[:, inside], bracket.truth[:, inside]) > 33


def test_the_whole_is_the_same_with_and_without_slabs(bracket, tmp_path):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    assert stack(*frames, "-o", tmp_path / "a.png", "--slab", "4") == 0
    assert stack(*frames, "-o", tmp_path / "b.png") == 0
    assert np.array_equal(*(cv2.imread(str(tmp_path / name)) for name in ("a.png", "b.png")))


def test_a_slab_of_all_frames_is_the_whole_alone(bracket, tmp_path):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    assert stack(*frames, "-o", tmp_path / "out.png", "--slab", "50") == 0
    assert [path.name for path in tmp_path.glob("*.png")] == ["out.png"]


def test_a_slab_is_about_what_its_frames_alone_give(bracket, tmp_path):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    assert stack(*frames, "-o", tmp_path / "out.png", "--slab", "4") == 0
    alone = stacked(bracket.frames[:4], chroma_shift=0)
    slab = cv2.imread(str(tmp_path / "out_slab01.png"))
    assert psnr(cv2.cvtColor(slab, cv2.COLOR_BGR2GRAY), alone.planes.y) > 33


def test_slabs_never_replace_a_frame(bracket, tmp_path, capsys):
    frames = write_frames(tmp_path, bracket.frames, ".png")
    for number, path in enumerate(frames, start=1):
        path.rename(tmp_path / f"out_slab{number:02d}.png")
    assert stack(*sorted(tmp_path.glob("*.png")), "-o", tmp_path / "out.png", "--slab", "4") == 2
    assert "is a frame already" in capsys.readouterr().err


def test_slabs_in_the_folder_of_the_frames_are_no_frames_the_next_time(bracket, tmp_path):
    write_frames(tmp_path, bracket.frames, ".png")
    for options in (["--slab", "4"], []):
        report = tmp_path / "report.json"
        assert stack(tmp_path, "-o", tmp_path / "out.png", "--report", report, *options) == 0
        assert len(json.loads(report.read_text())["frames"]) == COUNT


def test_a_slab_of_two_frames_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        stack("a.jpg", "-o", "b.jpg", "--slab", "2")
    assert ended.value.code == 2
    assert "should be at least 3" in capsys.readouterr().err
