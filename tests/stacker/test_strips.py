"""Damage that libtiff takes for good is found by how many bytes the codes of a strip stand for."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from samplepictures import corrupt, photograph

from stacker.errors import FrameError
from stacker.formats import tiff
from stacker.formats.strips import first_that_is_damaged, lzw_holds, lzw_holds_by_hand, packbits_holds


def written(path, picture, compression, **options):
    """A TIFF by another program, as libtiff writes it."""
    Image.fromarray(picture).save(path, compression=compression, **options)
    return path


def pieces(path):
    """The stored strips of a TIFF."""
    data = path.read_bytes()
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        return [
            data[at : at + count] for at, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        ]


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
@pytest.mark.parametrize("rows", [None, 7, 16, 1000])
@pytest.mark.parametrize("kind", ["colour", "grey", "16 bit", "flat", "with predictor"])
def test_whole_pictures_are_whole(tmp_path, compression, rows, kind):
    pictures = {
        "grey": photograph()[..., 0],
        "16 bit": photograph(dtype=np.uint16)[..., 0],
        "flat": np.full((300, 400, 3), 7, np.uint8),
    }
    info = {} if rows is None else {278: rows}
    if kind == "with predictor" and compression == "tiff_lzw":
        info[317] = 2
    path = written(tmp_path / "frame.tif", pictures.get(kind, photograph()), compression, tiffinfo=info)
    with tifffile.TiffFile(path) as file, path.open("rb") as stored:
        assert first_that_is_damaged(file.pages[0], stored) is None
    tiff.read_image(path)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits"])
def test_a_damaged_sector_is_found_and_named(tmp_path, compression):
    path = corrupt(written(tmp_path / "frame.tif", photograph(), compression), 512)
    with pytest.raises(FrameError, match=r"damaged \(part \d+ of the TIFF does not decode\)"):
        tiff.read_image(path)


def test_most_flipped_bytes_of_lzw_are_found(tmp_path):
    whole = written(tmp_path / "frame.tif", photograph(), "tiff_lzw").read_bytes()
    rng = np.random.default_rng(1)
    found = 0
    for at in rng.integers(1000, len(whole) - 1000, 40):
        data = bytearray(whole)
        data[at : at + 8] = rng.integers(0, 256, 8, np.uint8).tobytes()
        path = tmp_path / "damaged.tif"
        path.write_bytes(data)
        try:
            tiff.read_image(path)
        except FrameError:
            found += 1
    assert found >= 24


def test_by_hand_and_compiled_the_check_says_the_same(tmp_path):
    strip = pieces(written(tmp_path / "frame.tif", photograph(60, 80), "tiff_lzw"))[0]
    wanted = 60 * 80 * 3
    rng = np.random.default_rng(2)
    said = []
    for number in range(60):
        data = bytearray(strip)
        if number:
            at = int(rng.integers(0, len(data)))
            data[at : at + number] = rng.integers(0, 256, len(data[at : at + number]), np.uint8).tobytes()
        said.append(lzw_holds_by_hand(bytes(data), wanted, wanted))
        assert lzw_holds(bytes(data), wanted, wanted) == said[-1]
    assert said[0]
    assert not all(said)


@pytest.mark.parametrize("cut", [0, 1, 5, 100])
def test_a_strip_that_ends_early_does_not_hold_its_rows(tmp_path, cut):
    lzw = pieces(written(tmp_path / "lzw.tif", photograph(60, 80), "tiff_lzw"))[0]
    runs = pieces(written(tmp_path / "runs.tif", photograph(60, 80), "packbits"))[0]
    wanted = 60 * 80 * 3
    end = -cut or None
    if cut != 1:  # the last byte of LZW is its end and little else
        assert lzw_holds(lzw[:end], wanted, wanted) == (cut == 0)
    assert packbits_holds(runs[:end], wanted, wanted) == (cut == 0)


def test_the_last_strip_may_be_filled_up():
    runs = bytes([257 - 100, 5])  # a hundred bytes
    assert packbits_holds(runs, 40, 100)
    assert packbits_holds(runs + b"\0", 100, 100)
    assert not packbits_holds(runs, 40, 80)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff" * 9, bytes(range(1, 256))])
def test_any_bytes_can_be_asked(data):
    assert not lzw_holds(data, 1000, 1000)
    assert not lzw_holds_by_hand(data, 1000, 1000)
    assert not packbits_holds(data, 1000, 1000)
