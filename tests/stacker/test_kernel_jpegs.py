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


@pytest.mark.parametrize("shape", [(48, 64), (17, 33), (33, 18), (40, 50)])
@pytest.mark.parametrize("progressive", [False, True])
def test_the_planes_are_the_same_to_the_last_bit(tmp_path, monkeypatch, shape, progressive):
    data = a_jpeg(shape, progressive=progressive)
    assert jpegs.read_planes(data, *shape) is not None
    at_once = read(tmp_path / "a.jpg", data)
    monkeypatch.setattr(jpegs, "read_planes", lambda *arguments: None)
    for ours, theirs in zip(at_once, read(tmp_path / "a.jpg", data), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2"])
def test_other_chroma_is_left_to_the_other_way(subsampling):
    assert jpegs.read_planes(a_jpeg(subsampling=subsampling), 48, 64) is None


def test_grey_and_pictures_of_another_size_than_promised_are_left_to_the_other_way():
    assert jpegs.read_planes(a_jpeg(mode="L"), 48, 64) is None
    assert jpegs.read_planes(a_jpeg(), 64, 48) is None


@pytest.mark.parametrize("share", [0.5, 0.8, 0.97])
def test_a_file_that_ends_early_is_damaged(tmp_path, share):
    data = a_jpeg((120, 160))
    with pytest.raises(FrameError, match=r"damaged \(.+\)"):
        read(tmp_path / "cut.jpg", data[: int(len(data) * share)])


def test_noise_in_the_data_is_never_more_than_damage(tmp_path):
    data = np.frombuffer(a_jpeg((120, 160)), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(60):
        hit = data.copy()
        places = rng.integers(2, len(hit), 8)
        hit[places] = rng.integers(0, 256, 8)
        try:
            planes = jpegs.read_planes(hit.tobytes(), 120, 160)
        except ValueError as error:
            assert str(error)
        else:
            assert planes is None or planes[0].shape == (120, 160)


def test_what_is_no_jpeg_is_damaged():
    for data in (b"", b"\xff\xd8\xff", b"no picture at all"):
        with pytest.raises(ValueError, match=r"\w"):
            jpegs.read_planes(data, 16, 16)
