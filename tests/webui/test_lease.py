"""One phone commands, the others watch and may ask; anybody may stop."""

from __future__ import annotations

import pytest
from flask import Flask
from simrig import Rig
from webphone import PIN, Phone

from webui.errors import AskedAlreadyError, NotInControlError
from webui.lease import ANSWER_S, LOST_S, Lease, Viewer

ANNA, BEA, CARL = Viewer("a", "Anna"), Viewer("b", "Bea"), Viewer("c", "Carl")


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def lease(time: Time) -> Lease:
    return Lease(time)


def test_the_first_command_takes_a_free_rig(lease: Lease) -> None:
    lease.command(ANNA)

    assert lease.see(ANNA).mine
    assert (lease.see(BEA).holder, lease.see(BEA).mine) == ("Anna", False)


def test_another_phone_cannot_command_meanwhile(lease: Lease) -> None:
    lease.command(ANNA)

    with pytest.raises(NotInControlError, match="Anna is in control"):
        lease.command(BEA)


def test_who_asks_gets_control_when_the_holder_says_nothing(lease: Lease, time: Time) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    time.now += ANSWER_S - 0.1
    assert lease.see(ANNA).mine
    time.now += 0.1

    assert lease.see(BEA).mine
    with pytest.raises(NotInControlError):
        lease.command(ANNA)


def test_the_holder_may_refuse(lease: Lease, time: Time) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    assert (lease.see(ANNA).asking, lease.see(ANNA).left_s) == ("Bea", ANSWER_S)
    lease.keep(ANNA)
    time.now += ANSWER_S

    assert lease.see(ANNA).mine and lease.see(ANNA).asking is None


def test_who_is_forgotten_holds_and_asks_for_nothing(lease: Lease, time: Time) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    lease.forget(BEA.id)
    time.now += ANSWER_S
    assert lease.see(ANNA).mine
    lease.forget(ANNA.id)

    assert lease.see(CARL).holder is None


def test_a_phone_sent_away_is_not_in_control_any_more(stranger: Phone, phone: Phone) -> None:
    stranger.post("/api/pair", {"pin": PIN})
    stranger.post("/api/focus", {"jog": 1})
    (paired,) = phone.get("/api/phones").json["phones"]
    phone.delete(f"/api/phones/{paired['id']}")

    assert phone.get("/api/control").json["holder"] is None


def test_the_holder_may_hand_over_at_once(lease: Lease) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    lease.release(ANNA)

    assert lease.see(BEA).mine


def test_only_one_may_ask_at_a_time(lease: Lease) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    lease.ask(BEA)  # impatience does no harm

    with pytest.raises(AskedAlreadyError, match="Bea"):
        lease.ask(CARL)


def test_who_does_not_hold_control_can_neither_keep_nor_give_it(lease: Lease) -> None:
    lease.command(ANNA)
    lease.ask(BEA)
    for act in (lease.keep, lease.release):
        with pytest.raises(NotInControlError):
            act(BEA)


def test_a_holder_that_was_not_heard_for_long_has_gone(lease: Lease, time: Time) -> None:
    lease.command(ANNA)
    time.now += LOST_S + 1

    lease.command(BEA)
    assert lease.see(BEA).mine


def test_an_open_page_keeps_control(lease: Lease, time: Time) -> None:
    lease.command(ANNA)
    for _ in range(10):
        time.now += LOST_S / 2
        lease.see(ANNA)

    assert lease.see(ANNA).mine


# --- through the pages --------------------------------------------------------------------------


@pytest.fixture
def paired(app: Flask) -> list[Phone]:
    phones = []
    for name in ("Anna", "Bea"):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = "10.42.0.77"
        phones.append(Phone(client))
        assert phones[-1].post("/api/pair", {"pin": PIN, "name": name}).json["paired"]
    return phones


def test_a_second_phone_is_refused_with_a_way_out(paired: list[Phone], rig: Rig) -> None:
    anna, bea = paired
    assert anna.post("/api/focus", {"jog": 1}).status_code == 200
    refused = bea.post("/api/focus", {"jog": 1})

    assert (refused.status_code, refused.json["action"]) == (409, "Take control")
    assert refused.json["detail"] == "Anna is in control of the rig."


def test_every_change_but_stopping_needs_control(app: Flask, paired: list[Phone]) -> None:
    from test_gate import every_operation
    from webphone import CHANGE

    from webui.security import OPEN_TO_VIEWERS, PUBLIC

    anna, bea = paired
    anna.post("/api/focus", {"jog": 0})
    for endpoint, method, address in every_operation(app):
        if method != "GET" and endpoint not in OPEN_TO_VIEWERS | PUBLIC:
            answer = bea.client.open(address, method=method, json={}, headers=CHANGE)
            assert (answer.status_code, answer.json["action"]) == (409, "Take control"), (method, address)


def test_stopping_is_open_to_every_phone(paired: list[Phone], rig: Rig) -> None:
    anna, bea = paired
    rig.set_limits(4)
    assert anna.post("/api/brackets", Idempotency_Key="a-key-of-mine").status_code == 202

    assert bea.post("/api/stop").status_code in (200, 409)  # 409: it had ended by itself
    assert "control" not in (bea.post("/api/stop").json.get("detail") or "")


def test_control_is_asked_for_and_given(paired: list[Phone]) -> None:
    anna, bea = paired
    anna.post("/api/control", {"take": True})
    assert bea.post("/api/control", {"take": True}).json["asking_mine"]
    assert anna.get("/api/control").json["asking"] == "Bea"
    anna.delete("/api/control")

    assert bea.get("/api/control").json == {
        "holder": "Bea", "mine": True, "asking": None, "asking_mine": False, "left_s": None,
    }  # fmt: skip


def test_a_program_on_the_rigs_computer_asks_nobody(paired: list[Phone], phone: Phone) -> None:
    anna, _ = paired
    anna.post("/api/control", {"take": True})
    assert phone.post("/api/focus", {"jog": 1}).status_code == 200
    phone.delete("/api/control")

    assert anna.get("/api/control").json["holder"] is None


def test_two_browsers_on_the_rigs_computer_are_two_viewers(app: Flask) -> None:
    first, second = Phone(app.test_client()), Phone(app.test_client())
    for browser in (first, second):
        browser.get("/")
    first.post("/api/focus", {"jog": 1})

    assert second.post("/api/focus", {"jog": 1}).status_code == 409
