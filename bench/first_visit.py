"""From the first look at the pages to the first stack: seconds and taps, in a real browser.

    python bench/first_visit.py [--width 4056] [--sim replay:FOLDER]

Opens the page of a simulated rig on a phone's screen, taps Auto, SHOOT and See it as soon as each may be tapped, and
prints when what was there. With the frames of a real bracket (replay) nothing has to be drawn, so that what is
measured is what a camera would leave to wait for. Needs Chromium and the development tools.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from phones import address_of
from playwright.sync_api import Error, Page, sync_playwright

LIMIT_MS = 600_000  # for what never comes
STEPS = [  # a tap, and what is there when it has done its work
    (None, "fieldstack.live.drawn > 0", "the live picture"),
    ("#auto", "!document.querySelector('#shoot').disabled", "near and far"),
    ("#shoot", "document.body.dataset.mode === 'done'", "the last frame"),
    (None, "document.querySelector('#see').classList.contains('primary')", "the stack"),
    ("#see", "document.querySelector('#shown')?.naturalWidth > 100", "the picture"),
]


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--width", type=int, default=4056, help="px of a frame (default: 4056, as the HQ camera)"
    )
    parser.add_argument("--sim", default="bristles", help="scene, or replay:FOLDER (default: bristles)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(f"[camera]\nsim_width_px = {args.width}\n")
        command = [sys.executable, "-m", "rig.cli", "run", "--sim", args.sim, "--port", "0"]
        with subprocess.Popen(
            [*command, "--data", f"{folder}/data", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as rig:  # fmt: skip
            try:
                visit(address_of(rig))
            finally:
                rig.terminate()
    return 0


def visit(url: str) -> None:
    """Tap through, and print the seconds since the address was opened."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 412, "height": 839}, has_touch=True).new_page()
        begun = time.monotonic()
        page.goto(url)
        for tap, there, what in STEPS:
            if tap:
                page.locator(tap).tap(timeout=LIMIT_MS)
            until(page, there)
            print(f"{time.monotonic() - begun:6.1f} s  {what}", flush=True)
        print(f"{sum(tap is not None for tap, _, _ in STEPS)} taps")
        browser.close()


def until(page: Page, there: str) -> None:
    """Wait for a JavaScript expression, asked from outside: the page's own rules forbid eval."""
    end = time.monotonic() + LIMIT_MS / 1000
    while not is_there(page, there):
        if time.monotonic() > end:
            raise SystemExit(f"this never came: {there}")
        time.sleep(0.05)


def is_there(page: Page, there: str) -> bool:
    """False as well while the page is being left for the next."""
    try:
        return bool(
            page.evaluate(f"(() => {{ try {{ return Boolean({there}); }} catch {{ return false; }} }})()")
        )
    except Error:
        return False


if __name__ == "__main__":
    sys.exit(main())
