"""axe and our own ruler find nothing on any page: in any state, on every screen and in every theme.

The contrast of 7:1 is promised in sun and dark; red on black cannot have it.
"""

from __future__ import annotations

import importlib.resources
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from phonepage import CONFIG, PhonePage, RunningRig, running_rig
from servedrig import PIN, served
from simrig import Rig

from rig.errors import CameraError

axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

AXE = (importlib.resources.files(axe) / "axe.min.js").read_text("utf-8")
AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
THEMES = {"sun": True, "dark": True, "night": False}  # whether 7:1 is promised
SCREENS = {
    "Pixel 7": (412, 839), "Pixel 7 landscape": (863, 360), "iPhone SE": (320, 568), "iPhone 13": (390, 664),
    "laptop": (1280, 800),
}  # fmt: skip
# axe looks at one scroll position, where the bar at the bottom always covers something.
UNSTICK = (
    "document.querySelectorAll('.bar, .final, .selection').forEach(one => one.style.position = 'static')"
)
OPEN_ALL = "document.querySelectorAll('main details').forEach(one => one.open = true)"
TOO_SMALL = """[...document.querySelectorAll('a, button, input:not([type=checkbox]), select, summary')]
    .filter(one => one.checkVisibility() && !one.matches('.skip'))
    .map(one => [one, one.getBoundingClientRect(), one.matches('.big') ? 71.5 : 47.5])
    .filter(([one, box, least]) => box.width && (box.width < 47.5 || box.height < least))
    .map(([one]) => one.outerHTML.slice(0, 90))"""
# Buttons and headings whose text does not fit into them.
CUT = """[...document.querySelectorAll('button, .big, h1, h2, h3, label, summary, .card b, td, dd')]
    .filter(one => one.checkVisibility() && !one.matches('.unseen, .skip') && one.scrollWidth > one.clientWidth + 1)
    .filter(one => getComputedStyle(one).display !== 'inline')
    .map(one => one.outerHTML.slice(0, 120))"""
# How many pixels of the tint are coloured, and how many are left clear.
TINTED = """(canvas => {
    if (!canvas.checkVisibility()) return [0, 0];
    const pixels = new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    const clear = pixels.filter(pixel => pixel === 0).length;
    return [pixels.length - clear, clear];
})(document.querySelector('#tint'))"""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def faults(phone: PhonePage, enhanced: bool) -> list[str]:
    """What axe finds on the page as it is now: the rule, and the first element it is about; and what is too small."""
    if not phone.page.evaluate("Boolean(globalThis.axe)"):
        phone.page.evaluate(f"{AXE}; 0")
    phone.page.evaluate(UNSTICK)
    rules = {"color-contrast-enhanced": {"enabled": enhanced}}
    found: dict[str, Any] = phone.page.evaluate(
        "options => axe.run(document, options)",
        {"runOnly": {"type": "tag", "values": AA}, "rules": rules, "resultTypes": ["violations"]},
    )
    violations = [
        f"{one['id']}: {one['nodes'][0]['html'][:120]} {one['nodes'][0].get('failureSummary', '')[:200]}"
        for one in found["violations"]
    ]
    small = [f"too small: {html}" for html in phone.page.evaluate(TOO_SMALL)]
    return violations + small + (["wider than the screen"] if phone.page.evaluate(SIDEWAYS) else [])


def check_page(phone: PhonePage) -> None:
    """A page as it usually is: on every screen, in every theme, and with text twice as large."""
    check_state(phone)
    phone.page.evaluate("document.documentElement.style.fontSize = '32px'")
    assert phone.page.evaluate(CUT) == [] and not phone.page.evaluate(SIDEWAYS)
    phone.page.evaluate("document.documentElement.style.fontSize = ''")


def check_state(phone: PhonePage) -> None:
    """What a page may show besides: on every screen, in every theme."""
    for screen in SCREENS:
        for theme, enhanced in THEMES.items():
            look(phone, screen, theme)
            phone.until(
                f"({TOO_SMALL}).length === 0", f"large targets on {screen}"
            )  # one just tapped is pressed in
            assert faults(phone, enhanced) == [], (screen, theme)
    phone.no_errors()


