"""Brackets of another camera's card, through the API: ids and numbers only, each order once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakecard import FakeCard, state_of, two_brackets
from flask import Flask
from simrig import PATIENCE_S, Rig
from test_openapi import DESCRIPTION, fits
from webphone import PIN, Phone

from webui import PageSettings, create_app

KEY = "0123456789abcdef"
QUICK = {"method": "average", "align": "none"}


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    """Two brackets of 4 and 5 frames."""
    return two_brackets(tmp_path / "EOS_DIGITAL")


@pytest.fixture
def rig(make_rig: Callable[..., Rig], card: FakeCard) -> Rig:
    return make_rig({"sources.folders": [str(card.root)]})


@pytest.fixture
def app(rig: Rig, tmp_path: Path) -> Flask:
    return create_app(rig.workflow, PageSettings(tmp_path / "phones", pin=PIN))


def scanned(rig: Rig, phone: Phone) -> dict[str, Any]:
    """The only source, looked through."""
    source = phone.get("/api/sources").json["sources"][0]
    assert phone.post(f"/api/sources/{source['id']}/scan").status_code == 202
    assert rig.workflow.imports.wait_idle(PATIENCE_S)
    found: dict[str, Any] = phone.get(f"/api/sources/{source['id']}").json
    return found


def order(phone: Phone, source: dict[str, Any], *ends: tuple[int, int], key: str = KEY) -> Any:
    brackets = [{"first": first, "last": last} for first, last in ends]
    body = {"source": source["id"], "scan": source["scan"]["id"], "brackets": brackets, "settings": QUICK}
    return phone.post("/api/imports", body, Idempotency_Key=key)


def stacked(rig: Rig, phone: Phone, job: str) -> dict[str, Any]:
    assert rig.workflow.imports.wait_idle(PATIENCE_S) and rig.workflow.wait_stacked(PATIENCE_S)
    view: dict[str, Any] = phone.get(f"/api/jobs/{job}").json
    return view


def test_a_card_is_listed_looked_through_and_its_brackets_told(rig: Rig, phone: Phone) -> None:
    before = phone.get("/api/sources").json["sources"][0]
    assert (before["name"], before["kind"], before["scan"]) == ("EOS_DIGITAL", "folder", None)
    found = scanned(rig, phone)

    assert (found["scan"]["frames"], found["scan"]["brackets"]) == (9, 2)
    assert [(g["first"], g["last"], g["bracket"]) for g in found["groups"]] == [(0, 3, True), (4, 8, True)]
    assert found["frames"]["names"][4] == "IMG_0005.JPG" and found["frames"]["times"][0] is not None
    assert "frames" not in phone.get(f"/api/sources/{found['id']}?frames=0").json


def test_no_answer_tells_a_path(rig: Rig, phone: Phone, card: FakeCard) -> None:
    found = scanned(rig, phone)
    jobs = order(phone, found, (0, 3)).json["jobs"]
    stacked(rig, phone, jobs[0])
    addresses = [
        "/api/sources",
        f"/api/sources/{found['id']}",
        "/api/jobs",
        f"/api/jobs/{jobs[0]}",
        f"/cards/{found['id']}",
    ]

    for address in addresses:
        assert str(card.root) not in phone.get(address).text and "DCIM" not in phone.get(address).text


def test_frames_have_small_pictures_that_a_phone_may_keep(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)
    answer = phone.get(f"/api/sources/{found['id']}/frames/0.jpg?scan={found['scan']['id']}&v=1")

    assert answer.mimetype == "image/jpeg" and answer.data.startswith(b"\xff\xd8\xff")
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_picture_that_is_not_there_is_a_problem(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)
    frames = f"/api/sources/{found['id']}/frames"

    assert phone.get(f"{frames}/99.jpg?scan={found['scan']['id']}").status_code == 404
    assert phone.get(f"{frames}/0.jpg?scan=00000000").status_code == 409
    assert phone.get(f"{frames}/0.jpg?scan=../..").status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "/api/sources/..%2f..",
        "/api/sources/s0",
        "/api/sources/s0123abcd/frames/..%2f0.jpg",
        "/cards/EOS_DIGITAL",
    ],
)
def test_only_ids_and_numbers_stand_in_addresses(phone: Phone, address: str) -> None:
    assert phone.get(address).status_code == 404


def test_brackets_are_stacked_in_the_order_asked_and_the_card_is_as_it_was(
    rig: Rig, phone: Phone, card: FakeCard
) -> None:
    before = state_of(card.root)
    found = scanned(rig, phone)
    answer = order(phone, found, (4, 8), (0, 3))
    jobs = [stacked(rig, phone, job) for job in answer.json["jobs"]]

    assert answer.status_code == 202 and [job["state"] for job in jobs] == ["done", "done"]
    listed = phone.get("/api/brackets").json["brackets"]
    assert [one["frames_done"] for one in listed] == [4, 5]  # newest first
    assert {one["imported"] for one in listed} == {"EOS_DIGITAL"}
    assert phone.get(f"/api/brackets/{jobs[0]['bracket']}/results/r01/fused").status_code == 200
    assert state_of(card.root) == before


def test_what_was_imported_is_recognised_when_the_card_comes_again(rig: Rig, phone: Phone) -> None:
    job = stacked(rig, phone, order(phone, scanned(rig, phone), (0, 3)).json["jobs"][0])
    again = scanned(rig, phone)

    assert [group["bracket_id"] for group in again["groups"]] == [job["bracket"], None]


def test_the_same_key_is_the_same_jobs(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)

    assert order(phone, found, (0, 3)).json["jobs"] == order(phone, found, (0, 3)).json["jobs"]
    rig.workflow.imports.wait_idle(PATIENCE_S)
    assert phone.get("/api/brackets").json["total"] == 1


def test_an_order_needs_a_key(rig: Rig, phone: Phone) -> None:
    assert order(phone, scanned(rig, phone), (0, 3), key="").status_code == 400


WRONG_ORDERS: list[dict[str, Any]] = [
    {"source": "../etc"}, {"scan": "x"}, {"source": 7}, {"brackets": []}, {"brackets": {}}, {"brackets": None},
    {"brackets": [{"first": 0}]}, {"brackets": [{"first": "0", "last": 3}]}, {"brackets": [[0, 3]]},
    {"brackets": [{"first": True, "last": 3}]}, {"brackets": [{"first": 0, "last": 3, "path": "/etc"}]},
    {"brackets": [{"first": 0, "last": 3}] * 101}, {"path": "/etc/passwd"}, {"settings": []},
]  # fmt: skip


def test_an_order_that_makes_no_sense_is_refused(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)
    right = {"source": found["id"], "scan": found["scan"]["id"], "brackets": [{"first": 0, "last": 3}]}
    for wrong in WRONG_ORDERS:
        assert phone.post("/api/imports", right | wrong, Idempotency_Key=KEY).status_code == 400, wrong
    assert phone.get("/api/brackets").json["total"] == 0


def test_frames_that_are_no_bracket_are_unprocessable(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)
    for ends in ((0, 99), (-1, 3), (3, 3), (8, 0)):
        answer = order(phone, found, ends)
        assert answer.status_code == 422 and "no bracket" in answer.json["detail"], ends


def test_numbers_of_an_earlier_scan_are_a_conflict(rig: Rig, phone: Phone) -> None:
    first = scanned(rig, phone)
    scanned(rig, phone)

    assert order(phone, first, (0, 3)).status_code == 409


def test_a_full_rig_says_so_before_anything_is_copied(
    make_rig: Callable[..., Rig], card: FakeCard, tmp_path: Path
) -> None:
    rig = make_rig({"sources.folders": [str(card.root)], "store.reserve_mb": 0}, free=lambda _: 1000)
    phone = Phone(create_app(rig.workflow, PageSettings(tmp_path / "p", pin=PIN)).test_client())

    assert order(phone, scanned(rig, phone), (0, 3)).status_code == 507


def test_a_card_that_is_gone_and_a_job_of_yesterday_are_not_found(phone: Phone) -> None:
    assert phone.get("/api/sources/s00000000").status_code == 404
    assert phone.post("/api/sources/s00000000/scan").status_code == 404
    assert phone.get("/api/jobs/j00000000").status_code == 404
    assert phone.delete("/api/jobs/j00000000").status_code == 404


def test_a_job_can_be_called_off_and_is_over_then(rig: Rig, phone: Phone) -> None:
    jobs = order(phone, scanned(rig, phone), (0, 3), (4, 8)).json["jobs"]

    assert phone.delete(f"/api/jobs/{jobs[1]}").status_code == 200
    assert stacked(rig, phone, jobs[1])["state"] in ("cancelled", "done")
    assert [job["id"] for job in phone.get("/api/jobs").json["jobs"] if job["kind"] == "import"]


def test_answers_fit_the_description(rig: Rig, phone: Phone) -> None:
    found = scanned(rig, phone)
    job = order(phone, found, (0, 3)).json["jobs"][0]
    stacked(rig, phone, job)
    addresses = {
        "/api/sources": "/api/sources", "/api/sources/{source_id}": f"/api/sources/{found['id']}",
        "/api/jobs": "/api/jobs", "/api/jobs/{job_id}": f"/api/jobs/{job}",
    }  # fmt: skip
    for path, address in addresses.items():
        answer = DESCRIPTION["paths"][path]["get"]["responses"]["200"]
        schema = answer["content"]["application/json"]["schema"]
        assert fits(phone.get(address).json, schema), path
