"""A picture to be given away says nothing of where and whose, and need not be held in memory for that."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from rig.share import LEFT_OUT, Shareable
from stacker.formats.jpegsegments import without_segments


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A JPEG whose camera has told more than it should."""
    path = tmp_path / "fused.jpg"
    jpeg = cv2.imencode(".jpg", np.tile(np.arange(200, dtype=np.uint8), (100, 1)))[1].tobytes()
    private = b"Exif\0\0" + b"my garden " * 300
    told = b"\xff\xe1" + (len(private) + 2).to_bytes(2, "big") + private
    path.write_bytes(jpeg[:2] + told + jpeg[2:])
    return path


def test_it_is_the_picture_without_what_the_camera_wrote(picture: Path) -> None:
    with Shareable(picture) as shared:
        data = shared.read()

    assert data == without_segments(picture.read_bytes(), LEFT_OUT)
    assert b"garden" not in data and shared.size == len(data)


def test_a_piece_is_the_same_from_wherever_it_is_read(picture: Path) -> None:
    with Shareable(picture) as shared:
        whole = shared.read()
        for begin in range(0, shared.size, 13):
            shared.seek(begin)
            assert shared.read(100) == whole[begin : begin + 100]
        shared.seek(-2, os.SEEK_END)
        assert shared.read() == b"\xff\xd9" and shared.read() == b""
