"""Camera raws, developed by LibRaw."""

import sys

import numpy as np
import pytest
import tifffile

from stacker.errors import FrameError, InputError
from stacker.frames import open_frames
from stacker.imagefile import read_header, read_planes


@pytest.fixture
def dng(tmp_path):
    """A function that writes a minimal 14-bit RGGB raw, 96×128, bright on its left half; returns its path."""

    def write(orientation: int = 1):
        mosaic = np.full((96, 128), 2000, np.uint16)
        mosaic[:, :64] = 8000
        identity = (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)
        tags = [
            (274, "H", 1, orientation, True),
            (33421, "H", 2, (2, 2), True),  # CFA repeats every 2×2
            (33422, "B", 4, bytes([0, 1, 1, 2]), True),  # red, green, green, blue
            (50706, "B", 4, bytes([1, 4, 0, 0]), True),  # DNG version
            (50708, "s", 0, "test camera", True),
            (50717, "I", 1, 16383, True),  # white level
            (50721, "2i", 9, identity, True),  # colour matrix
            (50728, "2I", 3, (1, 1, 1, 1, 1, 1), True),  # neutral
            (50778, "H", 1, 21, True),  # daylight
        ]
        path = tmp_path / "frame.dng"
        tifffile.imwrite(path, mosaic, photometric=32803, extratags=tags, metadata=None)
        return path

    return write


def test_a_raw_is_developed_to_sixteen_bits_of_grey_as_it_was_lit(dng):
    pytest.importorskip("rawpy", reason="camera raws need the extra package rawpy")
    planes = read_planes(dng())
    assert (planes.shape, planes.bit_depth) == ((96, 128), 16)
    assert planes.y[48, 20] > 2 * planes.y[48, 100] > 0
    assert abs(int(planes.cb[48, 20]) - 32768) < 100


def test_a_raw_taken_upright_is_turned_once(dng):
    pytest.importorskip("rawpy", reason="camera raws need the extra package rawpy")
    path = dng(orientation=6)
    planes = read_planes(path)
    assert read_header(path).shape == planes.shape == (128, 96)
    assert planes.y[20, 48] > 2 * planes.y[100, 48]


def test_a_file_that_is_no_raw_is_named(tmp_path):
    pytest.importorskip("rawpy", reason="camera raws need the extra package rawpy")
    (tmp_path / "frame.dng").write_bytes(b"II*\0" + bytes(100))
    with pytest.raises(FrameError, match=r"frame\.dng: the raw cannot be developed \([A-Z]"):
        read_header(tmp_path / "frame.dng")


def test_without_rawpy_it_says_what_to_install(dng, monkeypatch):
    monkeypatch.setitem(sys.modules, "rawpy", None)  # as if it were not installed
    with pytest.raises(InputError, match=r"frame\.dng: camera raws need .* install fieldstack\[raw\]"):
        open_frames([dng()])


def test_half_a_dng_is_refused_without_a_word_from_libraw(dng, capfd):
    path = dng()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(FrameError, match=r"frame\.dng: the picture is damaged \(the raw is cut off\)"):
        read_header(path)
    assert capfd.readouterr().err == ""


def test_an_empty_raw_is_called_empty(tmp_path):
    (tmp_path / "frame.dng").touch()
    with pytest.raises(FrameError, match=r"frame\.dng: the file is empty"):
        read_header(tmp_path / "frame.dng")
