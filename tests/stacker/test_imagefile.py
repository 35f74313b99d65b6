"""Reading and writing picture files of every kind."""

import io
import logging
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from samplepictures import corrupt, cut, photograph, write_jpeg, write_kind

from stacker.errors import FrameError, OutputError
from stacker.imagefile import read_header, read_low, read_planes, write_grey, write_planes
from stacker.planes import from_bgr, low_from_planes, to_bgr

KINDS = ["frame.jpg", "frame.png", "frame.tif", "deflate.tif", "lzw.tif", "frame.bmp"]


def as_bgr(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))[..., ::-1]


# Reading a JPEG


@pytest.mark.parametrize("size", [(240, 320), (241, 319), (17, 23), (5, 7), (1, 1)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"subsampling": "4:2:2"},
        {"subsampling": "4:4:4"},
        {"progressive": True},
        {"restart_marker_rows": 1},
    ],
    ids=str,
)
def test_a_jpeg_decodes_as_other_programs_decode_it(tmp_path, size, options):
    path = write_jpeg(tmp_path / "frame.jpg", cv2.GaussianBlur(photograph(*size), (0, 0), 5), **options)
    ours, theirs = to_bgr(read_planes(path)), cv2.imread(str(path))
    assert ours.shape == theirs.shape
    assert np.abs(ours.astype(int) - theirs).mean() < 1.0


def test_luma_is_exactly_the_one_in_the_file(tmp_path):
    path = write_jpeg(tmp_path / "frame.jpg", photograph(241, 319))
    with Image.open(path) as picture:
        picture.draft("YCbCr", picture.size)
        np.testing.assert_array_equal(read_planes(path).y, np.asarray(picture)[..., 0])


def test_chroma_comes_out_as_it_went_in(tmp_path):
    """What a JPEG stores of saturated colours lies outside the RGB cube and is lost by a decode to RGB."""
    planes = from_bgr(photograph(240, 320), 1)
    planes.cb[:60] = 250
    write_planes(tmp_path / "frame.jpg", planes, quality=100)
    back = read_planes(tmp_path / "frame.jpg")
    assert np.abs(back.cb.astype(int) - planes.cb).max() <= 3
    assert np.abs(back.cr.astype(int) - planes.cr).max() <= 3


def test_a_colour_edge_lies_where_the_luma_edge_lies(tmp_path):
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, :32], image[:, 32:] = (200, 60, 60), (60, 60, 200)
    path = write_jpeg(tmp_path / "frame.jpg", image)
    blue_minus_red = to_bgr(read_planes(path))[20].astype(int) @ [1, 0, -1]
    np.testing.assert_allclose(blue_minus_red, -blue_minus_red[::-1], atol=4)


def test_a_grey_jpeg_becomes_a_picture_without_colour(tmp_path):
    path = write_jpeg(tmp_path / "frame.jpg", photograph()[..., 1])
    planes = read_planes(path)
    assert (planes.cb == 128).all()
    assert np.abs(planes.y.astype(int) - photograph()[..., 1]).mean() < 1.5


def test_a_cmyk_jpeg_is_refused_with_a_way_out(tmp_path):
    Image.new("CMYK", (64, 48)).save(tmp_path / "frame.jpg")
    with pytest.raises(FrameError, match=r"frame\.jpg: a CMYK JPEG .* save it as RGB"):
        read_header(tmp_path / "frame.jpg")


