"""How old the live picture is when a phone on a slow link draws it.

    python bench/stale.py --sim replay:FOLDER --link 400

The real page in Chromium, its link throttled by the browser itself. Prints the age of the pictures at the moment they
were drawn, and how many came a second. Needs Chromium and the development tools.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from phones import address_of
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
WARM_UP_S = 5
# The page's own account of each picture: drawn when, exposed when.
NOTE_EACH = """() => {
    globalThis.ages = [];
    let last = 0;
    const look = () => {
        const { live } = fieldstack;
        if (live.drawn !== last) ages.push([live.age_s, live.canvas.width]);
        last = live.drawn;
        requestAnimationFrame(look);
    };
    look();
}"""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sim", default="bristles", help="simulated scene, or replay:FOLDER of frames")
    parser.add_argument("--link", type=float, default=400, help="kB/s of the link (default: 400)")
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text("")
        command = [sys.executable, "-m", "rig.cli", "run", "--sim", args.sim, "--port", "0"]
        with subprocess.Popen(
            [*command, "--data", f"{folder}/data", "--config", str(config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        ) as rig:  # fmt: skip
            try:
                report(ages(address_of(rig), args.link * 1000, args.seconds), args.seconds)
            finally:
                rig.terminate()
    return 0


def ages(url: str, bytes_per_s: float, seconds: float) -> list[tuple[float, int]]:
    """Age in s and width in px of every picture drawn, over the page in a browser."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 412, "height": 839}, device_scale_factor=2).new_page()
        page.goto(url)
        network = page.context.new_cdp_session(page)
        network.send(
            "Network.emulateNetworkConditions",
            {
                "offline": False,
                "latency": 0,
                "downloadThroughput": bytes_per_s,
                "uploadThroughput": bytes_per_s,
            },
        )
        page.wait_for_timeout(WARM_UP_S * 1000)
        page.evaluate(NOTE_EACH)
        page.wait_for_timeout(seconds * 1000)
        found = page.evaluate("() => ages")
        browser.close()
    return [(age, width) for age, width in found]


def report(found: list[tuple[float, int]], seconds: float) -> None:
    """Print what was seen."""
    drawn = sorted(age for age, _ in found)
    widths = sorted({width for _, width in found})
    print(
        f"{len(drawn) / seconds:.1f} pictures a second, {widths[0]} to {widths[-1]} px wide; age when drawn: median "
        f"{statistics.median(drawn):.2f} s, 95 % {drawn[int(len(drawn) * 0.95)]:.2f} s, most {drawn[-1]:.2f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
