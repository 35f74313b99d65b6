"""The report: complete, plain JSON, and described field by field."""

import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from brackets import SHAPE, levels, stacked, texture, tilted_plane

from stacker.report import SCHEMA, Coverage, FrameReport, Quality, Report

DOCUMENT = Path(__file__).parents[2] / "docs" / "report.md"
ODD = 2  # the frame of something else


@pytest.fixture(scope="module")
def report():
    frames = list(tilted_plane(SHAPE, 6).frames)
    frames[ODD] = levels(texture(SHAPE, 77))
    return stacked(frames, align="auto").report


def test_it_is_read_back_from_json_as_it_is(report):
    read = json.loads(report.as_json())
    assert read == json.loads(json.dumps(report.as_dict()))
    assert read["schema"] == SCHEMA
    assert read["used"] == report.used == 5


def test_every_field_is_in_the_json(report):
    read = json.loads(report.as_json())
    assert {field.name for field in fields(Report)} <= set(read)
    assert {field.name for field in fields(Coverage)} == set(read["coverage"])
    for frame in read["frames"]:
        assert {field.name for field in fields(FrameReport)} == set(frame)


def test_a_frame_used_says_how(report):
    for frame in report.frames:
        if not frame.used:
            continue
        assert frame.reason is None
        assert np.shape(frame.transform) == (2, 3)
        assert len(frame.gain) == 3
        assert frame.error_px >= 0
        assert frame.sharpness > 0


def test_a_frame_left_out_says_why_and_a_warning_repeats_it(report):
    frame = report.frames[ODD]
    assert (frame.used, frame.transform, frame.gain, frame.error_px) == (False, None, None, None)
    assert frame.sharpness > 0
    assert frame.reason in report.warnings[0]


def test_frames_are_numbered_in_shot_order(report):
    assert [frame.index for frame in report.frames] == list(range(6))


def test_size_and_area_agree(report):
    x, y, width, height = report.area
    assert report.size == (width, height)
    assert 0 <= x <= x + width <= SHAPE[1]
    assert 0 <= y <= y + height <= SHAPE[0]


def test_time_is_told_by_stage_and_memory_in_mb(report):
    assert {"survey", "fusion"} <= set(report.seconds)
    assert all(seconds >= 0 for seconds in report.seconds.values())
    assert 10 < report.peak_memory_mb < 100_000


def test_every_field_is_described():
    described = set(re.findall(r"^\| `(\w+)`", DOCUMENT.read_text(), re.MULTILINE))
    for kind in (Report, FrameReport, Coverage, Quality):
        assert {field.name for field in fields(kind)} <= described
    assert {"schema", "used"} <= described
    assert SCHEMA in DOCUMENT.read_text()
