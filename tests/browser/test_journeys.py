"""Whole journeys: the first stack, a lost link, a second phone, a rig that dies and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from phonepage import PATIENCE_S, PhonePage, RunningRig
from servedrig import ServedRig, served
from simrig import Rig

MOST_TAPS = 6
KILLED = 24  # frames of the bracket that dies at frame 11: a busy computer still comes in time


def test_the_first_visit_leads_to_the_first_stack_in_few_taps(phone: PhonePage, rig: RunningRig) -> None:
    """bench/first_visit.py measures how long it takes."""
    phone.live()
    phone.note_modes()
    phone.tap("#auto")
    phone.until("!document.querySelector('#shoot').disabled", "near and far found")
    found = rig.state()["plan"]
    phone.tap("#shoot")
    phone.mode("done")
    phone.until("document.querySelector('#see').classList.contains('primary')", "the stack")
    assert phone.page.evaluate("modes") == ["live", "capture", "done"]
    phone.tap("#see")

    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the picture")
    assert phone.taps <= MOST_TAPS
    bracket = rig.brackets()[0]
    assert bracket["outcome"] == "complete" and bracket["frames_done"] >= found["frames"] > 1
    phone.no_errors()


def test_three_taps_shoot_the_range_between_two_touched_details(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    picture = phone.page.locator("#live")
    for end, spot in (("near", {"x": 200, "y": 205}), ("far", {"x": 110, "y": 130})):
        picture.tap(position=spot)
        phone.until(f"document.querySelector('#{end}').classList.contains('set')", end)
        phone.until(f"!document.querySelector('#spot-{end}').hidden", f"what is {end}")
        phone.until(
            "!document.querySelector('#tap-hint').textContent.includes('Looking')", "the end of the sweep"
        )
    phone.tap("#shoot")

    phone.shooting()
    total = rig.state()["bracket"]["total"]
    assert total >= 2
    rig.stop()
    phone.mode("done")
    phone.no_errors()


def test_a_phone_that_left_at_frame_7_and_is_back_at_15_shows_frame_15(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.set_limits(19 * 48)
    phone.tap("#shoot")
    phone.shooting()
    rig.until(lambda s: s["bracket"]["done"] >= 7)
    phone.context.set_offline(True)
    phone.until("!document.querySelector('#banner').hidden", "the banner")
    rig.until(lambda s: s["bracket"]["done"] >= 15)
    phone.context.set_offline(False)
    phone.until("document.querySelector('#banner').hidden", "the link again")

    phone.until("document.querySelectorAll('#thumbs img').length >= 15", "every thumbnail missed")
    phone.mode("done")
    assert rig.brackets()[0]["frames_done"] == 20
    phone.no_errors()


@pytest.fixture
def patient(make_rig: Callable[..., Rig], tmp_path: Path) -> Iterator[ServedRig]:
    """A rig whose phone in control has all the time it wants for its answer."""
    with served(make_rig().workflow, tmp_path, answer_s=3600.0) as page:
        yield page


def test_a_second_phone_watches_asks_and_takes_control(
    new_phone: Callable[..., PhonePage], patient: ServedRig
) -> None:
    first, second = new_phone(at=patient), new_phone(at=patient)
    for one in (first, second):
        one.live()
    first.tap("[data-jog='1']")
    second.until("document.querySelector('#control').textContent.includes('is in control')", "the holder")
    assert second.page.locator("[data-jog='1']").is_disabled()

    second.tap("#control >> text=Take control")
    first.until("document.querySelector('#control').textContent.includes('asks for control')", "the question")
    # A slow page still says "watching" from before it asked: that would be taken for the refusal below.
    second.until(
        "document.querySelector('#control').textContent.includes('was asked')", "the answer to the asking"
    )
    first.tap("#control >> text=Keep")
    second.until("document.querySelector('#control').textContent.includes('watching')", "the refusal")
    second.tap("#control >> text=Take control")
    first.until("document.querySelector('#control').textContent.includes('asks for control')", "the question")
    first.tap("#control >> text=Hand over")

    second.until("!document.querySelector(\"[data-jog='1']\").disabled", "control")
    first.until("document.querySelector(\"[data-jog='1']\").disabled", "the first phone to watch")
    for one in (first, second):
        one.no_errors()


def test_a_rig_killed_at_frame_11_offers_to_go_on_after_the_restart(
    new_phone: Callable[..., PhonePage], start_rig: Callable[[], RunningRig]
) -> None:
    first = start_rig()
    first.shoot(frames=KILLED)
    first.until(lambda s: s["bracket"] and s["bracket"]["done"] >= 11)
    first.process.kill()
    first.process.wait(PATIENCE_S)
    second = start_rig()
    kept = second.brackets()[0]
    assert kept["outcome"] == "interrupted" and 11 <= kept["frames_done"] < KILLED

    phone = new_phone(at=second)
    phone.mode("done")
    phone.until("!document.querySelector('#resume-later').hidden", "the offer")
    phone.tap("#resume-later")
    second.until(lambda s: s["bracket"]["outcome"] == "complete")
    assert second.brackets()[0]["frames_done"] == KILLED
    phone.no_errors()
