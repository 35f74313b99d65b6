"""A phone comes in by the PIN or by the rig's button, and by nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from webphone import PIN, Phone

from webui.errors import (
    AskedTooOftenError,
    ButtonConflictError,
    NoSuchThingError,
    TooManyTriesError,
    WrongPinError,
)
from webui.pairing import BUTTON_WINDOW_S, FIRST_WAIT_S, FREE_TRIES, INVITATION_S, Pairing


class Clocks:
    """Wall clock and monotonic clock that move when told."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.run_s = 0.0

    def go(self, seconds: float) -> None:
        self.wall_s += seconds
        self.run_s += seconds


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def door(tmp_path: Path, clocks: Clocks) -> Pairing:
    return Pairing(tmp_path / "phones.json", PIN, now=lambda: clocks.wall_s, clock=lambda: clocks.run_s)


def guess_wrong(door: Pairing, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPinError):
            door.with_pin("000000", "thief")


def test_the_right_pin_gives_a_token_that_is_known_from_then_on(door: Pairing) -> None:
    token = door.with_pin(PIN, "Anna's phone")

    phone = door.phone(token)
    assert phone is not None and phone.name == "Anna's phone"


def test_a_name_has_nothing_that_turns_what_is_written_beside_it_round(door: Pairing) -> None:
    door.with_pin(PIN, "\u202eAnna\x1b[2J\n\u200b's  phone\0")

    assert door.phones()[0].name == "Anna[2J 's phone"


def test_no_token_is_known_but_those_given(door: Pairing) -> None:
    door.with_pin(PIN, "a")

    assert door.phone("guessed") is None


def test_the_file_holds_no_token(door: Pairing, tmp_path: Path) -> None:
    token = door.with_pin(PIN, "a")

    assert token not in (tmp_path / "phones.json").read_text()


def test_nobody_else_may_read_the_file(door: Pairing, tmp_path: Path) -> None:
    door.with_pin(PIN, "a")

    assert (tmp_path / "phones.json").stat().st_mode & 0o077 == 0


def test_a_paired_phone_is_still_paired_after_a_restart(door: Pairing, tmp_path: Path) -> None:
    token = door.with_pin(PIN, "a")

    assert Pairing(tmp_path / "phones.json", PIN).phone(token) is not None


def test_a_damaged_file_means_pairing_anew_and_not_a_rig_that_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "phones.json").write_text('[{"id": 1, "nam')

    assert Pairing(tmp_path / "phones.json", PIN).phones() == ()


def test_after_five_wrong_pins_even_the_right_one_has_to_wait(door: Pairing, clocks: Clocks) -> None:
    guess_wrong(door, FREE_TRIES)

    with pytest.raises(TooManyTriesError) as refused:
        door.with_pin(PIN, "owner")
    assert refused.value.retry_after_s is not None and refused.value.retry_after_s <= FIRST_WAIT_S + 1
    clocks.go(FIRST_WAIT_S)
    assert door.with_pin(PIN, "owner")


def test_each_further_wrong_pin_doubles_the_wait(door: Pairing, clocks: Clocks) -> None:
    guess_wrong(door, FREE_TRIES)
    clocks.go(FIRST_WAIT_S)
    guess_wrong(door, 1)
    clocks.go(FIRST_WAIT_S)

    with pytest.raises(TooManyTriesError):
        door.with_pin(PIN, "owner")


def test_a_press_lets_the_waiting_phone_in_and_means_nothing_else(door: Pairing) -> None:
    ticket = door.ask_button("a")

    assert door.collect(ticket) is None
    assert door.press() is True
    token = door.collect(ticket)
    assert token is not None and door.phone(token) is not None


def test_a_press_without_a_waiting_phone_is_left_to_the_rig(door: Pairing) -> None:
    assert door.press() is False


def test_a_second_press_is_the_rigs_again(door: Pairing) -> None:
    door.ask_button("a")
    door.press()

    assert door.press() is False


def test_the_window_closes_by_itself(door: Pairing, clocks: Clocks) -> None:
    ticket = door.ask_button("a")
    clocks.go(BUTTON_WINDOW_S + 1)

    assert door.press() is False
    with pytest.raises(NoSuchThingError):
        door.collect(ticket)


def test_of_two_phones_that_wait_at_once_none_comes_in_by_the_button(door: Pairing) -> None:
    first = door.ask_button("owner")
    with pytest.raises(ButtonConflictError):
        door.ask_button("stranger")

    assert door.press() is False
    with pytest.raises(NoSuchThingError):
        door.collect(first)


