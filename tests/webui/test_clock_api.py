"""A phone tells the rig the time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from simrig import Rig
from webphone import Phone

HOUR_S = 3600


def test_the_phones_time_is_taken_and_what_was_shot_before_is_dated(rig: Rig, phone: Phone) -> None:
    if rig.workflow.time.source != "own":
        pytest.skip("the clock of this computer is synchronised: nobody needs to tell it the time")
    bracket = rig.shoot(frames=2)
    now = time.time() + HOUR_S
    answer = phone.post("/api/clock", {"now": now, "tz": "Europe/Berlin"}).json

    assert answer == {"taken": True, "dated": 1, "clock": "phone"}
    assert phone.get(f"/api/brackets/{bracket}").json["dated_later"] is True
    about = phone.get("/api/about").json
    assert about["clock"] == "phone" and abs(about["now"] - now) < HOUR_S / 2


@pytest.mark.parametrize(
    "odd",
    [{}, {"now": "noon"}, {"now": True}, {"now": 1e400}, {"now": None}, {"now": 1e9, "tz": 5},
     {"now": 1e9, "tz": "x" * 65}, {"now": 1e9, "zone": "UTC"}],
)  # fmt: skip
def test_what_is_no_time_is_refused(phone: Phone, odd: Any) -> None:
    assert phone.post("/api/clock", odd).status_code == 400


def test_a_time_far_from_now_is_refused(phone: Phone) -> None:
    assert phone.post("/api/clock", {"now": 1.0}).status_code == 422


def test_a_phone_that_is_not_paired_may_not_tell_the_time(stranger: Phone) -> None:
    assert stranger.post("/api/clock", {"now": time.time()}).status_code == 401
