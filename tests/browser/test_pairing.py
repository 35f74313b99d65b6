"""A phone comes in: by the PIN, by the rig's button, or by the code on another phone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from phonepage import PhonePage
from servedrig import PIN, served
from simrig import small_rig
from test_accessibility import check_state

from rig.devices.panel_sim import SimPanel
from webui import Pairing

# Whatever was forwarded does not come from the rig's own computer: this browser is a stranger there.
STRANGER = {"extra_http_headers": {"X-Forwarded-For": "10.42.0.77"}}


@dataclass
class Served:
    """A rig and its button."""

    url: str
    panel: SimPanel


@contextmanager
def rig_behind_a_door(
    make_rig, folder: Path, clock: Callable[[], float] = time.monotonic, **settings: bool
) -> Iterator[Served]:
    """A rig whose button pairs."""
    pairing = Pairing(folder / "phones.json", PIN, clock=clock)
    panels: list[SimPanel] = []

    def build(settings):
        devices = small_rig(settings)
        assert isinstance(devices.panel, SimPanel)
        panels.append(devices.panel)
        return devices

    rig = make_rig(settings, build=build, press_taken=pairing.press)
    with served(rig.workflow, folder, pairing) as page:
        yield Served(page.url, panels[0])


@pytest.fixture
def served_rig(make_rig, tmp_path: Path) -> Iterator[Served]:
    with rig_behind_a_door(make_rig, tmp_path) as rig:
        yield rig


@pytest.fixture
def looking_rig(make_rig, tmp_path: Path) -> Iterator[Served]:
    with rig_behind_a_door(make_rig, tmp_path, **{"web.look_only": True}) as rig:
        yield rig


def is_in(phone: PhonePage) -> None:
    """The phone shows the live picture of the rig."""
    phone.until("document.body.dataset.mode === 'live'", "the Shoot page")
    phone.no_errors()


def test_a_stranger_is_led_to_the_door_and_in_by_the_pin(
    new_phone: Callable[..., PhonePage], served_rig: Served
) -> None:
    phone = new_phone(at=served_rig, path="more", **STRANGER)
    assert phone.page.url.endswith("/pair")
    phone.page.locator("#pin").fill("123456")
    phone.tap("#pin-form [type=submit]")
    phone.until("document.querySelector('#pin-state').textContent.includes('not the PIN')", "the refusal")
    phone.page.locator("#pin").fill(PIN)
    phone.tap("#pin-form [type=submit]")

    is_in(phone)


def test_the_rigs_button_lets_the_phone_in_and_shoots_nothing(
    new_phone: Callable[..., PhonePage], served_rig: Served
) -> None:
    phone = new_phone(at=served_rig, **STRANGER)
    phone.tap("#ask")
    phone.until(
        "document.querySelector('#button-state').textContent.includes('Press the button')", "the wait"
    )
    phone.page.reload()  # as a phone does that comes back from another app; it is no second phone
    phone.until(
        "document.querySelector('#button-state').textContent.includes('Press the button')", "the wait again"
    )
    served_rig.panel.press()

    is_in(phone)
    assert phone.page.evaluate("fetch('/api/brackets').then(a => a.json()).then(b => b.total)") == 0


def test_the_ring_tells_how_long_the_button_is_waited_for(
    new_phone: Callable[..., PhonePage], make_rig, tmp_path: Path
) -> None:
    now = time.time()
    with rig_behind_a_door(make_rig, tmp_path, clock=lambda: 0.0) as rig:
        phone = new_phone(at=rig, **STRANGER)
        phone.page.clock.set_fixed_time(now)
        phone.tap("#ask")
        phone.until("document.querySelector('#left').textContent === '30'", "the seconds")
        phone.page.clock.set_fixed_time(now + 12)
        phone.page.reload()
        phone.until("document.querySelector('#left').textContent === '18'", "what is left, after a reload")
        assert phone.page.evaluate("document.querySelector('#ring').style.strokeDashoffset") == "-12"
        assert phone.page.get_by_role("timer").inner_text() == "18"
        check_state(phone)
        phone.page.clock.set_fixed_time(now + 31)
        phone.until("document.querySelector('#ask').checkVisibility()", "another chance")

        assert phone.text("#ask") == "Once more" and "not pressed in time" in phone.text("#button-state")
        phone.no_errors()


def test_a_paired_phone_shows_a_code_that_lets_another_one_in(
    new_phone: Callable[..., PhonePage], served_rig: Served
) -> None:
    inside = new_phone(at=served_rig)
    inside.page.goto(served_rig.url.replace("127.0.0.1", "10.42.0.1") + "more")
    inside.tap("#part-network > summary")
    with inside.page.expect_response("**/api/network/invitation") as answer:
        inside.tap("#invite")
    inside.until("document.querySelector('#invite-code').width > 200", "the code")
    second = new_phone(at=served_rig, **STRANGER)
    second.page.goto(answer.value.json()["address"])

    is_in(second)
    assert "k=" not in second.page.url
    inside.no_errors()


def test_the_code_is_not_offered_at_an_address_that_leads_nowhere(
    new_phone: Callable[..., PhonePage], served_rig: Served
) -> None:
    phone = new_phone(at=served_rig, path="more")
    phone.tap("#part-network > summary")
    phone.until("document.querySelector('#invite').disabled", "the refusal")

    assert "leads nowhere" in phone.text("#invite-how")


def test_where_it_is_allowed_a_stranger_looks_and_commands_nothing(
    new_phone: Callable[..., PhonePage], looking_rig: Served
) -> None:
    phone = new_phone(at=looking_rig, **STRANGER)
    phone.until("fieldstack.live.drawn > 0", "the live picture")
    phone.until("document.querySelector('#control').textContent.includes('only look')", "what this phone may")
    assert phone.page.locator("#shoot").is_hidden() and phone.page.locator("#near").is_disabled()
    check_state(phone)
    phone.tap(".bar a[href='/gallery']")
    phone.until("!document.querySelector('#empty').hidden", "the empty gallery")
    phone.tap("#control a")
    phone.until("location.pathname === '/pair'", "the door")
    phone.tap("#look")

    is_in(phone)
