"""EXIF and colour profiles: kept from the frames, made true for the result."""

import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from samplepictures import exif_block, photograph, srgb_profile, write_jpeg

from stacker.formats.exif import Exif
from stacker.formats.metadata import Metadata, result_metadata, software_name
from stacker.imagefile import read_header, read_metadata, write_planes
from stacker.planes import from_bgr

SUFFIXES = [".jpg", ".png", ".tif"]


@pytest.fixture
def frame_metadata(tmp_path):
    path = write_jpeg(tmp_path / "frame.jpg", photograph(), exif=exif_block(6), icc_profile=srgb_profile())
    return read_metadata(path)


def written(tmp_path, suffix, metadata):
    path = tmp_path / f"result{suffix}"
    write_planes(path, from_bgr(photograph()), metadata=metadata)
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_camera_exposure_and_place_are_carried_to_the_result(tmp_path, frame_metadata, suffix):
    path = written(tmp_path, suffix, result_metadata(frame_metadata, (240, 320)))
    with Image.open(path) as picture:
        exif = picture.getexif()
        camera, place = exif.get_ifd(0x8769), exif.get_ifd(0x8825)
    assert (exif[0x010F], exif[0x0110]) == ("Raspberry Pi", "imx477")
    assert (camera[0x829A], camera[0x8827], camera[0x9003]) == (1 / 125, 100, "2026:05:17 14:03:22")
    assert place[1] == "N"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_longer_true_is_corrected(tmp_path, frame_metadata, suffix):
    path = written(tmp_path, suffix, result_metadata(frame_metadata, (240, 320)))
    with Image.open(path) as picture:
        exif = picture.getexif()
        camera = exif.get_ifd(0x8769)
        thumbnail = exif.get_ifd(1)
    assert (exif[0x0112], exif[0x0131]) == (1, software_name())
    assert (camera[0xA002], camera[0xA003]) == (320, 240)
    assert 0x927C not in camera
    assert not thumbnail


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_colour_profile_is_carried_to_the_result(tmp_path, frame_metadata, suffix):
    path = written(tmp_path, suffix, result_metadata(frame_metadata, (240, 320)))
    with Image.open(path) as picture:
        assert picture.info["icc_profile"] == srgb_profile()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_we_write_we_read(tmp_path, frame_metadata, suffix):
    metadata = result_metadata(frame_metadata, (240, 320), description="12 frames")
    back = read_metadata(written(tmp_path, suffix, metadata))
    assert back.icc == metadata.icc
    assert back.taken == metadata.taken == "2026:05:17 14:03:22.41"
    assert Exif.parse(back.exif).camera == Exif.parse(metadata.exif).camera


def test_a_strict_exif_reader_accepts_ours(frame_metadata):
    block = result_metadata(frame_metadata, (240, 320), "12 frames, method auto").exif
    loaded = piexif.load(b"Exif\0\0" + block)
    assert loaded["0th"][piexif.ImageIFD.ImageDescription] == b"12 frames, method auto"
    assert loaded["Exif"][piexif.ExifIFD.ExposureTime] == (1, 125)


def test_a_frame_without_metadata_gives_a_result_that_says_who_wrote_it(tmp_path):
    with Image.open(written(tmp_path, ".jpg", result_metadata(Metadata(), (240, 320)))) as picture:
        assert picture.getexif()[0x0131] == software_name()


def test_a_profile_larger_than_a_segment_is_put_together_again(tmp_path):
    profile = srgb_profile() + bytes(150_000)
    assert read_metadata(written(tmp_path, ".jpg", Metadata(icc=profile))).icc == profile


def test_pixels_are_not_turned_twice(tmp_path, frame_metadata):
    path = written(tmp_path, ".jpg", result_metadata(frame_metadata, (240, 320)))
    assert read_header(path).orientation == 1


def test_the_moment_falls_back_on_the_files_date_and_to_nothing():
    only_date = piexif.dump({"0th": {piexif.ImageIFD.DateTime: b"2026:01:02 03:04:05"}})[6:]
    blank = piexif.dump({"Exif": {piexif.ExifIFD.DateTimeOriginal: b"    :  :     :  :  "}})[6:]
    assert Metadata(exif=only_date).taken == "2026:01:02 03:04:05.0"
    assert Metadata(exif=blank).taken is None


@given(st.binary(max_size=200), st.integers(0, 300), st.binary(min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_broken_exif_never_stops_us(noise, position, patch):
    whole = exif_block()[6:]
    for block in (noise, whole[:position], whole[:position] + patch + whole[position + len(patch) :]):
        metadata = Metadata(exif=block)
        assert 1 <= metadata.orientation <= 8
        repaired = result_metadata(metadata, (10, 20))
        assert Metadata(exif=repaired.exif).orientation == 1


@pytest.mark.parametrize("space", [b"GRAY", b"CMYK", b"Lab "])
def test_a_profile_that_is_not_for_rgb_is_not_carried_to_an_rgb_result(space):
    profile = srgb_profile()[:16] + space + srgb_profile()[20:]
    assert result_metadata(Metadata(icc=profile), (240, 320)).icc is None
