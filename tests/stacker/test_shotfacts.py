"""What EXIF tells of how a frame was taken."""

import math

import pytest
from fakecard import FakeCard
from hypothesis import given
from hypothesis import strategies as st
from samplepictures import exif_block, photograph, write_jpeg

from stacker.formats.metadata import Metadata
from stacker.formats.shotfacts import ShotFacts, shot_facts
from stacker.imagefile import read_metadata


def test_camera_lens_exposure_and_moment_are_read(tmp_path):
    facts = shot_facts(read_metadata(FakeCard(tmp_path).put(photograph())))

    assert (facts.camera, facts.lens) == ("Canon EOS R7", "MP-E65mm f/2.8 1-5x Macro Photo")
    assert (facts.exposure_s, facts.iso, facts.f_number) == (1 / 125, 200, 5.6)
    assert facts.taken == "2026:05:17 14:00:01.00"


def test_the_maker_is_named_where_the_model_does_not_name_it(tmp_path):
    path = write_jpeg(tmp_path / "a.jpg", photograph(), exif=exif_block())

    assert shot_facts(read_metadata(path)).camera == "Raspberry Pi imx477"


def test_moments_are_seconds_apart_with_their_fractions():
    early, late = (ShotFacts(taken=f"2026:05:17 14:03:{s}") for s in ("22.41", "23.0"))

    assert late.taken_s - early.taken_s == pytest.approx(0.59)


@pytest.mark.parametrize(
    "taken", [None, "0000:00:00 00:00:00.0", "2026:13:40 99:00:00.0", "2026:05:17 14:03.x", "inf"]
)
def test_a_moment_that_makes_no_sense_is_none(taken):
    assert ShotFacts(taken=taken).taken_s is None


@given(st.binary(max_size=400))
def test_whatever_a_file_holds_the_facts_are_tame(data):
    facts = shot_facts(Metadata(exif=b"II*\0\x08\0\0\0" + data))

    assert facts.taken_s is None or math.isfinite(facts.taken_s)
    assert (facts.camera + facts.lens + facts.body).isprintable() and len(facts.camera) <= 121


def test_a_text_made_to_harm_is_cut_and_plain(tmp_path):
    card = FakeCard(tmp_path, model="\x1b[31mred\x07" + "x" * 9000)

    assert shot_facts(read_metadata(card.put(photograph()))).camera == f"Canon [31mred{'x' * 53}"


@pytest.mark.parametrize("block", [None, b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff"])
def test_broken_exif_tells_nothing(block):
    assert shot_facts(Metadata(exif=block)) == ShotFacts()
