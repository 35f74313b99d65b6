"""What makes sense as a stacking job."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from stacker.errors import OutputError, SettingsError
from stacker.job import StackJob, check_outputs

FRAMES = (Path("a.jpg"), Path("b.jpg"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"out": Path("out.gif")}, r"out\.gif: the name of a result should end in \.jpg, \.png or \.tif"),
        ({"out": Path("out")}, "should end in"),
        ({"bit_depth": 12}, "bit depth 12 is not 8 or 16"),
        ({"bit_depth": 16}, r"a JPEG has 8 bits; for 16 write a \.png or \.tif"),
        ({"quality": 0}, r"quality 0 is outside 1\.\.100"),
        ({"quality": 101}, r"quality 101 is outside 1\.\.100"),
        ({"order": "size"}, "order 'size' is not one of given, name, time"),
        ({"depth_map": Path("depth.jpg")}, r"depth\.jpg: depth map and confidence are PNG files"),
        ({"out": Path("a.jpg")}, r"a\.jpg is a frame already; give another name"),
        ({"out": Path("x.png"), "depth_map": Path("./x.png")}, r"x\.png is another result already"),
    ],
)
def test_what_contradicts_itself_is_refused(wrong, sentence):
    with pytest.raises(SettingsError, match=sentence):
        StackJob(**{"inputs": FRAMES, "out": Path("out.jpg"), **wrong})


def test_every_result_is_checked_before_the_work(tmp_path):
    job = StackJob(FRAMES, tmp_path / "out.jpg", report=tmp_path / "missing" / "report.json")
    with pytest.raises(OutputError, match="missing does not exist"):
        check_outputs(job)


def test_the_space_checked_grows_with_the_frames(tmp_path):
    job = StackJob(FRAMES, tmp_path / "out.tif", bit_depth=16)
    check_outputs(job, shape=(300, 400))
    with pytest.raises(OutputError, match="need about 600000000 MB"):
        check_outputs(job, shape=(10**7, 10**7))


def test_the_results_in_one_folder_need_their_space_together(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2_200_000))
    check_outputs(StackJob(FRAMES, tmp_path / "o.jpg", depth_map=tmp_path / "d.png"), shape=(500, 1000))
    with pytest.raises(OutputError, match="the results need about"):
        check_outputs(StackJob(FRAMES, tmp_path / "o.jpg", depth_map=tmp_path / "d.png"), shape=(1000, 1000))


def test_sixteen_bit_frames_need_twice_the_space(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=4_000_000))
    job = StackJob(FRAMES, tmp_path / "out.tif")
    check_outputs(job, (1000, 1000), 8)
    with pytest.raises(OutputError, match="need about 6 MB, only 4 MB are free"):
        check_outputs(job, (1000, 1000), 16)
