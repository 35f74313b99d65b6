"""`--align-only`: every frame as the reference frame sees it, in a file each."""

import cv2
import numpy as np
import pytest
from brackets import blurred, levels, texture, write_frames
from samplepictures import cut

from stacker import transforms as tf
from stacker.cli import main

SHAPE = 384, 512


def shaken(dtype=np.uint8):
    """One sharp picture, moved and lit differently from frame to frame."""
    sharp = texture(SHAPE, 5)
    for index, gain in enumerate((1.0, 0.96, 1.03)):
        transform = tf.similarity(1 + 0.01 * index, 0.004 * index, (6.0 * index, -4.0 * index), (256, 192))
        picture = levels(
            cv2.warpAffine(blurred(sharp, 0.7) * gain, transform, SHAPE[::-1], borderMode=cv2.BORDER_REFLECT)
        )
        yield picture if dtype == np.uint8 else picture.astype(np.uint16) * 257


def align(*arguments):
    return main(["stack", *map(str, arguments), "--quiet"])


def read_all(folder):
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.iterdir())]


def middle_difference(a, b):
    inner = slice(40, -40), slice(40, -40)
    scale = 1 if a.dtype == np.uint8 else 257
    return np.abs(a[inner].astype(float) - b[inner]).mean() / scale


def test_frames_lie_on_one_another_afterwards(tmp_path):
    frames = write_frames(tmp_path / "frames", list(shaken()), ".png")
    assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned") == 0
    before, after = [cv2.imread(str(path)) for path in frames], read_all(tmp_path / "aligned")
    assert len({picture.shape for picture in after}) == 1
    for index in (0, 2):
        assert middle_difference(before[index], before[1]) > 8
        assert middle_difference(after[index], after[1]) < 2.5


def test_the_reference_frame_stays_as_it_is(tmp_path):
    frames = write_frames(tmp_path / "frames", list(shaken()), ".png")
    options = "--reference", "0", "--no-crop"
    assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned", *options) == 0
    first = read_all(tmp_path / "aligned")[0]
    assert np.abs(first.astype(int) - cv2.imread(str(frames[0]))).max() <= 1


@pytest.mark.parametrize(("suffix", "becomes"), [(".jpg", ".jpg"), (".png", ".tif")])
def test_files_keep_their_names(tmp_path, suffix, becomes):
    frames = write_frames(tmp_path / "frames", list(shaken()), suffix)
    assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned") == 0
    names = sorted(path.name for path in (tmp_path / "aligned").iterdir())
    assert names == [path.stem + becomes for path in frames]


def test_sixteen_bit_frames_stay_so(tmp_path):
    write_frames(tmp_path / "frames", list(shaken(np.uint16)), ".tif")
    assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned") == 0
    after = read_all(tmp_path / "aligned")
    assert after[0].dtype == np.uint16
    assert middle_difference(after[0], after[1]) < 2.5


def test_a_damaged_frame_is_left_out_with_a_warning(tmp_path, capsys):
    frames = write_frames(tmp_path / "frames", list(shaken()))
    cut(frames[2], 0.5)
    assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned") == 0
    assert len(read_all(tmp_path / "aligned")) == 2
    assert frames[2].name in capsys.readouterr().err


def test_frames_are_never_overwritten(tmp_path, capsys):
    frames = write_frames(tmp_path / "frames", list(shaken()))
    before = [path.read_bytes() for path in frames]
    assert align(tmp_path / "frames", "--align-only", tmp_path / "frames") == 2
    assert "is a frame already" in capsys.readouterr().err
    assert [path.read_bytes() for path in frames] == before


def test_pictures_of_another_folder_are_never_overwritten(tmp_path, capsys):
    write_frames(tmp_path / "frames", list(shaken()))
    others = write_frames(tmp_path / "others", list(shaken()))
    before = [path.read_bytes() for path in others]
    assert align(tmp_path / "frames", "--align-only", tmp_path / "others") == 2
    assert "is there already and is no earlier result" in capsys.readouterr().err
    assert [path.read_bytes() for path in others] == before


def test_what_was_aligned_before_is_written_anew(tmp_path):
    write_frames(tmp_path / "frames", list(shaken()))
    for _ in range(2):
        assert align(tmp_path / "frames", "--align-only", tmp_path / "aligned") == 0


@pytest.mark.parametrize(
    "option",
    [
        ["--depth-map", "d.png"],
        ["--method", "pyramid"],
        ["--prefer", "near"],
        ["--expect", "3"],
        ["--checkpoint", "3"],
    ],
    ids=lambda option: option[0],
)
def test_options_about_a_fused_picture_are_refused(tmp_path, capsys, option):
    assert align("a.jpg", "--align-only", tmp_path, *option) == 2
    assert f"{option[0]} is of no use with --align-only" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_said_before_the_work(tmp_path, capsys):
    write_frames(tmp_path / "frames", list(shaken()))
    assert align(tmp_path / "frames", "--align-only", tmp_path / "no" / "aligned") == 1
    assert "does not exist" in capsys.readouterr().err