def test_who_mixed_with_another_phone_does_not_come_in_by_asking_once_more(
    door: Pairing, clocks: Clocks
) -> None:
    door.ask_button("owner, on the way to the button")
    for _ in range(2):
        with pytest.raises(ButtonConflictError):
            door.ask_button("thief")
    assert door.press() is False
    clocks.go(BUTTON_WINDOW_S)

    assert door.ask_button("owner")


def test_nobody_can_wait_for_the_button_all_day(door: Pairing, clocks: Clocks) -> None:
    waited_s, day_s = 0.0, 8 * 3600.0
    while clocks.run_s < day_s:
        try:
            door.ask_button("thief, until the photographer presses it to shoot")
            waited_s += BUTTON_WINDOW_S
            clocks.go(BUTTON_WINDOW_S + 1)
        except AskedTooOftenError as refused:
            clocks.go(refused.retry_after_s)

    assert waited_s < 0.02 * day_s


def test_a_phone_that_came_in_by_the_button_makes_the_next_one_wait_no_longer(door: Pairing) -> None:
    for _ in range(FREE_TRIES + 1):
        ticket = door.ask_button("a")
        door.press()
        assert door.collect(ticket) is not None


def test_a_ticket_is_good_for_one_phone(door: Pairing) -> None:
    ticket = door.ask_button("a")
    door.press()
    door.collect(ticket)

    with pytest.raises(NoSuchThingError):
        door.collect(ticket)


def test_a_session_ends_after_its_days(door: Pairing, clocks: Clocks) -> None:
    token = door.with_pin(PIN, "a")
    clocks.go(91 * 86400)

    assert door.phone(token) is None


def test_a_phone_paired_before_the_clock_was_set_is_not_thrown_out_when_it_is(
    door: Pairing, clocks: Clocks
) -> None:
    clocks.wall_s = 86400.0  # 1970: a Pi without a clock chip
    token = door.with_pin(PIN, "a")
    clocks.wall_s = 1_800_000_000.0

    assert door.phone(token) is not None


def test_a_forgotten_phone_has_to_pair_again(door: Pairing) -> None:
    token = door.with_pin(PIN, "a")
    door.revoke(door.phones()[0].id)

    assert door.phone(token) is None


def test_the_pages_open_after_the_pin(stranger: Phone) -> None:
    assert stranger.get("/api/pair").json == {"paired": False}
    assert stranger.post("/api/pair", {"pin": PIN}).status_code == 200

    assert stranger.get("/api/state").status_code == 200
    assert stranger.get("/api/pair").json == {"paired": True}


def test_a_wrong_pin_is_a_problem_in_words(stranger: Phone) -> None:
    answer = stranger.post("/api/pair", {"pin": "000000"})

    assert answer.status_code == 403 and answer.content_type == "application/problem+json"
    assert "PIN" in json.loads(answer.data)["detail"]


def test_the_pages_open_after_a_press_of_the_rigs_own_button(stranger: Phone, pairing: Pairing) -> None:
    ticket = stranger.post("/api/pair", {"button": True, "name": "Anna"}).json["ticket"]
    assert stranger.post(f"/api/pair/{ticket}").json == {"paired": False}
    pairing.press()

    assert stranger.post(f"/api/pair/{ticket}").json == {"paired": True}
    assert [p["name"] for p in stranger.get("/api/phones").json["phones"]] == ["Anna"]


def test_a_phone_may_be_sent_away_from_another(stranger: Phone, phone: Phone) -> None:
    stranger.post("/api/pair", {"pin": PIN})
    (listed,) = phone.get("/api/phones").json["phones"]
    phone.delete(f"/api/phones/{listed['id']}")

    assert stranger.get("/api/state").status_code == 401


def test_an_invitation_runs_out(door: Pairing, clocks: Clocks) -> None:
    word = door.invite()
    clocks.go(INVITATION_S + 1)

    with pytest.raises(NoSuchThingError):
        door.with_invitation(word, "late")


def test_a_newer_invitation_takes_the_place_of_the_older(door: Pairing) -> None:
    older, newer = door.invite(), door.invite()

    with pytest.raises(NoSuchThingError):
        door.with_invitation(older, "a")
    assert door.phone(door.with_invitation(newer, "b")) is not None


def test_without_an_invitation_no_word_counts(door: Pairing) -> None:
    for word in ("", "guessed"):
        with pytest.raises(NoSuchThingError):
            door.with_invitation(word, "thief")
