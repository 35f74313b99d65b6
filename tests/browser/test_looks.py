"""The pages fit a thumb, a small screen and large type, in every theme."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from phonepage import PhonePage, RunningRig

PAIRS = [
    ("--fg", "--bg"), ("--soft", "--bg"), ("--soft", "--sheet"), ("--on-primary", "--primary"),
    ("--on-danger", "--danger"), ("--on-warn", "--warn"), ("--accent", "--bg"),
]  # fmt: skip
# WCAG 2.2: relative luminance and contrast ratio, of the colours as the browser resolves them.
CONTRAST = """pairs => {
    const probe = document.createElement('canvas').getContext('2d');
    const style = getComputedStyle(document.documentElement);
    const luminance = name => {
        probe.fillStyle = style.getPropertyValue(name);
        probe.fillRect(0, 0, 1, 1);
        const linear = [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
            .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
    };
    return pairs.map(pair => {
        const [dark, light] = pair.map(luminance).sort((a, b) => a - b);
        return [pair.join(' on '), (light + .05) / (dark + .05)];
    });
}"""


SCREENS = [(320, 568), (568, 320), (844, 390), (390, 664), (412, 839)]
# Which of these something else lies upon, at a corner or in the middle.
COVERED = """[%s].filter(name => {
    const one = document.getElementById(name);
    const box = one.getBoundingClientRect();
    return [[.5, .5], [.06, .1], [.94, .1], [.06, .9], [.94, .9]].some(([x, y]) =>
        !one.contains(document.elementFromPoint(box.left + x * box.width, box.top + y * box.height)));
})"""
# What something else lies upon wherever the page is scrolled to.
OUT_OF_REACH = """[...document.querySelectorAll(':is(main, .bar) :is(a, button, input, summary)')]
    .filter(one => one.checkVisibility() && !one.closest('.thumbs'))
    .filter(one => {
        one.scrollIntoView({ block: 'center' });
        const box = one.getBoundingClientRect();
        return !one.contains(document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2));
    }).map(one => one.outerHTML.slice(0, 80))"""


def in_sight(phone: PhonePage, *names: str) -> None:
    """These are wholly seen on every screen without scrolling, and all else can be scrolled to, with large type too."""
    covered = COVERED % ", ".join(f"'{name}'" for name in names)
    for width, height in SCREENS:
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.until(f"scrollTo(0, 0) || ({covered}).length === 0", f"{names} at {width}x{height}")
    for width, height in (
        (320, 568),
        (160, 284),
        (284, 160),
    ):  # with a browser that enlarges everything twice
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.until(f"({OUT_OF_REACH}).length === 0", f"all within reach at {width}x{height}")
    phone.page.set_viewport_size({"width": 320, "height": 568})
    phone.page.evaluate("document.documentElement.style.fontSize = '32px'")
    phone.until(f"({OUT_OF_REACH}).length === 0", "all within reach with text twice as large")
    phone.page.evaluate("document.documentElement.style.fontSize = ''")


def test_no_banner_covers_or_moves_what_is_pressed(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    phone.set_limits(96)
    at = "document.querySelector('#near').getBoundingClientRect().top"
    before = phone.page.evaluate(at)
    rig.order("POST", "api/control", {"take": True}, browser="another")
    phone.until("!document.querySelector('#control').hidden", "who is in control")
    assert phone.page.evaluate(at) == before
    in_sight(phone, "near", "far", "auto", "shoot")

    rig.order("DELETE", "api/control")
    rig.shoot(frames=30)
    phone.mode("capture")
    phone.context.set_offline(True)
    phone.until("!document.querySelector('#banner').hidden", "the banner")
    in_sight(phone, "pause", "stop")
    phone.context.set_offline(False)
    rig.stop()
    phone.no_errors()


def test_the_main_button_is_large_enough_for_gloves(phone: PhonePage) -> None:
    phone.live()

    assert phone.page.locator("#shoot").bounding_box()["height"] >= 72


def test_a_small_screen_shows_auto_and_what_will_be_shot_without_being_scrolled(
    new_phone: Callable[..., PhonePage],
) -> None:
    phone = new_phone(viewport={"width": 320, "height": 568})
    phone.live()
    phone.set_limits(96)
    auto, shoot = (phone.page.locator(name).bounding_box() for name in ("#auto", "#shoot"))

    assert auto["y"] + auto["height"] <= shoot["y"]
    assert phone.page.locator("#shoot-why").is_visible() and "3 frames" in phone.text("#shoot-why")


@pytest.mark.parametrize(("theme", "least"), [("sun", 7.0), ("dark", 7.0), ("night", 4.5)])
def test_a_theme_has_the_contrast_it_promises(phone: PhonePage, theme: str, least: float) -> None:
    phone.context.add_cookies([{"name": "theme", "value": theme, "url": phone.rig.url}])
    phone.page.goto(phone.rig.url + "more")

    ratios = phone.page.evaluate(CONTRAST, PAIRS)
    assert [pair for pair in ratios if pair[1] < least] == []


def test_the_theme_button_changes_the_theme_and_the_next_page_keeps_it(phone: PhonePage) -> None:
    phone.live()
    phone.tap("#theme")
    phone.page.goto(phone.rig.url + "gallery")

    assert phone.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_pages_speak_german(new_phone: Callable[..., PhonePage]) -> None:
    phone = new_phone(locale="de-DE")
    phone.live()

    assert "NAH" in phone.text("#near") and "Aufnahme" in phone.text(".bar")
    phone.no_errors()


def test_everything_works_without_a_secure_context(
    new_phone: Callable[..., PhonePage], rig: RunningRig
) -> None:
    """In the field the page is plain http: what browsers withhold there must not be needed."""
    phone = new_phone()
    phone.page.goto(rig.url.replace("127.0.0.1", "10.42.0.1"))
    assert phone.page.evaluate("isSecureContext") is False
    phone.live()
    phone.no_errors()
