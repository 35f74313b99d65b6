"""The pictures of the phone pages in the documentation, made anew: docs/pictures/phone-*.jpg.

    python bench/pictures.py [--out FOLDER]

Taps through the pages of a simulated rig as a photographer would, on a phone's screen, and keeps what is seen. Look at
each before it is committed. Takes some minutes; needs Chromium and the development tools. The two pictures of copying
to a stick need a stick, and are made by hand.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from first_visit import until
from phones import address_of
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent.parent / "docs" / "pictures"
WIDTH_PX, QUALITY = 480, 82  # of a picture: below 120 kB
SCREEN = {"viewport": {"width": 412, "height": 839}, "has_touch": True, "device_scale_factor": 2}
STRANGER = {
    "X-Forwarded-For": "10.42.0.77"
}  # whatever was forwarded does not come from the rig's own computer
ONE_BROWSER = {"browser": "pictures"}  # in control all the time
CONFIG = """[camera]
sim_width_px = 1280
preview_width_px = 1014
[sources]
folders = ['{card}']
removable = false
"""
NEAREST, FARTHEST = (0.3, 0.68), (0.93, 0.42)  # of the picture: a palp of the spider, and a leg


@dataclass
class Studio:
    """A rig, a browser, and where the pictures go."""

    url: str
    browser: Browser
    out: Path

    @contextmanager
    def phone(self, path: str = "/", theme: str = "sun", lang: str = "en", **more: Any) -> Iterator[Page]:
        """A phone with a page open."""
        context = self.browser.new_context(**SCREEN, **more)
        cookies = {"theme": theme, "lang": lang, **ONE_BROWSER}
        context.add_cookies([{"name": k, "value": v, "url": self.url} for k, v in cookies.items()])
        page = context.new_page()
        page.goto(self.url + path)
        try:
            yield page
        finally:
            context.close()

    def keep(self, page: Page, name: str) -> None:
        """What the page shows now."""
        page.wait_for_timeout(700)  # for what has just appeared to be drawn
        shot = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
        size = WIDTH_PX, round(shot.shape[0] * WIDTH_PX / shot.shape[1])
        small = cv2.resize(shot, size, interpolation=cv2.INTER_AREA)
        path = self.out / f"phone-{name}.jpg"
        cv2.imwrite(str(path), small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_PROGRESSIVE, 1])
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB", flush=True)

    def order(self, method: str, path: str, **body: Any) -> None:
        """A command that no page gives here."""
        headers = {"X-Rig": "1", "Content-Type": "application/json", "Idempotency-Key": str(time.time())}
        headers["Cookie"] = "browser=" + ONE_BROWSER["browser"]
        request = urllib.request.Request(
            f"{self.url}{path}", json.dumps(body).encode(), method=method, headers=headers
        )
        with urllib.request.urlopen(request):
            pass


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=HERE, help=f"folder of the pictures (default: {HERE})")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        card = folder / "media" / "EOS_DIGITAL"
        config = folder / "config.toml"
        config.write_text(CONFIG.format(card=card))
        options = ["--data", str(folder / "data"), "--config", str(config)]
        shot = [["--auto"], ["--near", "1000", "--far", "1500"]]
        for scene, how in zip(("bumpy", "bristles"), shot, strict=True):
            run = [sys.executable, "-m", "rig.cli", "shoot", "--sim", scene, *how, *options]
            subprocess.run(run, check=True)
        fill(card, folder / "data")
        serve = [sys.executable, "-m", "rig.cli", "run", "--sim", "bristles", "--port", "0", *options]
        with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as rig:
            try:
                take_all(address_of(rig), args.out)
            finally:
                rig.terminate()
    return 0


def fill(card: Path, data: Path) -> None:
    """A camera's card with the frames of all brackets."""
    folder = card / "DCIM" / "100CANON"
    folder.mkdir(parents=True)
    for number, frame in enumerate(sorted(data.glob("b*/frames/*.jpg")), start=1):
        shutil.copy2(frame, folder / f"IMG_{number:04}.JPG")


def take_all(url: str, out: Path) -> None:
    """Every picture, in the order in which a first day goes."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        studio = Studio(url, browser, out)
        for take in (pairing, shooting, result, gallery, settings, cards):
            take(studio)
        browser.close()


def pairing(studio: Studio) -> None:
    """A phone waits for the rig's button."""
    with studio.phone("/pair", extra_http_headers=STRANGER) as page:
        page.locator("#ask").tap()
        until(page, "document.querySelector('#left').textContent === '23'")
        studio.keep(page, "pair")