@pytest.mark.parametrize("scale", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(240, 320), (243, 317)])
def test_a_low_jpeg_has_the_geometry_of_the_full_one(tmp_path, size, scale):
    path = write_jpeg(tmp_path / "frame.jpg", photograph(*size))
    low, reduced = read_low(path, scale), low_from_planes(read_planes(path), scale)
    assert low.shape == (size[0] // scale, size[1] // scale, 3)
    assert np.abs(low.astype(int) - reduced).mean() < 1.0


# Orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("size", [(48, 64), (49, 67)], ids=["even", "odd"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_upright_as_exif_says(tmp_path, orientation, size, kind):
    path = tmp_path / f"frame.{kind.lower()}"
    smooth = cv2.GaussianBlur(photograph(*size), (0, 0), 2)
    Image.fromarray(smooth[..., ::-1]).save(path, kind, exif=_orientation_only(orientation), quality=97)
    with Image.open(path) as picture:
        upright = as_bgr(ImageOps.exif_transpose(picture))
    planes = read_planes(path)
    assert planes.shape == read_header(path).shape == upright.shape[:2]
    assert np.abs(to_bgr(planes).astype(int) - upright).mean() < 1.0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_low_copy_of_a_turned_frame_matches_the_turned_frame(tmp_path, orientation):
    path = write_jpeg(
        tmp_path / "frame.jpg", photograph(243, 317), exif=_orientation_only(orientation).tobytes()
    )
    low, reduced = read_low(path, 4), low_from_planes(read_planes(path), 4)
    assert np.abs(low.astype(int) - reduced).mean() < 1.0


def _orientation_only(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


# Other kinds


@pytest.mark.parametrize("name", ["frame.png", "frame.tif", "deflate.tif", "lzw.tif"])
def test_sixteen_bits_are_read_as_sixteen_bits(tmp_path, name):
    image = photograph(dtype=np.uint16)
    path = write_kind(tmp_path / name, image)
    planes = read_planes(path)
    assert planes.bit_depth == read_header(path).bit_depth == 16
    assert np.abs(to_bgr(planes).astype(int) - image).max() <= 2


@pytest.mark.parametrize("name", ["frame.png", "frame.tif", "lzw.tif", "frame.bmp"])
def test_lossless_eight_bit_pictures_come_within_two_levels(tmp_path, name):
    path = write_kind(tmp_path / name, photograph())
    assert np.abs(to_bgr(read_planes(path)).astype(int) - photograph()).max() <= 2


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_grey_pictures_are_read_exactly(tmp_path, suffix, dtype):
    grey = photograph(dtype=dtype)[..., 0]
    path = tmp_path / f"frame{suffix}"
    cv2.imwrite(str(path), grey)
    np.testing.assert_array_equal(read_planes(path).y, grey)


def test_transparency_is_dropped(tmp_path):
    transparent = np.dstack([photograph(), np.full((240, 320), 9, np.uint8)])
    cv2.imwrite(str(tmp_path / "frame.png"), transparent)
    assert np.abs(to_bgr(read_planes(tmp_path / "frame.png")).astype(int) - photograph()).max() <= 2


@pytest.mark.parametrize("mode", ["P", "1", "LA"])
def test_unusual_png_modes_read_as_other_programs_show_them(tmp_path, mode):
    Image.fromarray(photograph()[..., ::-1]).convert(mode).save(tmp_path / "frame.png")
    with Image.open(tmp_path / "frame.png") as picture:
        shown = as_bgr(picture)
    assert np.abs(to_bgr(read_planes(tmp_path / "frame.png")).astype(int) - shown).max() <= 2


def test_a_tiff_with_separate_planes_and_one_where_white_is_zero(tmp_path):
    image = photograph()
    tifffile.imwrite(
        tmp_path / "planar.tif",
        np.moveaxis(image[..., ::-1], -1, 0),
        photometric="rgb",
        planarconfig="separate",
    )
    tifffile.imwrite(tmp_path / "white.tif", 255 - image[..., 0], photometric="miniswhite")
    assert np.abs(to_bgr(read_planes(tmp_path / "planar.tif")).astype(int) - image).max() <= 2
    np.testing.assert_array_equal(read_planes(tmp_path / "white.tif").y, image[..., 0])


def test_a_tiff_of_floats_is_refused_with_a_way_out(tmp_path):
    tifffile.imwrite(tmp_path / "frame.tif", np.zeros((8, 8, 3), np.float32), photometric="rgb")
    with pytest.raises(FrameError, match="float32 cannot be stacked; save it with 8 or 16 bits"):
        read_header(tmp_path / "frame.tif")


def test_the_content_tells_the_kind_not_the_name(tmp_path):
    path = write_jpeg(tmp_path / "really_a_jpeg.png", photograph())
    assert read_planes(path).chroma_shift == 1


# Damage


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("name", KINDS)
def test_a_frame_cut_off_is_refused(tmp_path, name, share):
    path = cut(write_kind(tmp_path / name, photograph()), share)
    with pytest.raises(FrameError, match=rf"^{name}: .*(damaged|ends before)"):
        read_planes(path)


@pytest.mark.parametrize("name", ["frame.jpg", "frame.png", "deflate.tif", "lzw.tif"])
def test_a_frame_with_corrupted_bytes_is_refused(tmp_path, name):
    path = corrupt(write_kind(tmp_path / name, photograph()))
    with pytest.raises(FrameError, match=rf"^{name}: the picture is damaged"):
        read_planes(path)


@pytest.mark.parametrize("damage", [lambda path: cut(path, 0.9), corrupt], ids=["cut", "corrupt"])
def test_damage_is_found_in_a_low_copy_too(tmp_path, damage):
    path = damage(write_jpeg(tmp_path / "frame.jpg", photograph()))
    with pytest.raises(FrameError, match="damaged"):
        read_low(path, 8)


def test_damage_is_said_once_and_not_also_by_the_libraries(tmp_path, capfd, caplog):
    path = cut(write_kind(tmp_path / "lzw.tif", photograph()), 0.5)
    with caplog.at_level(logging.WARNING), pytest.raises(FrameError):
        read_planes(path)
    assert (capfd.readouterr().err, caplog.records) == ("", [])


def test_libpng_does_not_talk_about_what_is_no_picture(tmp_path, capfd):
    path = write_kind(tmp_path / "frame.png", photograph())
    good, whole = read_planes(path), path.read_bytes()
    ends = 8 + 25  # of the magic number and of IHDR
    for name, payload in {
        b"iCCP": b"x\0\0none",
        b"sRGB": b"\x09",
        b"tIME": bytes(7),
        b"eXIf": b"abc",
    }.items():
        chunk = (
            struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))
        )
        path.write_bytes(whole[:ends] + chunk + whole[ends:])
        assert np.array_equal(read_planes(path).y, good.y)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(("tag", "value"), [("SamplesPerPixel", 60_000), ("TileWidth", 1 << 30)])
