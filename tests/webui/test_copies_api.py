"""Brackets copied to a stick, through the API: ids only, each order once, by the phone in control."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakecomputer import Computer
from flask import Flask
from keptbrackets import put_brackets
from simrig import PATIENCE_S, Rig
from test_openapi import DESCRIPTION, fits
from webphone import PIN, Phone

from webui import PageSettings, create_app

KEY = "0123456789abcdef"


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    computer = Computer(tmp_path / "computer")
    computer.stick("STICK")
    return computer


@pytest.fixture
def ids(tmp_path: Path) -> list[str]:
    return put_brackets(tmp_path / "data", 1, 0)


@pytest.fixture
def rig(make_rig: Callable[..., Rig], computer: Computer, ids: list[str]) -> Rig:
    return make_rig(mounts=computer.mounts)


@pytest.fixture
def app(rig: Rig, tmp_path: Path) -> Flask:
    return create_app(rig.workflow, PageSettings(tmp_path / "phones", pin=PIN))


def order(phone: Phone, key: str = KEY, **body: Any) -> Any:
    target = phone.get("/api/targets").json["targets"][0]["id"]
    return phone.post("/api/copies", {"target": target, **body}, Idempotency_Key=key)


def ended(rig: Rig, phone: Phone) -> Any:
    assert rig.workflow.copies.wait_idle(PATIENCE_S)
    return phone.get("/api/state").json["copy"]


def test_a_stick_is_listed_and_brackets_are_copied_to_it(
    rig: Rig, phone: Phone, computer: Computer, ids: list[str]
) -> None:
    (target,) = phone.get("/api/targets").json["targets"]
    assert (target["name"], target["kind"], target["problem"]) == ("STICK", "stick", None)
    assert target["free"] > 0
    answer = order(phone, brackets=ids[:1], frames=True)
    copied = ended(rig, phone)

    assert answer.status_code == 202 and answer.json["id"] == copied["id"]
    assert (copied["to"], copied["state"]) == ("STICK", "done")
    assert copied["message_said"]["code"] == "copy.done"
    listed = {one["id"]: one["copied"] for one in phone.get("/api/brackets").json["brackets"]}
    assert listed[ids[0]]["to"] == "STICK" and listed[ids[1]] is None


def test_without_ids_everything_is_copied_and_the_same_key_does_it_once(
    rig: Rig, phone: Phone, ids: list[str]
) -> None:
    first = order(phone, frames=True).json["id"]
    ended(rig, phone)

    assert order(phone, frames=True).json["id"] == first
    assert all(one["copied"] for one in phone.get("/api/brackets").json["brackets"])


def test_no_answer_tells_a_path(rig: Rig, phone: Phone, computer: Computer) -> None:
    computer.pull_out()
    computer.mount("8:1", name="STICK", options="ro")

    assert str(computer.root) not in phone.get("/api/targets").text
    refused = order(phone)
    assert refused.status_code == 409 and str(computer.root) not in refused.text


WRONG: list[dict[str, Any]] = [
    {"target": "../mnt"}, {"target": 7}, {"path": "/mnt"}, {"brackets": []}, {"brackets": None}, {"brackets": [7]},
    {"brackets": ["../b000001"]}, {"brackets": {"b000001": 1}}, {"brackets": ["b000001"] * 201}, {"frames": "yes"},
]  # fmt: skip


def test_an_order_that_makes_no_sense_is_refused(phone: Phone) -> None:
    for wrong in WRONG:
        assert order(phone, **wrong).status_code == 400, wrong
    assert order(phone, key="").status_code == 400
    assert phone.get("/api/state").json["copy"] is None


def test_what_is_not_there_is_not_found(phone: Phone) -> None:
    assert order(phone, target="s00000000").status_code == 404
    assert order(phone, brackets=["b999999"]).status_code == 404
    assert phone.delete("/api/copies/j00000000").status_code == 404


def test_only_the_phone_in_control_may_copy(rig: Rig, app: Flask) -> None:
    first, second = Phone(app.test_client()), Phone(app.test_client())
    for one in (first, second):
        one.get("/gallery")
    assert order(first).status_code == 202

    assert order(second, key="another-key").status_code == 409
    assert second.delete("/api/copies/j00000000").status_code == 409


def test_answers_fit_the_description_and_a_state_stays_short(rig: Rig, phone: Phone) -> None:
    job = order(phone, frames=True).json["id"]
    copied = ended(rig, phone)
    schemas = DESCRIPTION["components"]["schemas"]

    assert fits(phone.get("/api/targets").json, schemas["TargetList"])
    assert fits(copied, schemas["CopyProgress"]) and len(str(copied)) < 400
    assert fits(phone.get("/api/brackets").json, schemas["BracketList"])
    assert phone.delete(f"/api/copies/{job}").status_code == 200  # is over, and stays so
    assert phone.get("/api/state").json["copy"]["state"] == "done"
