"""Frames from files, folders and arrays."""

import os

import numpy as np
import pytest
from samplepictures import corrupt, cut, exif_block, photograph, write_jpeg, write_kind

from stacker.errors import FrameError, FrameShapeError, InputError
from stacker.frames import ArraySource, open_frames
from stacker.planes import to_bgr


@pytest.fixture
def folder(tmp_path):
    for number in (1, 2, 10):
        write_jpeg(tmp_path / f"frame{number}.jpg", photograph(60, 80, seed=number))
    return tmp_path


def test_a_folder_gives_its_frames_as_people_count(folder):
    assert open_frames([folder]).names == ["frame1.jpg", "frame2.jpg", "frame10.jpg"]


def test_files_are_taken_in_the_order_given(folder):
    paths = [folder / f"frame{number}.jpg" for number in (10, 1, 2)]
    assert open_frames(paths).names == ["frame10.jpg", "frame1.jpg", "frame2.jpg"]
    assert open_frames(paths, "name").names == ["frame1.jpg", "frame2.jpg", "frame10.jpg"]


def test_a_frame_given_twice_counts_twice(folder):
    path = folder / "frame1.jpg"
    assert open_frames([path, folder / "frame2.jpg", path]).names == [
        "frame1.jpg",
        "frame2.jpg",
        "frame1.jpg",
    ]


def test_a_source_knows_size_depth_and_chroma_without_decoding(folder):
    cut(folder / "frame1.jpg", 0.8)
    source = open_frames([folder])
    assert (len(source), source.shape, source.dtype, source.chroma_shift) == (3, (60, 80), np.uint8, 1)


def test_frames_come_in_full_and_small(folder):
    source = open_frames([folder])
    planes, low = source.planes(1), source.low(1, 4)
    assert np.abs(to_bgr(planes).astype(int) - photograph(60, 80, seed=2)).mean() < 5
    assert low.shape == (15, 20, 3)


def test_metadata_of_a_frame_is_at_hand(folder):
    write_jpeg(folder / "frame2.jpg", photograph(60, 80), exif=exif_block())
    assert open_frames([folder]).metadata(1).taken == "2026:05:17 14:03:22.41"


def test_other_files_in_a_folder_are_passed_over_with_a_warning(folder):
    (folder / "notes.txt").write_text("moss, 5x")
    (folder / "frame11.jpg.part").write_bytes(b"torn")
    source = open_frames([folder])
    assert len(source) == 3
    assert source.warnings == ["passed over frame11.jpg.part, notes.txt: no picture"]


def test_hidden_files_are_passed_over_silently(folder):
    (folder / "._frame1.jpg").write_bytes(b"resource fork")
    source = open_frames([folder])
    assert (len(source), source.warnings, source.problems) == (3, [], [])


def test_a_text_file_named_as_a_frame_is_a_problem_of_that_frame(folder):
    (folder / "notes.txt").write_text("moss, 5x")
    source = open_frames([folder / "frame1.jpg", folder / "notes.txt", folder / "frame2.jpg"])
    assert source.names == ["frame1.jpg", "frame2.jpg"]
    assert [problem.name for problem in source.problems] == ["notes.txt"]
    assert "notes.txt: this is no picture" in source.problems[0].reason


def test_a_text_file_in_disguise_is_a_problem_of_that_frame(folder):
    (folder / "frame3.jpg").write_text("not a picture at all")
    assert [problem.name for problem in open_frames([folder]).problems] == ["frame3.jpg"]


def test_a_missing_file_is_a_problem_of_that_frame(folder):
    source = open_frames([folder / "frame1.jpg", folder / "frame5.jpg"])
    assert "frame5.jpg: cannot be read" in source.problems[0].reason


def test_the_size_most_frames_have_wins(folder):
    write_jpeg(folder / "frame0.jpg", photograph(60, 81))
    source = open_frames([folder])
    assert source.shape == (60, 80)
    assert [problem.reason for problem in source.problems] == ["frame0.jpg: is 81×60, most frames are 80×60"]


def test_a_turned_frame_counts_with_its_upright_size(folder):
    write_jpeg(folder / "frame3.jpg", photograph(80, 60), exif=exif_block(orientation=6))
    source = open_frames([folder])
    assert (len(source), source.shape) == (4, (60, 80))
    assert source.planes(2).shape == (60, 80)


