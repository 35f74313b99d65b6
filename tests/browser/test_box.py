"""A box is drawn on the live picture with a finger or by buttons, and Auto finds near and far in it alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from phonepage import PhonePage, RunningRig

BOX = "JSON.parse(sessionStorage.getItem('box'))"


class Finger:
    """One finger on the live picture; places are fractions of it."""

    def __init__(self, phone: PhonePage) -> None:
        self._touch = phone.context.new_cdp_session(phone.page)
        self._picture = phone.page.locator("#live").bounding_box()

    def __call__(self, kind: str, *place: float) -> None:
        at = self._picture
        points = (
            [{"x": at["x"] + place[0] * at["width"], "y": at["y"] + place[1] * at["height"]}] if place else []
        )
        self._touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, *places: tuple[float, float]) -> None:
        for place in places:
            self("touchMove", *place)


def box_of(phone: PhonePage) -> list[float]:
    return phone.page.evaluate(BOX)


def test_a_box_drawn_with_a_finger_is_what_auto_looks_into_and_stays_with_near_and_far(
    phone: PhonePage, rig: RunningRig, new_phone: Callable[..., PhonePage]
) -> None:
    asked: list[Any] = []
    phone.page.on("request", lambda request: asked.append(request) if "/api/auto" in request.url else None)
    phone.live()
    phone.tap("#box-tool")
    finger = Finger(phone)
    finger("touchStart", 0.25, 0.3)
    finger.drag((0.3, 0.4), (0.5, 0.5), (0.6, 0.7))
    finger("touchEnd")

    drawn = box_of(phone)
    assert drawn == pytest.approx([0.25, 0.3, 0.35, 0.4], abs=0.02)
    frame, picture = (phone.page.locator(one).bounding_box() for one in ("#box", "#live"))
    assert frame["x"] - picture["x"] == pytest.approx(0.25 * picture["width"], abs=6)
    assert frame["width"] == pytest.approx(0.35 * picture["width"], abs=10)
    assert rig.state()["state"] == "idle" and rig.state()["focus"]["near_steps"] is None  # a drag is no tap

    phone.page.locator("#auto").click()  # a tap right after touches made by hand is lost in the driver
    found = rig.until(lambda s: s["state"] == "idle" and s["plan"])
    assert asked[0].post_data_json == {"box": dict(zip(("x", "y", "width", "height"), drawn, strict=True))}
    assert found["plan"]["box"] == pytest.approx(drawn)

    other = new_phone()
    other.until(f"JSON.stringify({BOX}) === '{str(drawn).replace(' ', '')}'", "the box on another phone")
    rig.order("POST", "api/focus/near", {"position_steps": found["focus"]["near_steps"] + 5})
    other.until(f"{BOX} === null", "no box for near and far that were set otherwise")
    phone.no_errors()


def test_a_long_press_begins_a_box_and_a_tap_puts_it_elsewhere(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    finger = Finger(phone)
    finger("touchStart", 0.5, 0.5)
    phone.until(
        "document.querySelector('#box-tool').getAttribute('aria-pressed') === 'true'", "the long press"
    )
    finger.drag((0.6, 0.6), (0.8, 0.9))
    finger("touchEnd")
    assert box_of(phone) == pytest.approx([0.5, 0.5, 0.3, 0.4], abs=0.02)

    picture = phone.page.locator("#live")
    side = picture.bounding_box()
    place = {"x": 0.3 * side["width"], "y": 0.4 * side["height"]}
    picture.click(position=place)
    phone.until(f"Math.abs({BOX}[0] - 0.15) < 0.02", "the box where it was tapped")
    assert rig.state()["state"] == "idle"  # nobody was asked to focus there
    phone.no_errors()


def test_buttons_alone_move_size_and_clear_the_box(phone: PhonePage) -> None:
    phone.live()
    phone.tap("#box-tool")
    x, y, w, h = box_of(phone)
    for button in ("-1 0 0", "0 1 0", "0 0 2"):
        phone.tap(f"[data-box='{button}']")
    assert box_of(phone) == pytest.approx([x - 0.05 - 0.05, y + 0.05 - 0.05, w + 0.1, h + 0.1])
    for _ in range(20):
        phone.page.locator("[data-box='-1 0 0']").click()
    assert box_of(phone)[0] == 0  # never out of the picture
    assert phone.text("#auto") == "Auto in box"

    phone.tap("#box-clear")
    assert box_of(phone) is None and phone.text("#auto") == "Auto"
    assert phone.page.locator("#box").is_hidden() and phone.page.locator("#box-tools").is_hidden()
    phone.no_errors()


def test_the_box_stays_on_its_part_of_the_picture_when_that_is_enlarged(phone: PhonePage) -> None:
    phone.live()
    phone.tap("#box-tool")
    phone.tap("#box-tool")
    width = phone.page.locator("#box").bounding_box()["width"]
    phone.tap("#zoom")
    phone.until("fieldstack.live.roi !== null")
    phone.until(
        f"document.querySelector('#box').getBoundingClientRect().width > {2 * width}", "the larger box"
    )
    phone.no_errors()
