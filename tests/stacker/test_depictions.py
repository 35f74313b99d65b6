"""`fieldstack depth`, from file to file."""

import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from samplepictures import photograph, write_jpeg

from stacker.atomic import writing_atomically
from stacker.cli import main
from stacker.imagefile import write_grey


@pytest.fixture
def stacked(tmp_path):
    """A result and its depth map: paths."""
    image = write_jpeg(tmp_path / "stacked.jpg", photograph(120, 160))
    depth = np.tile(np.linspace(0, 65535, 160).astype(np.uint16), (120, 1))
    write_grey(tmp_path / "depth.png", depth.shape, [depth])
    return [str(image), str(tmp_path / "depth.png")]


def test_pictures_asked_for_are_written(tmp_path, stacked, capsys):
    code = main(
        [
            "depth",
            *stacked,
            "--false-colour",
            str(tmp_path / "colour.png"),
            "--anaglyph",
            str(tmp_path / "3d.jpg"),
        ]
    )
    assert code == 0
    assert cv2.imread(str(tmp_path / "colour.png")).shape == (120, 160, 3)
    assert cv2.imread(str(tmp_path / "3d.jpg")).shape == (120, 160, 3)
    assert "colour.png" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_wiggle_is_an_endless_animation(tmp_path, stacked, suffix):
    path = tmp_path / f"wiggle{suffix}"
    assert main(["depth", *stacked, "--wiggle", str(path), "--strength", "10", "--quiet"]) == 0
    with Image.open(path) as animation:
        assert (animation.n_frames, animation.info["loop"], animation.size) == (12, 0, (160, 120))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "say what to write"),
        (["--wiggle", "x.mp4"], "x.mp4: the name of an animation should end in .gif or .webp"),
        (["--anaglyph", "x.gif"], "x.gif: the name should end in .jpg, .png or .tif"),
    ],
)
def test_wrong_use_is_told_so(stacked, capsys, options, sentence):
    assert main(["depth", *stacked, *options]) == 2
    assert sentence in capsys.readouterr().err


def test_a_depth_map_of_another_stack_is_refused(tmp_path, stacked, capsys):
    write_grey(tmp_path / "depth.png", (60, 80), [np.zeros((60, 80), np.uint16)])
    assert main(["depth", *stacked, "--anaglyph", str(tmp_path / "3d.jpg")]) == 1
    assert (
        "stacked.jpg is 160×120, its depth map 80×60: they are not of the same stack"
        in capsys.readouterr().err
    )
    assert not (tmp_path / "3d.jpg").exists()


def test_the_views_of_a_gif_share_one_palette(tmp_path, stacked):
    assert main(["depth", *stacked, "--wiggle", str(tmp_path / "wiggle.gif"), "--quiet"]) == 0
    colours: set[bytes] = set()
    with Image.open(tmp_path / "wiggle.gif") as animation:
        for view in range(animation.n_frames):
            animation.seek(view)
            colours |= {bytes(pixel) for pixel in np.asarray(animation.convert("RGB")).reshape(-1, 3)}
    assert len(colours) <= 256


def test_inputs_and_other_results_are_never_replaced(tmp_path, stacked, capsys):
    before = [Path(path).read_bytes() for path in stacked]
    for options in (
        ["--false-colour", stacked[1]],
        ["--anaglyph", stacked[0]],
        ["--anaglyph", str(tmp_path / "same.png"), "--false-colour", str(tmp_path / "same.png")],
    ):
        assert main(["depth", *stacked, *options]) == 2
        assert "is an input or another result already" in capsys.readouterr().err
    assert [Path(path).read_bytes() for path in stacked] == before


def test_a_picture_in_colour_is_no_depth_map(tmp_path, stacked, capsys):
    cv2.imwrite(str(tmp_path / "colour.png"), photograph(120, 160))
    assert (
        main(["depth", stacked[0], str(tmp_path / "colour.png"), "--anaglyph", str(tmp_path / "3d.jpg")]) == 1
    )
    assert "colour.png is a picture in colour, no depth or confidence map" in capsys.readouterr().err


def test_a_polite_kill_ends_with_130_and_leaves_no_scrap(tmp_path, stacked, monkeypatch):
    def killed(*_):
        with writing_atomically(tmp_path / "3d.jpg"):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("stacker.depictions.write_depictions", killed)
    assert main(["depth", *stacked, "--anaglyph", str(tmp_path / "3d.jpg")]) == 130
    assert sorted(path.name for path in tmp_path.iterdir()) == ["depth.png", "stacked.jpg"]
