"""Transforms kept in a file: what one stack found serves another."""

import json

import cv2
import numpy as np
import pytest
from brackets import assert_alike, tilted_plane, write_frames
from samplepictures import cut

from stacker import transforms as tf
from stacker.align import Aligner
from stacker.cli import main
from stacker.errors import SettingsError
from stacker.transformsfile import KnownAligner, load_transforms

SHAPE = 384, 512
COUNT = 4


def moved(frames):
    """Frames as a camera that shifts and breathes a little would see them."""
    out = []
    for index, frame in enumerate(frames):
        transform = tf.similarity(1 + 0.004 * index, 0.001 * index, (2.0 * index, -1.5 * index), (256, 192))
        out.append(cv2.warpAffine(frame, transform, SHAPE[::-1], borderMode=cv2.BORDER_REFLECT))
    return out


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "frames", moved(tilted_plane(SHAPE, COUNT).frames), ".png")
    return tmp_path / "frames"


@pytest.fixture
def saved(folder, tmp_path):
    assert stack(folder, "-o", tmp_path / "first.png", "--save-transforms", tmp_path / "moves.json") == 0
    return tmp_path / "moves.json"


def stack(*arguments):
    return main(["stack", *map(str, arguments), "--quiet"])


def test_a_stack_with_saved_transforms_is_the_one_they_were_found_in(folder, saved, tmp_path):
    assert stack(folder, "-o", tmp_path / "second.png", "--transforms", saved) == 0
    first, second = (cv2.imread(str(tmp_path / name)) for name in ("first.png", "second.png"))
    assert_alike(first, second)


def test_a_file_says_where_every_frame_lies(folder, saved):
    facts = json.loads(saved.read_text())
    assert facts["schema"] == "fieldstack.transforms/1"
    assert facts["size"] == [SHAPE[1], SHAPE[0]]
    assert [frame["name"] for frame in facts["frames"]] == sorted(path.name for path in folder.iterdir())
    reference = facts["frames"][facts["reference"]]
    assert np.allclose(reference["transform"], tf.identity())
    assert np.allclose(reference["gain"], 1)


def test_frames_without_a_common_texture_are_stacked_by_the_transforms_of_others(saved, tmp_path):
    blank = [np.full((*SHAPE, 3), 90, np.uint8) for _ in range(COUNT)]
    write_frames(tmp_path / "blank", blank, ".png")
    report = tmp_path / "report.json"
    assert stack(tmp_path / "blank", "-o", tmp_path / "o.png", "--transforms", saved, "--report", report) == 0
    frames = json.loads(report.read_text())["frames"]
    known = json.loads(saved.read_text())["frames"]
    assert all(frame["used"] for frame in frames)
    for mine, other in zip(frames, known, strict=True):
        assert np.allclose(mine["transform"], other["transform"], atol=1e-6)


def test_a_frame_left_out_when_they_were_found_stays_out(folder, saved, tmp_path, capsys):
    facts = json.loads(saved.read_text())
    facts["frames"][1] |= {"used": False, "reason": "it was bumped", "transform": None, "gain": None}
    saved.write_text(json.dumps(facts))
    assert stack(folder, "-o", tmp_path / "second.png", "--transforms", saved) == 0
    assert "it was bumped" in capsys.readouterr().err


def test_a_damaged_frame_does_not_shift_the_others(folder, saved, tmp_path):
    cut(sorted(folder.iterdir())[1], 0.5)
    report = tmp_path / "report.json"
    assert stack(folder, "-o", tmp_path / "second.png", "--transforms", saved, "--report", report) == 0
    frames = json.loads(report.read_text())["frames"]
    known = json.loads(saved.read_text())["frames"]
    assert [frame["used"] for frame in frames] == [True, False, True, True]
    assert np.allclose(frames[3]["transform"], known[3]["transform"], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda facts: facts["frames"].pop(), "is for 3 frames, there are 4"),
        (lambda facts: facts.update(size=[640, 480]), "is for frames of 640×480 pixels, these have 512×384"),
        (lambda facts: facts.update(schema="other"), "its schema should be 'fieldstack.transforms/1'"),
        (lambda facts: facts["frames"][2].update(transform=[[1, 0], [0, 1]]), "the transform of frame 2"),
        (
            lambda facts: facts["frames"][2].update(transform=[[0, 0, 0], [0, 0, 0]]),
            "the transform of frame 2",
        ),
        (lambda facts: facts["frames"][0].update(gain=[1, 0, 1]), "the gain of frame 0"),
        (lambda facts: facts["frames"][0].update(gain=[1e9, 1, 1]), "the gain of frame 0"),
        (
            lambda facts: facts["frames"][1].update(transform=[[50, 0, 0], [0, 50, 0]]),
            "the transform of frame 1",
        ),
        (lambda facts: facts.update(reference=4), "the reference frame 4 is none of its 4 frames"),
        (lambda facts: facts.update(size=[float("inf"), 384]), "is no file of transforms"),
        (lambda facts: facts.pop("frames"), "is no file of transforms"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_the_work(
    folder, saved, tmp_path, capsys, change, sentence
):
    facts = json.loads(saved.read_text())
    change(facts)
    saved.write_text(json.dumps(facts))
    assert stack(folder, "-o", tmp_path / "second.png", "--transforms", saved) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "second.png").exists()


def test_what_is_no_json_is_refused(folder, tmp_path, capsys):
    (tmp_path / "moves.json").write_text("moved a little to the left")
    assert stack(folder, "-o", tmp_path / "o.png", "--transforms", tmp_path / "moves.json") == 2
    assert "is no file of transforms" in capsys.readouterr().err
    with pytest.raises(SettingsError, match="cannot be read"):
        load_transforms(tmp_path / "missing.json")


def test_known_transforms_answer_as_the_aligner_that_found_them(saved):
    frames = moved(tilted_plane(SHAPE, COUNT).frames)
    found, known = Aligner(SHAPE, 1), KnownAligner(load_transforms(saved))
    for frame in frames:
        found.add(frame)
        known.add(frame)
    for reference in range(COUNT):
        for mine, other in zip(known.solve(reference), found.solve(reference), strict=True):
            assert tf.distance(mine.transform, other.transform, SHAPE) < 0.2
            assert np.allclose(mine.gain, other.gain, atol=0.02)
