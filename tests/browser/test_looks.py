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
