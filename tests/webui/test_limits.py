"""Places for what holds a server thread: few, and shared fairly."""

from __future__ import annotations

import pytest

from rig.saying import plain
from webui.errors import TooManyViewersError
from webui.limits import Slots


@pytest.fixture
def slots() -> Slots:
    return Slots(8, plain("live pictures"))


def taken_by(slots: Slots, client: str, guest: bool = False) -> int:
    """How many places this client gets until it is refused."""
    for count in range(100):
        try:
            slots.take(client, guest)
        except TooManyViewersError:
            return count
    raise AssertionError("it was never refused")


def test_one_client_gets_half_of_the_places_and_another_the_rest(slots: Slots) -> None:
    assert [taken_by(slots, client) for client in ("a", "b", "c")] == [4, 4, 0]


def test_guests_together_get_half(slots: Slots) -> None:
    assert [taken_by(slots, client, guest=True) for client in ("a", "b")] == [4, 0]


def test_a_place_given_back_is_there_again_for_the_same_client(slots: Slots) -> None:
    taken_by(slots, "a")
    slots.give_back("a")

    assert taken_by(slots, "a") == 1


def test_a_browser_with_two_pages_has_two_places_however_few_there_are() -> None:
    assert taken_by(Slots(2, plain("live pictures")), "a") == 2