def test_a_tiff_that_claims_more_than_its_pixels_takes_no_memory(tmp_path, tag, value):
    path = tmp_path / "frame.tif"
    tifffile.imwrite(path, photograph(256, 256), photometric="rgb", tile=(128, 128))
    with tifffile.TiffFile(path, mode="r+b") as file:
        file.pages[0].tags[tag].overwrite(value)
    with pytest.raises(FrameError, match="damaged"):
        read_planes(path)


@pytest.mark.parametrize(("mode", "name"), [("CMYK", "CMYK"), ("LAB", "Lab")])
def test_a_tiff_in_other_colours_than_rgb_is_refused_with_a_way_out(tmp_path, mode, name):
    Image.new(mode, (32, 24)).save(tmp_path / "frame.tif")
    with pytest.raises(FrameError, match=f"a TIFF in {name} colours cannot be stacked; save it as RGB"):
        read_header(tmp_path / "frame.tif")


@settings(deadline=None, max_examples=40, derandomize=True)
@given(changes=st.lists(st.tuples(st.integers(4, 300), st.integers(0, 255)), min_size=1, max_size=12))
@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg", ".bmp"])
def test_a_broken_header_is_a_frame_error_and_nothing_else(changes, suffix):
    with TemporaryDirectory() as folder:
        path = write_kind(Path(folder) / f"frame{suffix}", photograph(24, 32))
        data = bytearray(path.read_bytes())
        for position, value in changes:
            data[position % len(data)] = value
        path.write_bytes(data)
        with suppress(FrameError):
            header = read_header(path)
            if header.height * header.width < 10**6:  # what claims more is refused by its memory
                read_planes(path, header)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"this is a note\n", "this is no picture"),
        (b"\xff\xd8\xff\xe0", "the JPEG ends before its picture begins"),
        (b"\x89PNG\r\n\x1a\n", "the PNG ends early"),
        (b"BM", "the BMP ends before"),
        (b"II*\0\x08\0\0\0", "damaged"),
    ],
)
def test_what_is_no_picture_is_named_and_described(tmp_path, content, reason):
    path = tmp_path / "frame.jpg"
    path.write_bytes(content)
    with pytest.raises(FrameError, match=rf"^frame\.jpg: .*{reason}"):
        read_header(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FrameError, match=r"gone\.jpg: cannot be read \(No such file"):
        read_planes(tmp_path / "gone.jpg")


