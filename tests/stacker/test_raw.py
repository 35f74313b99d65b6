"""Camera raws, developed by LibRaw."""

import sys

import numpy as np
import pytest
from rawfile import write_dng

from stacker.errors import FrameError, InputError
from stacker.frames import open_frames
from stacker.glance import low_copy
from stacker.imagefile import read_header, read_planes


@pytest.fixture
def dng(tmp_path):
    """A function that writes a minimal 14-bit RGGB raw, 96×128, bright on its left half; returns its path."""

    def write(orientation: int = 1):
        mosaic = np.full((96, 128), 2000, np.uint16)
        mosaic[:, :64] = 8000
        path = tmp_path / "frame.dng"
        write_dng(path, mosaic, orientation)
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


@pytest.mark.parametrize(("orientation", "corner"), [(1, (0, 0)), (3, (-1, -1)), (6, (0, -1)), (8, (-1, 0))])
def test_a_raw_is_glanced_at_by_the_picture_that_the_camera_put_into_it(tmp_path, orientation, corner):
    preview = np.zeros((480, 640, 3), np.uint8)
    preview[:240, :320, 0] = 250  # red, top left as the sensor lay
    path = tmp_path / "frame.dng"
    write_dng(path, np.full((960, 1280), 3000, np.uint16), orientation, preview)

    low = low_copy(path, read_header(path))

    assert max(low.shape) == 640 and (low.shape[0] < low.shape[1]) == (orientation in (1, 3))
    assert low[corner][2] > 200 and low[corner][0] < 50
