"""The order of frames."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samplepictures import exif_block, photograph, write_jpeg

from stacker.errors import InputError
from stacker.order import natural_key, sort_paths


def test_numbers_in_names_sort_as_people_count():
    names = ["frame10.jpg", "frame2.jpg", "Frame1.jpg", "frame02b.jpg"]
    assert sorted(names, key=natural_key) == ["Frame1.jpg", "frame2.jpg", "frame02b.jpg", "frame10.jpg"]


@given(st.lists(st.integers(0, 10**6), unique=True, min_size=1))
def test_names_sort_like_the_numbers_in_them(numbers):
    names = [f"b{number}x.jpg" for number in numbers]
    assert sorted(names, key=natural_key) == [f"b{number}x.jpg" for number in sorted(numbers)]


@given(st.text(max_size=8), st.text(max_size=8))
def test_any_two_names_can_be_compared(one, other):
    assert (natural_key(one) < natural_key(other)) == (natural_key(other) > natural_key(one))


def test_given_order_is_left_alone():
    paths = [Path("c.jpg"), Path("a.jpg"), Path("b.jpg")]
    assert sort_paths(paths, "given") == paths


def test_time_order_is_that_of_exposure_down_to_fractions_of_a_second(tmp_path):
    moments = {"a.jpg": "90", "b.jpg": "10", "c.jpg": "55"}
    paths = [
        write_jpeg(tmp_path / name, photograph(16, 16), exif=exif_block(subsecond=part))
        for name, part in moments.items()
    ]
    assert [path.name for path in sort_paths(paths, "time")] == ["b.jpg", "c.jpg", "a.jpg"]


def test_frames_of_the_same_moment_stay_in_the_order_of_their_names(tmp_path):
    paths = [write_jpeg(tmp_path / f"f{n}.jpg", photograph(16, 16), exif=exif_block()) for n in (10, 9, 2)]
    assert [path.name for path in sort_paths(paths, "time")] == ["f2.jpg", "f9.jpg", "f10.jpg"]


def test_a_frame_without_a_time_is_named(tmp_path):
    path = write_jpeg(tmp_path / "frame.jpg", photograph(16, 16))
    with pytest.raises(
        InputError, match=r"frame\.jpg does not say when it was taken; order the frames by name"
    ):
        sort_paths([path], "time")