def test_a_folder_is_no_frame(tmp_path):
    with pytest.raises(FrameError, match="cannot be read"):
        read_planes(tmp_path)


# Writing


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [(240, 320), (301, 57), (1, 1)])
def test_lossless_results_are_read_by_other_programs_as_written(tmp_path, size, dtype, suffix):
    planes = from_bgr(photograph(*size, dtype=dtype))
    path = tmp_path / f"result{suffix}"
    write_planes(path, planes)
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), to_bgr(planes))


def test_pillow_and_tifffile_read_our_tiff_too(tmp_path):
    planes = from_bgr(photograph())
    write_planes(tmp_path / "result.tif", planes)
    with Image.open(tmp_path / "result.tif") as picture:
        np.testing.assert_array_equal(as_bgr(picture), to_bgr(planes))
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "result.tif")[..., ::-1], to_bgr(planes))


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("size", [(240, 320), (241, 319), (3, 5)])
def test_a_jpeg_result_is_close_to_what_was_written(tmp_path, size, shift):
    planes = from_bgr(cv2.GaussianBlur(photograph(*size), (0, 0), 2), shift)
    write_planes(tmp_path / "result.jpg", planes, quality=97)
    written = cv2.imread(str(tmp_path / "result.jpg"))
    assert np.abs(written.astype(int) - to_bgr(planes)).mean() < 1.5


def test_lower_quality_gives_a_smaller_jpeg(tmp_path):
    planes = from_bgr(photograph(), 1)
    for quality in (60, 95):
        write_planes(tmp_path / f"{quality}.jpg", planes, quality=quality)
    assert (tmp_path / "60.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size


@pytest.mark.parametrize(("dtype", "bit_depth"), [(np.uint8, 16), (np.uint16, 8)])
def test_the_depth_asked_for_is_the_depth_written(tmp_path, dtype, bit_depth):
    write_planes(tmp_path / "result.png", from_bgr(photograph(dtype=dtype)), bit_depth=bit_depth)
    assert cv2.imread(str(tmp_path / "result.png"), cv2.IMREAD_UNCHANGED).dtype == f"uint{bit_depth}"


def test_sixteen_bit_planes_make_an_eight_bit_jpeg(tmp_path):
    write_planes(tmp_path / "result.jpg", from_bgr(photograph(dtype=np.uint16)), quality=97)
    assert np.abs(cv2.imread(str(tmp_path / "result.jpg")).astype(int) - photograph()).mean() < 2


def test_an_unknown_kind_of_result_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"should end in \.jpg, \.png or \.tif"):
        write_planes(tmp_path / "result.gif", from_bgr(photograph()))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_maps_are_written_as_grey_png(tmp_path, dtype):
    grey = photograph(dtype=dtype)[..., 0]
    write_grey(tmp_path / "map.png", grey.shape, np.array_split(grey, 3), 8 * grey.itemsize)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED), grey)


def test_our_png_passes_a_strict_reader(tmp_path):
    write_planes(tmp_path / "result.png", from_bgr(photograph()))
    with Image.open(io.BytesIO((tmp_path / "result.png").read_bytes())) as picture:
        picture.verify()
