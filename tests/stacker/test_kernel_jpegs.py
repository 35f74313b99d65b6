"""JPEGs decoded at once by the kernel are those that are decoded in two goes where it was not built."""

import io

import numpy as np
import pytest
from brackets import levels, texture
from PIL import Image

from stacker.errors import FrameError
from stacker.formats import jpeg
from stacker.kernel import jpegs

pytestmark = pytest.mark.skipif(
    not jpegs.in_use(), reason="not built here: no libjpeg headers, or switched off"
)


def a_jpeg(shape=(48, 64), subsampling="4:2:0", mode="RGB", **options):
    picture = levels(texture(shape, 5))
    if picture.ndim == 2:
        picture = np.dstack([picture, picture // 2, 255 - picture])
    file = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(file, "JPEG", quality=90, subsampling=subsampling, **options)
    return file.getvalue()


def read(path, data):
    path.write_bytes(data)
    return jpeg.read_planes(path, jpeg.read_header(path))


@pytest.fixture
def planes_of(tmp_path):
    """Decode data by the kernel."""

    def decode(data, height, width):
        path = tmp_path / "of.jpg"
        path.write_bytes(data)
        return jpegs.read_planes(path, height, width)

    return decode


@pytest.mark.parametrize("shape", [(48, 64), (17, 33), (33, 18), (40, 50)])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_planes_are_the_same_to_the_last_bit(tmp_path, monkeypatch, planes_of, shape, progressive):
    data = a_jpeg(shape, progressive=progressive)
    assert planes_of(data, *shape) is not None
    at_once = read(tmp_path / "a.jpg", data)
    monkeypatch.setattr(jpegs, "read_planes", lambda *arguments: None)
    for ours, theirs in zip(at_once, read(tmp_path / "a.jpg", data), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2"])
def test_other_chroma_is_left_to_the_other_way(planes_of, subsampling):
    assert planes_of(a_jpeg(subsampling=subsampling), 48, 64) is None


def test_grey_and_pictures_of_another_size_than_promised_are_left_to_the_other_way(planes_of):
    assert planes_of(a_jpeg(mode="L"), 48, 64) is None
    assert planes_of(a_jpeg(), 64, 48) is None


@pytest.mark.parametrize("shape", [(48, 64), (57, 33), (70, 18)])
def test_rows_decoded_bit_by_bit_leave_those_below_as_they_were(tmp_path, planes_of, shape):
    (tmp_path / "a.jpg").write_bytes(a_jpeg(shape))
    whole = planes_of(a_jpeg(shape), *shape)
    other = tuple(~plane for plane in whole)
    planes = tuple(plane.copy() for plane in other)
    decoding = jpegs.begin(tmp_path / "a.jpg", *shape, in_order=True)
    for end in (0, 15, 16, 33, 40, shape[0]):
        decoding.rows(planes, end)
        for plane, before, side in zip(planes, other, (1, 2, 2), strict=True):
            np.testing.assert_array_equal(plane[-(-end // side) :], before[-(-end // side) :])
    decoding.rows(planes)
    for plane, right in zip(planes, whole, strict=True):
        np.testing.assert_array_equal(plane, right)
    decoding.rows(planes)  # nothing is left to do


def test_a_progressive_picture_does_not_come_row_by_row(tmp_path):
    path = tmp_path / "progressive.jpg"
    path.write_bytes(a_jpeg(progressive=True))
    assert jpegs.begin(path, 48, 64, in_order=True) is None
    assert jpegs.begin(path, 48, 64) is not None


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_file_that_ends_early_is_damaged(tmp_path, share):
    data = a_jpeg((120, 160))
    with pytest.raises(FrameError, match=r"damaged \(.+\)"):
        read(tmp_path / "cut.jpg", data[: int(len(data) * share)])


def test_noise_in_the_data_is_never_more_than_damage(planes_of):
    data = np.frombuffer(a_jpeg((120, 160)), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(60):
        hit = data.copy()
        places = rng.integers(2, len(hit), 8)
        hit[places] = rng.integers(0, 256, 8)
        try:
            planes = planes_of(hit.tobytes(), 120, 160)
        except ValueError as error:
            assert str(error)
        else:
            assert planes is None or planes[0].shape == (120, 160)


def test_what_is_no_jpeg_is_damaged(planes_of):
    for data in (b"", b"\xff\xd8\xff", b"no picture at all"):
        with pytest.raises(ValueError, match=r"\w"):
            planes_of(data, 16, 16)