def look(phone: PhonePage, screen: str, theme: str) -> None:
    """The page on this screen in this theme."""
    width, height = SCREENS[screen]
    phone.page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    phone.page.set_viewport_size({"width": width, "height": height})


# --- shooting ---------------------------------------------------------------------------------------


def test_the_shoot_page_as_it_begins_with_near_and_with_near_and_far(phone: PhonePage) -> None:
    phone.live()
    check_state(phone)
    phone.focus_at(1300)
    phone.tap("#near")
    phone.until("document.querySelector('#near').classList.contains('set')")
    check_state(phone)
    phone.set_limits(96)
    phone.page.evaluate(OPEN_ALL)
    check_page(phone)


def test_the_box_for_auto_and_the_aids(phone: PhonePage) -> None:
    phone.live()
    phone.tap("#box-tool")
    for aid in ("peaking", "zebra", "histogram"):
        phone.tap(f"[data-assist={aid}]")
    check_state(phone)


def test_the_self_timer(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    phone.set_limits(96)
    rig.order("POST", "api/brackets/timer", {"seconds": 60})
    phone.mode("count")
    check_state(phone)
    rig.stop()


def test_progress_and_pause(phone: PhonePage, rig: RunningRig) -> None:
    rig.shoot(frames=30)
    phone.mode("capture")
    phone.until("document.querySelectorAll('#thumbs img').length >= 6", "thumbnails")
    phone.tap("#pause")
    rig.until(lambda s: s["state"] == "paused")
    phone.tap("[data-show=depth]")
    tinted = phone.until(f"({TINTED})[0] && ({TINTED})", "what is sharp already, tinted")
    assert tinted[1] > 0, "what is still to come is tinted too"
    phone.until("!document.querySelector('#resume').hidden", "Go on")
    check_state(phone)
    phone.tap("[data-show=stack]")
    phone.until(
        "document.querySelector('#tint').width === 1", "a tint that the next bracket does not begin with"
    )
    phone.tap("[data-show=depth]")
    phone.until(f"({TINTED})[0]", "the tint again")
    phone.tap("#resume")
    phone.until("!document.querySelector('#pause').hidden", "Pause")
    assert faults(phone, enhanced=False) == []  # a moving page; the screens were looked at while it stood


def test_the_verdict_stopped_and_complete(phone: PhonePage, rig: RunningRig) -> None:
    rig.shoot(frames=30)
    rig.until(lambda s: s["bracket"]["done"] >= 2)
    rig.stop()
    phone.mode("done")
    phone.until("!document.querySelector('#resume-later').hidden", "the offer to go on")
    check_state(phone)
    rig.shoot(frames=4)
    rig.until(lambda s: s["bracket"]["outcome"] == "complete")
    phone.until("document.querySelector('#verdict').textContent.startsWith('All')", "the verdict")
    check_state(phone)


def test_a_stack_in_the_making(
    new_phone: Callable[..., PhonePage], make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    """Made by a stacker that never comes to its end."""
    slow = make_rig(stacker=(sys.executable, "-c", "import time; time.sleep(3600)"))
    with served(slow.workflow, tmp_path) as at:
        phone = new_phone(at=at)
        phone.live()
        slow.workflow.stack(slow.shoot(frames=3))
        phone.mode("done")
        phone.until("!document.querySelector('#stack-done').hidden", "the progress of the stack")
        check_state(phone)


def test_without_link(phone: PhonePage) -> None:
    phone.live()
    phone.context.set_offline(True)
    phone.until("!document.querySelector('#banner').hidden", "the banner")
    check_state(phone)
    phone.context.set_offline(False)


def test_while_another_phone_is_in_control(phone: PhonePage, rig: RunningRig) -> None:
    phone.live()
    rig.order("POST", "api/control", {"take": True}, browser="another")
    phone.until("!document.querySelector('#control').hidden", "who is in control")
    check_state(phone)


def test_a_fault(new_phone: Callable[..., PhonePage], make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    def build(settings: Any) -> Any:
        raise CameraError("no camera found: check the ribbon cable")

    with served(make_rig(build=build).workflow, tmp_path) as broken:
        phone = new_phone(at=broken)
        phone.page.locator("#pin").fill(PIN)  # a rig without devices does not know that it is simulated
        phone.tap("#pin-form [type=submit]")
        phone.mode("fault")
        assert phone.page.locator("#full").is_hidden()  # nobody has looked at the card
        check_state(phone)


# --- what is on the card ----------------------------------------------------------------------------


def test_a_result_in_every_view(new_phone: Callable[..., PhonePage], stacked: str) -> None:
    phone = new_phone(path=f"b/{stacked}", reduced_motion="reduce")
    phone.until("document.querySelector('#shown')?.naturalWidth > 100", "the picture")
    phone.page.evaluate(OPEN_ALL)
    phone.tap("#cropped")
    check_page(phone)
    phone.tap("#quality")
    there = {"compare": "true", "depth": "document.querySelector('#depth').width > 300", "frames": "true",
             "wiggle": "!document.querySelector('#wiggle-row').hidden"}  # fmt: skip
    for view, shown in there.items():
        phone.tap(f"[data-view={view}]")
        phone.until(shown, view)
        check_state(phone)
    phone.tap("#retouch")
    phone.until("document.querySelector('#sources').width > 100", "the retouch map")
    check_state(phone)


@pytest.fixture
def full_rig(rig: RunningRig, stacked: str, tmp_path: Path) -> Iterator[Callable[[int], RunningRig]]:
    """Starts a rig with so many brackets on a card where no further one fits."""
    with ExitStack() as rigs:

        def start(brackets: int) -> RunningRig:
            for number in range(1, brackets + 1):
                shutil.copytree(rig.data / stacked, tmp_path / "data" / f"b{number:06d}")
            config = CONFIG.replace("reserve_mb = 1", "reserve_mb = 1000000")
            return rigs.enter_context(running_rig(tmp_path, config=config))

        yield start


def test_an_empty_gallery_and_the_shoot_page_of_a_full_card(
    new_phone: Callable[..., PhonePage], full_rig: Callable[[int], RunningRig]
) -> None:
    phone = new_phone(at=full_rig(0), path="gallery")
    phone.until("document.querySelector('#empty:not([hidden])')", "that there is nothing")
    phone.until("!document.querySelector('#full').hidden", "the warning")
    check_state(phone)
    phone.page.goto(phone.rig.url)
    phone.live()
    phone.set_limits(96)
    phone.tap("#shoot")
    phone.until("!document.querySelector('#toast').hidden", "why not")
    check_state(phone)


def test_the_gallery_of_a_full_card(
    new_phone: Callable[..., PhonePage], full_rig: Callable[[int], RunningRig]
) -> None:
    phone = new_phone(at=full_rig(41), path="gallery")
    phone.until("document.querySelector('.card')", "the cards")
    phone.until("!document.querySelector('#full').hidden", "the warning")
    check_page(phone)
    phone.tap("#select")
    phone.tap(".pick >> nth=0")
    check_state(phone)
    look(phone, "Pixel 7", "sun")
    phone.tap("#select")
    phone.tap("#older")
    phone.until("document.querySelectorAll('.card').length === 41", "the second page")
    phone.tap(".card >> nth=40")
    phone.until("document.querySelector('#viewer')", "that bracket")
    phone.page.go_back()
    phone.until("document.querySelectorAll('.card').length === 41 && scrollY > 1000", "the place in the list")


# --- the other pages --------------------------------------------------------------------------------


def test_the_settings_all_opened(phone: PhonePage) -> None:
    phone.page.goto(phone.rig.url + "more")
    phone.until("document.querySelector('.field')", "the settings")
    phone.page.evaluate(OPEN_ALL)
    check_page(phone)


def test_the_pairing_page(new_phone: Callable[..., PhonePage]) -> None:
    phone = new_phone(extra_http_headers={"X-Forwarded-For": "10.42.0.77"})
    assert phone.page.url.endswith("/pair")
    check_page(phone)