def shooting(studio: Studio) -> None:
    """Near and far, by day and by night; a box; the self-timer; progress; the verdict."""
    studio.order("DELETE", "/api/focus/limits")  # of the brackets shot before
    with studio.phone() as page:
        until(page, "fieldstack.live.drawn > 0")
        touch(page, NEAREST, "#near.set #chip-near")
        touch(page, FARTHEST, "#far.set #chip-far")
        until(page, "!document.querySelector('#shoot').disabled")
        page.wait_for_timeout(8000)  # until both spots are shown at 100 %
        studio.keep(page, "set")
        in_theme(page, "night", lambda: studio.keep(page, "set-night"))
        page.locator("#box-tool").tap()
        page.locator("#live").tap(position=at(page, (0.36, 0.42)))
        until(page, "!document.querySelector('#box').hidden")
        studio.keep(page, "box")
        page.locator("#box-clear").tap()
        page.locator("#box-tool").tap()
        for _ in range(2):
            page.locator("#timer").tap()
        page.locator("#shoot").tap()
        until(page, "document.querySelector('#left-s').textContent.startsWith('7')")
        studio.keep(page, "count")
        until(page, "document.body.dataset.mode === 'capture'")
        page.locator("[data-show=depth]").tap()
        until(page, "document.querySelector('#done').value > .6")
        studio.keep(page, "capture")
        until(page, "document.body.dataset.mode === 'done'")
        until(page, "document.querySelector('#see').classList.contains('primary')")
        in_theme(page, "dark", lambda: studio.keep(page, "done-dark"))


def result(studio: Studio) -> None:
    """The stack beside a frame, also dark and in German; its depth, and from the side."""
    for theme, lang, name in (("sun", "en", "compare"), ("dark", "de", "compare-dark")):
        with studio.phone("/b/b000003", theme, lang) as page:
            until(page, "document.querySelector('#shown')?.naturalWidth > 100")
            page.locator("[data-view=compare]").tap()
            until(page, "!document.querySelector('#divider').hidden")
            page.wait_for_timeout(1500)
            studio.keep(page, name)
            if theme == "dark":
                continue
            page.locator("[data-view=depth]").tap()
            until(page, "document.querySelector('#depth').width > 300")
            page.locator("#viewer").tap(position=at(page, (0.5, 0.6), "#viewer"))
            studio.keep(page, "depth")
            page.locator("[data-view=wiggle]").tap()
            until(page, "!document.querySelector('#wiggle').hidden")
            page.locator("#angle").fill("70")
            studio.keep(page, "3d")


def gallery(studio: Studio) -> None:
    """What was shot, with names and stars."""
    for bracket, title, rating in (("b000003", "Jumping spider", 5), ("b000001", "Lichen on slate", 3)):
        studio.order("PATCH", f"/api/brackets/{bracket}", title=title, rating=rating)
    with studio.phone("/gallery") as page:
        until(page, "document.querySelectorAll('.card img').length >= 3")
        page.wait_for_timeout(1500)
        studio.keep(page, "gallery")


def settings(studio: Studio) -> None:
    """The lens."""
    with studio.phone("/more") as page:
        until(page, "document.querySelector('#presets button')")
        page.locator("#part-optics > summary").tap()
        page.locator("#part-optics").evaluate("one => one.scrollIntoView()")
        studio.keep(page, "settings")


def cards(studio: Studio) -> None:
    """Brackets found on a camera's card, and one of them opened."""
    with studio.phone("/gallery") as page:
        until(page, "document.querySelectorAll('#sources a').length === 2")
        page.locator("#sources a:not([aria-current])").tap()
        until(page, "document.querySelectorAll('.found .pick').length >= 2")
        until(page, "document.querySelector('#looking').hidden")
        page.wait_for_timeout(1500)
        studio.keep(page, "card")
        page.locator(".found .faces").first.tap()
        page.wait_for_timeout(1500)
        studio.keep(page, "card-divide")


def touch(page: Page, place: tuple[float, float], done: str) -> None:
    """Tap a place in the live picture and wait until the rig has found its focus."""
    until(page, "!document.querySelector('#tap-hint').hidden && document.querySelector('#ring').hidden")
    page.locator("#live").tap(position=at(page, place))
    until(page, f"document.querySelector('{done}')?.checkVisibility()")


def at(page: Page, place: tuple[float, float], of: str = "#live") -> dict[str, float]:
    """Where a place of the picture lies on its element, which may show black beside it."""
    box = page.locator(of).bounding_box()
    assert box is not None
    width = min(box["width"], box["height"] * 4 / 3)
    height = width * 3 / 4
    return {
        "x": box["width"] / 2 + (place[0] - 0.5) * width,
        "y": box["height"] / 2 + (place[1] - 0.5) * height,
    }


def in_theme(page: Page, theme: str, act: Callable[[], None]) -> None:
    """Do something while the page has other colours."""
    before = page.evaluate("document.documentElement.dataset.theme")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    act()
    page.evaluate(f"document.documentElement.dataset.theme = '{before}'")


if __name__ == "__main__":
    sys.exit(main())