@pytest.mark.parametrize("damage", [lambda path: cut(path, 0.6), corrupt], ids=["cut", "corrupt"])
def test_a_damaged_frame_is_refused_when_it_is_read_and_the_others_are_not(folder, damage):
    damage(folder / "frame2.jpg")
    source = open_frames([folder])
    with pytest.raises(FrameError, match=r"^frame2\.jpg: the picture is damaged"):
        source.planes(1)
    with pytest.raises(FrameError, match=r"^frame2\.jpg: the picture is damaged"):
        source.low(1, 4)
    assert source.planes(2).shape == (60, 80)


def test_one_frame_is_a_source_too(folder):
    assert len(open_frames([folder / "frame1.jpg"])) == 1


def test_without_frames_it_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="give picture files in order, or one folder"):
        open_frames([])
    with pytest.raises(InputError, match="there are no pictures in the folder"):
        open_frames([tmp_path])


def test_a_folder_of_other_pictures_says_what_is_meant(tmp_path):
    (tmp_path / "frame1.webp").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"\(JPEG, PNG, TIFF, BMP or camera raw\), only frame1\.webp"):
        open_frames([tmp_path])


def test_frames_without_room_for_half_a_copy_are_refused(tmp_path):
    write_jpeg(tmp_path / "frame1.jpg", photograph(1, 40))
    with pytest.raises(InputError, match="frames of 40×1 pixels are too small to be stacked"):
        open_frames([tmp_path])


def test_a_link_to_a_frame_that_is_gone_is_missed(folder):
    (folder / "frame9.jpg").symlink_to(folder / "gone.jpg")
    assert [problem.name for problem in open_frames([folder]).problems] == ["frame9.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_must_not_be_read_is_named(tmp_path):
    (tmp_path / "secret").mkdir(mode=0)
    with pytest.raises(InputError, match="secret cannot be read: Permission denied"):
        open_frames([tmp_path / "secret"])


def test_the_folder_of_a_bracket_points_to_its_frames(tmp_path):
    (tmp_path / "frames").mkdir()
    with pytest.raises(InputError, match="its subfolder 'frames' may be meant"):
        open_frames([tmp_path])


def test_when_nothing_is_usable_the_first_reason_is_given(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_text("no")
    with pytest.raises(
        InputError, match=r"there is no usable frame in .*; the first is a\.jpg: this is no picture"
    ):
        open_frames([tmp_path])


def test_a_folder_among_files_is_refused(folder):
    with pytest.raises(InputError, match="is a folder among other inputs"):
        open_frames([folder, folder / "frame1.jpg"])


def test_results_of_this_job_are_not_taken_for_frames(folder):
    write_jpeg(folder / "stacked.jpg", photograph(60, 80))
    assert "stacked.jpg" not in open_frames([folder], exclude=[folder / "stacked.jpg"]).names


def test_a_raw_beside_its_jpeg_is_passed_over(folder):
    (folder / "frame1.dng").write_bytes(b"II*\0")
    source = open_frames([folder])
    assert len(source) == 3
    assert source.warnings == ["passed over frame1.dng: a raw beside a picture of the same name"]


def test_an_earlier_result_among_numbered_frames_is_passed_over(folder):
    write_jpeg(folder / "stacked.jpg", photograph(60, 80))
    source = open_frames([folder])
    assert len(source) == 3
    assert source.warnings == ["passed over stacked.jpg: no number in the name while the others have one"]


def test_frames_named_without_numbers_are_frames(tmp_path):
    for name in ("near.jpg", "middle.jpg", "far.jpg"):
        write_jpeg(tmp_path / name, photograph(60, 80))
    assert open_frames([tmp_path]).names == ["far.jpg", "middle.jpg", "near.jpg"]


def test_mixed_kinds_come_out_alike(folder):
    write_kind(folder / "frame3.png", photograph(60, 80, np.uint16))
    source = open_frames([folder])
    assert (source.dtype, source.chroma_shift) == (np.uint16, 0)
    for index in range(len(source)):
        planes, low = source.planes(index), source.low(index, 2)
        assert (planes.dtype, planes.cb.shape, low.dtype) == (np.uint16, (60, 80), np.uint16)


def test_arrays_are_a_source_like_files():
    frames = [photograph(60, 80, seed=seed) for seed in range(3)]
    source = ArraySource(frames)
    assert (len(source), source.shape, source.names[2]) == (3, (60, 80), "frame 2")
    assert source.low(0, 4).shape == (15, 20, 3)
    assert np.abs(to_bgr(source.planes(1)).astype(int) - frames[1]).max() <= 2


def test_arrays_that_differ_are_refused():
    with pytest.raises(FrameShapeError, match="frame 1 of shape"):
        ArraySource([photograph(60, 80), photograph(60, 81)])
    with pytest.raises(InputError, match="no frames"):
        ArraySource([])
