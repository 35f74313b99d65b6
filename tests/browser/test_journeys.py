"""Whole journeys: the first stack, a lost link, a second phone, a rig that dies and comes back."""

from __future__ import annotations

from collections.abc import Callable

from phonepage import PhonePage, RunningRig

MOST_TAPS = 6


def test_the_first_visit_leads_to_the_first_stack_in_few_taps(phone: PhonePage) -> None:
    taps = ["#auto", "#shoot", "#see"]
    assert len(taps) <= MOST_TAPS
    phone.live()
    phone.tap("#auto")
    phone.until("!document.querySelector('#shoot').disabled", "near and far found")
    phone.tap("#shoot")
    phone.mode("done")
    phone.until("document.querySelector('#see').classList.contains('primary')", "the stack")
    phone.tap("#see")

    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the picture")
    phone.no_errors()


def test_a_touched_detail_becomes_near_and_keeps_its_picture(phone: PhonePage) -> None:
    phone.live()
    phone.page.locator("#live").tap(position={"x": 200, "y": 150})

    phone.until("document.querySelector('#near').classList.contains('set')", "near")
    phone.until("!document.querySelector('#chip-near').hidden", "what is near")
    phone.no_errors()


def test_a_phone_that_left_at_frame_7_and_is_back_at_15_shows_frame_15(
    phone: PhonePage, rig: RunningRig
) -> None:
    phone.live()
    phone.set_limits(19 * 48)
    phone.tap("#shoot")
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


def test_a_second_phone_watches_asks_and_takes_control(
    phone: PhonePage, new_phone: Callable[..., PhonePage], rig: RunningRig
) -> None:
    phone.live()
    phone.tap("[data-jog='1']")
    phone.until("fetch('/api/control').then(a => a.json()).then(c => c.mine)")
    second = new_phone()
    second.live()
    second.until("!document.querySelector('#control').hidden", "who is in control")
    assert second.page.locator("[data-jog='1']").is_disabled()

    second.tap("#control >> text=Take control")
    phone.until("document.querySelector('#control').textContent.includes('asks for control')", "the question")
    phone.tap("#control >> text=Keep")
    second.until("document.querySelector('#control').textContent.includes('watching')", "the refusal")
    second.tap("#control >> text=Take control")
    phone.until("document.querySelector('#control').textContent.includes('asks for control')", "the question")
    phone.tap("#control >> text=Hand over")

    second.until("!document.querySelector(\"[data-jog='1']\").disabled", "control")
    phone.until("document.querySelector(\"[data-jog='1']\").disabled", "the first phone to watch")
    second.tap("[data-jog='1']")
    rig.until(lambda s: s["state"] == "idle")
    for one in (phone, second):
        one.no_errors()


def test_a_rig_killed_at_frame_11_offers_to_go_on_after_the_restart(
    new_phone: Callable[..., PhonePage], start_rig: Callable[[], RunningRig]
) -> None:
    first = start_rig()
    first.shoot(frames=16)
    first.until(lambda s: s["bracket"] and s["bracket"]["done"] >= 11)
    first.process.kill()
    first.process.wait()
    second = start_rig()
    kept = second.brackets()[0]
    assert kept["outcome"] == "interrupted" and 11 <= kept["frames_done"] < 16

    phone = new_phone(at=second)
    phone.mode("done")
    phone.until("!document.querySelector('#resume-later').hidden", "the offer")
    phone.tap("#resume-later")
    second.until(lambda s: s["bracket"]["outcome"] == "complete")
    assert second.brackets()[0]["frames_done"] == 16
    phone.no_errors()
