"""axe finds nothing on any page, in any theme, on a small and a usual screen."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from typing import Any

import pytest
from phonepage import PhonePage, RunningRig

axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

AXE = (importlib.resources.files(axe) / "axe.min.js").read_text("utf-8")
AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENS = [{"width": 412, "height": 839}, {"width": 320, "height": 568}]
THEMES = {"sun": True, "dark": True, "night": False}  # whether 7:1 is promised
# axe looks at one scroll position, where the bar at the bottom always covers something.
UNSTICK = (
    "document.querySelectorAll('.bar, .final, .selection').forEach(one => one.style.position = 'static')"
)
OPEN_ALL = "document.querySelectorAll('main details').forEach(one => one.open = true)"


def faults(phone: PhonePage, enhanced: bool) -> list[str]:
    """What axe finds on the page as it is now: the rule, and the first element it is about."""
    if not phone.page.evaluate("Boolean(globalThis.axe)"):
        phone.page.evaluate(f"{AXE}; 0")
    phone.page.evaluate(UNSTICK)
    rules = {"color-contrast-enhanced": {"enabled": enhanced}}
    found: dict[str, Any] = phone.page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": {"type": "tag", "values": AA}, "rules": rules, "resultTypes": ["violations"]},
    )
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found["violations"]
    ]


def check_everywhere(phone: PhonePage) -> None:
    for theme, enhanced in THEMES.items():
        phone.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
        for screen in SCREENS:
            phone.page.set_viewport_size(screen)
            assert faults(phone, enhanced) == [], (theme, screen)


@pytest.mark.parametrize("path", ["gallery", "more", "b/"])
def test_a_page_has_no_fault(new_phone: Callable[..., PhonePage], stacked: str, path: str) -> None:
    phone = new_phone(path=path + stacked if path == "b/" else path)
    phone.until("document.querySelector('#link').dataset.link === 'online'")
    phone.until("document.querySelector('.card, .field, #frames li')", "its content")
    phone.page.evaluate(OPEN_ALL)

    check_everywhere(phone)


def test_the_shoot_page_has_no_fault_before_and_after_near_and_far_are_set(phone: PhonePage) -> None:
    phone.live()
    check_everywhere(phone)
    phone.set_limits(96)
    phone.page.evaluate(OPEN_ALL)

    check_everywhere(phone)


def test_progress_and_verdict_have_no_fault(phone: PhonePage, rig: RunningRig) -> None:
    rig.shoot(frames=6)
    phone.mode("capture")
    assert faults(phone, enhanced=True) == []
    phone.mode("done")

    check_everywhere(phone)


def test_the_pairing_page_has_no_fault(new_phone: Callable[..., PhonePage]) -> None:
    phone = new_phone()
    phone.page.route("**/api/pair", lambda route: route.fulfill(json={"paired": False}))
    phone.page.goto(phone.rig.url + "pair")

    check_everywhere(phone)
