"""From files to files: what a job leaves on disk, and what it says of bad frames."""

import json

import cv2
import numpy as np
import pytest
from brackets import psnr, sharpness, stacked, tilted_plane, write_frames
from samplepictures import corrupt, cut

from stacker.depthmap import decode_depth
from stacker.errors import CancelledError, InputError
from stacker.frames import ArraySource, open_frames
from stacker.job import StackJob
from stacker.pipeline import fuse, stack_files
from stacker.settings import AlignSettings, StackSettings

COUNT = 6
SHAPE = 192, 256
AS_IT_LIES = StackSettings(align=AlignSettings("none"), threads=1)


@pytest.fixture(scope="module")
def bracket():
    return tilted_plane(SHAPE, COUNT)


@pytest.fixture
def folder(bracket, tmp_path):
    write_frames(tmp_path / "frames", bracket.frames)
    return tmp_path / "frames"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_result_asked_for_lies_on_disk_and_fits_the_others(folder, bracket, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    files = {"depth_map": out / "depth.png", "confidence": out / "sure.png", "report": out / "report.json"}
    report = stack_files(StackJob((folder,), out / "fused.png", AS_IT_LIES, **files))
    assert names_in(out) == ["depth.png", "fused.png", "report.json", "sure.png"]
    pictures = [
        cv2.imread(str(out / name), cv2.IMREAD_UNCHANGED) for name in ("fused.png", "depth.png", "sure.png")
    ]
    assert {picture.shape[:2] for picture in pictures} == {SHAPE}
    assert json.loads((out / "report.json").read_text())["used"] == report.used == COUNT
    depth = decode_depth(pictures[1], COUNT)
    assert np.median(np.abs(depth - bracket.depth.clip(0, COUNT - 1))) < 0.3


def test_a_result_of_files_is_that_of_the_arrays_in_them(folder, bracket, tmp_path):
    stack_files(StackJob((folder,), tmp_path / "fused.png", AS_IT_LIES))
    arrays = fuse(ArraySource(list(bracket.frames), chroma_shift=1), AS_IT_LIES)
    assert (
        psnr(cv2.cvtColor(cv2.imread(str(tmp_path / "fused.png")), cv2.COLOR_BGR2GRAY), arrays.planes.y) > 36
    )


@pytest.mark.parametrize("damage", [lambda path: cut(path, 0.6), corrupt])
@pytest.mark.parametrize("which", [0, 3, 5])
def test_a_damaged_frame_is_left_out_and_the_rest_stacked(folder, bracket, tmp_path, which, damage):
    bad = sorted(folder.iterdir())[which]
    damage(bad)
    said = []
    report = stack_files(StackJob((folder,), tmp_path / "fused.png", AS_IT_LIES), warn=said.append)
    assert report.used == COUNT - 1
    [left_out] = [frame for frame in report.frames if not frame.used]
    assert left_out.name == bad.name
    assert "damaged" in left_out.reason
    assert any(bad.name in sentence for sentence in said)
    fused = cv2.imread(str(tmp_path / "fused.png"))
    assert sharpness(fused) > max(sharpness(frame) for frame in bracket.frames)


def test_a_first_frame_that_is_no_picture_does_not_stop_the_others(folder, tmp_path):
    first = sorted(folder.iterdir())[0]
    first.write_bytes(b"")
    report = stack_files(StackJob((folder,), tmp_path / "fused.jpg", AS_IT_LIES))
    assert report.used == COUNT - 1
    assert [frame.name for frame in report.frames if not frame.used] == [first.name]


def test_strictly_a_damaged_frame_is_a_failure_and_nothing_is_written(folder, tmp_path):
    cut(sorted(folder.iterdir())[2], 0.5)
    with pytest.raises(InputError, match=r"1 frames? could not be used"):
        stack_files(StackJob((folder,), tmp_path / "fused.jpg", AS_IT_LIES, strict=True))
    assert names_in(tmp_path) == ["frames"]


def test_one_frame_is_said_to_be_the_result(folder, tmp_path):
    said = []
    stack_files(
        StackJob((sorted(folder.iterdir())[0],), tmp_path / "fused.png", AS_IT_LIES), warn=said.append
    )
    assert any("only one frame" in sentence for sentence in said)


def test_frames_given_in_reverse_give_a_mirrored_depth_map(folder, tmp_path):
    paths = sorted(folder.iterdir())
    depths = []
    for inputs in (paths, paths[::-1]):
        job = StackJob(tuple(inputs), tmp_path / "fused.png", AS_IT_LIES, depth_map=tmp_path / "depth.png")
        stack_files(job)
        depths.append(decode_depth(cv2.imread(str(tmp_path / "depth.png"), cv2.IMREAD_UNCHANGED), COUNT))
    assert np.median(np.abs(depths[0] + depths[1] - (COUNT - 1))) < 0.05


def test_a_cancelled_job_leaves_nothing(folder, tmp_path):
    done = []
    with pytest.raises(CancelledError):
        stack_files(
            StackJob((folder,), tmp_path / "fused.jpg", AS_IT_LIES, report=tmp_path / "report.json"),
            progress=lambda count, total, what: done.append(what),
            cancelled=lambda: "fusing" in done,
        )
    assert names_in(tmp_path) == ["frames"]


def test_progress_counts_both_passes(folder):
    told = []
    fuse(open_frames([folder]), AS_IT_LIES, lambda *event: told.append(event))
    assert told == [(n, COUNT, what) for what in ("aligning", "fusing") for n in range(1, COUNT + 1)]


def test_sixteen_bits_go_all_the_way_through(bracket, tmp_path):
    write_frames(tmp_path / "frames", bracket.as_16_bit().frames, ".tif")
    stack_files(StackJob((tmp_path / "frames",), tmp_path / "fused.tif", AS_IT_LIES))
    fused = cv2.imread(str(tmp_path / "fused.tif"), cv2.IMREAD_UNCHANGED)
    assert fused.dtype == np.uint16
    assert len(np.unique(fused)) > 2000


def test_the_settings_that_nobody_gives_align_and_crop():
    result = fuse(ArraySource(list(tilted_plane(SHAPE, COUNT).frames)))
    assert result.report.method == "auto"
    assert any(frame.error_px for frame in result.report.frames)


def test_a_map_of_cells_is_enlarged_to_the_crop():
    result = stacked(tilted_plane(SHAPE, COUNT).frames, align="auto")
    assert result.enlarge(result.depth).shape == result.planes.shape
    assert result.enlarge(result.confidence).dtype == np.float32
