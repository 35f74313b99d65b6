"""Live pictures: on demand, newest first, encoded once."""

from __future__ import annotations

import threading

import cv2
import numpy as np
import pytest

from rig.devices.camera import Exposure, Preview
from rig.errors import CameraError
from rig.pictures import crop, encode_jpeg, focus_score, jpeg_size, shrink, small_copy
from rig.previews import PreviewHub

PATIENCE_S = 60.0
NOISE = np.random.default_rng(1).integers(0, 255, (120, 160, 3), dtype=np.uint8)


class Source:
    """Pictures to be read, counted; None while busy."""

    def __init__(self):
        self.reads = 0
        self.busy = False
        self.failed = []

    def read(self):
        if self.busy:
            return None
        self.reads += 1
        return Preview(NOISE, self.reads, 0, Exposure(1, 1.0, (1.0, 1.0))), 40


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def hub(source):
    opened = PreviewHub(source.read, source.failed.append)
    opened.start()
    yield opened
    opened.close()


def test_nothing_is_read_before_somebody_asks(hub, source):
    hub.publish(NOISE)
    assert source.reads == 0


def test_who_asks_gets_a_picture_of_the_width_asked_for(hub):
    got = hub.get(0, 80, PATIENCE_S)
    assert jpeg_size(got.jpeg) == (80, 60)
    assert got.age_ms >= 40


def test_a_picture_is_not_made_larger_than_it_is(hub):
    assert jpeg_size(hub.get(0, 4000, PATIENCE_S).jpeg) == (160, 120)


def test_two_viewers_of_one_width_share_one_encoding(hub, source):
    source.busy = True
    hub.publish(NOISE)
    first, second = (hub.get(0, 80, PATIENCE_S) for _ in range(2))
    assert first.jpeg is second.jpeg


def test_a_picture_shown_unseen_is_looked_at_by_the_first_who_asks_and_by_nobody_else(hub, source):
    source.busy = True
    looked: list[int] = []
    for number in range(3):
        hub.publish_unseen(lambda number=number: looked.append(number) or NOISE)
    hub.get(0, 80, PATIENCE_S)
    hub.get(0, 80, PATIENCE_S)
    assert looked == [2]


def test_a_slow_viewer_skips_to_the_newest(hub, source):
    source.busy = True
    for _ in range(5):
        hub.publish(NOISE)
    assert hub.get(1, 80, PATIENCE_S).seq == 5


def test_without_news_the_answer_is_none_at_the_limit(hub, source):
    source.busy = True
    hub.publish(NOISE)
    assert hub.get(1, 80, 0.01) is None


def test_a_number_from_before_a_restart_is_answered_at_once(hub, source):
    source.busy = True
    hub.publish(NOISE)
    assert hub.get(999, 80, PATIENCE_S).seq == 1


def test_closing_lets_everybody_go(source):
    hub = PreviewHub(source.read, source.failed.append)
    source.busy = True
    hub.start()
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(hub.get(0, 80, PATIENCE_S)))
    waiter.start()
    hub.close()
    waiter.join(PATIENCE_S)
    assert answers == [None]


def test_a_camera_that_fails_is_told_of(source):
    told = threading.Event()

    def read():
        raise CameraError("the camera is gone")

    hub = PreviewHub(read, lambda error: told.set())
    hub.start()
    assert hub.get(0, 80, 0.2) is None
    assert told.wait(PATIENCE_S)
    hub.close()


def test_many_odd_widths_do_not_pile_up(hub, source):
    source.busy = True
    hub.publish(NOISE)
    for width in range(20, 60):
        hub.get(0, width, PATIENCE_S)
    assert len(hub._latest.encoded) <= 8


def test_blur_lowers_the_focus_score():
    blurred = cv2.GaussianBlur(NOISE, (0, 0), 2)
    assert 0 <= focus_score(blurred) < focus_score(NOISE) <= 1


@pytest.mark.parametrize("roi", [(0, 0, 0, 0), (2, 2, 1, 1), (-1, -1, 5, 5), (0.9, 0.9, 0.5, 0.5)])
def test_any_part_asked_for_is_a_picture(roi):
    part = crop(NOISE, roi)
    assert min(part.shape[:2]) >= 8


def test_a_small_copy_has_the_width_asked_for():
    jpeg = encode_jpeg(shrink(np.tile(NOISE, (4, 4, 1)), 640))
    assert small_copy(jpeg, 100).shape == (75, 100, 3)


@pytest.mark.parametrize(
    "junk", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00", b"no picture at all, but long enough"]
)
def test_what_is_no_picture_has_no_size_and_no_copy(junk):
    assert jpeg_size(junk) == (0, 0)
    assert small_copy(junk, 100) is None
