"""Frames that do not follow one another in focus: noticed, put right in a folder, told of elsewhere."""

import json
import random

import cv2
import numpy as np
import pytest
from brackets import SHAPE, assert_alike, psnr, tilted_plane, write_frames
from hypothesis import given
from hypothesis import strategies as st
from samplepictures import cut

from stacker import survey
from stacker.cli import main
from stacker.depthmap import decode_depth
from stacker.errors import CancelledError
from stacker.job import StackJob
from stacker.pipeline import stack_files
from stacker.sequence import better_order, order_of_focus, signature
from stacker.settings import AlignSettings, StackSettings

COUNT = 9


def shuffled(count, seed=4):
    order = list(range(count))
    random.Random(seed).shuffle(order)
    return order


@pytest.fixture(scope="module")
def bracket():
    return tilted_plane((240, 480), COUNT)


@pytest.fixture(scope="module")
def signatures(bracket):
    return [signature(survey.energy_of(frame)) for frame in bracket.frames]


@given(st.permutations(range(COUNT)))
def test_the_order_of_focus_is_found_whatever_the_order_given(signatures, order):
    found = [order[index] for index in order_of_focus([signatures[index] for index in order])]
    assert found in (list(range(COUNT)), list(range(COUNT))[::-1])


def test_frames_in_order_are_left_alone_in_either_direction(signatures):
    assert better_order(signatures) is None
    assert better_order(signatures[::-1]) is None


@pytest.mark.parametrize("misplaced", [(2, 7), (0, 5), (8, 3)])
def test_one_frame_out_of_its_place_is_noticed(signatures, misplaced):
    order = list(range(COUNT))
    order.insert(misplaced[1], order.pop(misplaced[0]))
    found = better_order([signatures[index] for index in order])
    assert found is not None
    assert [order[index] for index in found] in (list(range(COUNT)), list(range(COUNT))[::-1])


def test_frames_that_are_all_alike_have_no_better_order():
    rng = np.random.default_rng(0)
    frames = [rng.normal(0, 1, 432).astype(np.float32) * 0.01 for _ in range(12)]
    assert better_order(frames) is None


def test_few_frames_have_no_order_to_be_told(signatures):
    assert better_order([signatures[index] for index in (0, 3, 1, 2)]) is None


def stack(*arguments):
    return main(["stack", *map(str, arguments), "--align", "none", "--quiet"])


def test_a_shuffled_folder_is_taken_in_the_order_of_focus(bracket, tmp_path, capsys):
    order = shuffled(COUNT)
    write_frames(tmp_path / "right", bracket.frames, ".png")
    write_frames(tmp_path / "shuffled", [bracket.frames[index] for index in order], ".png")
    report = tmp_path / "report.json"
    assert stack(tmp_path / "right", "-o", tmp_path / "right.png") == 0
    assert capsys.readouterr().err == ""
    assert stack(tmp_path / "shuffled", "-o", tmp_path / "shuffled.png", "--report", report) == 0
    assert "the names do not follow the focus; the frames are taken as" in capsys.readouterr().err
    names = [frame["name"] for frame in json.loads(report.read_text())["frames"]]
    taken = [order[int(name.split("_")[1].split(".")[0])] for name in names]
    assert taken in (list(range(COUNT)), list(range(COUNT))[::-1])
    right, found = (cv2.imread(str(tmp_path / name)) for name in ("right.png", "shuffled.png"))
    assert_alike(right, found)


def test_frames_given_in_some_order_stay_in_it_with_a_warning(bracket, tmp_path, capsys):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    report = tmp_path / "report.json"
    wrong = [frames[index] for index in shuffled(COUNT)]
    assert stack(*wrong, "-o", tmp_path / "out.png", "--report", report) == 0
    assert "--order focus would take them as" in capsys.readouterr().err
    assert [frame["name"] for frame in json.loads(report.read_text())["frames"]] == [
        path.name for path in wrong
    ]


def test_the_order_of_focus_can_be_asked_for(bracket, tmp_path, capsys):
    frames = write_frames(tmp_path / "frames", bracket.frames, ".png")
    wrong = [frames[index] for index in shuffled(COUNT)]
    assert stack(*frames, "-o", tmp_path / "right.png") == 0
    assert stack(*wrong, "-o", tmp_path / "out.png", "--order", "focus") == 0
    assert capsys.readouterr().err == ""
    assert_alike(*(cv2.imread(str(tmp_path / name)) for name in ("right.png", "out.png")))


def test_a_damaged_frame_in_a_shuffled_folder_is_left_out(bracket, tmp_path, capsys):
    order = shuffled(COUNT)
    frames = write_frames(tmp_path / "frames", [bracket.frames[index] for index in order], ".png")
    cut(frames[4], 0.5)
    report = tmp_path / "report.json"
    assert stack(tmp_path / "frames", "-o", tmp_path / "out.png", "--report", report) == 0
    told = json.loads(report.read_text())["frames"]
    assert [frame["name"] for frame in told if not frame["used"]] == [frames[4].name]
    assert len(told) == COUNT
    assert capsys.readouterr().err.count("left out") == 1


def test_a_reversed_folder_gives_the_same_picture_and_a_mirrored_depth_map(tmp_path):
    bracket = tilted_plane(SHAPE, 6)
    for name, frames in (("there", bracket.frames), ("back", bracket.frames[::-1])):
        write_frames(tmp_path / name, frames, ".png")
        assert (
            stack(tmp_path / name, "-o", tmp_path / f"{name}.png", "--depth-map", tmp_path / f"d{name}.png")
            == 0
        )
    there, back = (cv2.imread(str(tmp_path / f"{name}.png")) for name in ("there", "back"))
    assert psnr(there, back) > 45
    depth, mirrored = (
        decode_depth(cv2.imread(str(tmp_path / f"d{name}.png"), cv2.IMREAD_UNCHANGED), 6)
        for name in ("there", "back")
    )
    assert np.median(np.abs(5 - mirrored - depth)) < 0.1


def test_a_stopped_stack_of_a_shuffled_folder_goes_on_in_the_right_order(bracket, tmp_path):
    order = shuffled(COUNT)
    write_frames(tmp_path / "frames", [bracket.frames[index] for index in order], ".png")
    settings = StackSettings(align=AlignSettings("none"), threads=1)
    fused = []

    def note(done, total, what):
        if what == "fusing":
            fused.append(done)

    whole, resumed = (
        StackJob((tmp_path / "frames",), tmp_path / name, settings, checkpoint_s=1e-9)
        for name in ("whole.png", "resumed.png")
    )
    stack_files(whole)
    with pytest.raises(CancelledError):
        stack_files(resumed, note, lambda: len(fused) == 4)
    said = []
    stack_files(resumed, warn=said.append)
    assert any("going on" in sentence for sentence in said)
    assert np.array_equal(*(cv2.imread(str(job.out)) for job in (whole, resumed)))
