"""What a person does with a phone, in words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

PATIENCE_S = 120.0  # a limit for a test that hangs, never a claim about speed
# What a page says that is just being left for the next, or that is not all there yet.
NOT_YET = ("context was destroyed", "properties of null", "is not defined")
OVER = ("done", "failed", "cancelled")  # stages in which a stack is at its end

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    # Whatever leaves loopback fails; the address of the hotspot is the rig, and no secure context.
    "--host-resolver-rules=MAP 10.42.0.1 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


CONFIG = """[camera]
sim_width_px = 640
preview_width_px = 320
[capture]
settle_mode = 'fixed'
settle_s = 0.1
extend_frames = 0
[store]
reserve_mb = 1
"""


@dataclass
class RunningRig:
    """A `fieldstack run` process and its address."""

    process: subprocess.Popen[bytes]
    url: str
    data: Path  # where its brackets are

    @classmethod
    def started_by(cls, process: subprocess.Popen[bytes], said: Path, data: Path) -> RunningRig:
        """The rig whose address the process writes into the file `said`, once its devices are ready."""
        end = time.monotonic() + PATIENCE_S
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/", said.read_text())):
            assert process.poll() is None and time.monotonic() < end, f"no address: {said.read_text()}"
            time.sleep(0.05)
        rig = cls(process, found[0], data)
        rig.until_paired()
        rig.until(lambda state: state["state"] == "idle")
        return rig

    def state(self) -> dict[str, Any]:
        return self.get("api/state")

    def until_paired(self) -> None:
        """A rig that starts does not know yet that it is simulated, and so trusts nobody."""
        end = time.monotonic() + PATIENCE_S
        while not self.get("api/pair")["paired"]:
            assert time.monotonic() < end, "the rig never knew that it is simulated"
            time.sleep(0.05)

    def order(self, method: str, path: str, body: Any = None, browser: str = "") -> Any:
        """A command from elsewhere, for arranging a test. browser: the mark of one that takes control by it."""
        headers = {"X-Rig": "1", "Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
        if browser:
            headers["Cookie"] = f"browser={browser}"
        request = urllib.request.Request(
            self.url + path, json.dumps(body or {}).encode(), method=method, headers=headers
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return json.load(answer)

    def until(self, true: Any) -> dict[str, Any]:
        """The first state for which this is true."""
        end = time.monotonic() + PATIENCE_S
        while not true(state := self.state()):
            assert time.monotonic() < end, state
            time.sleep(0.1)
        return state

    def at_rest(self) -> None:
        """Nothing is shot or stacked, and near and far are not set."""
        if "stop" in self.state()["allowed"]:
            self.stop()
        self.until(lambda s: s["state"] == "idle")
        self.until(lambda s: s["stack"] is None or s["stack"]["stage"] in OVER)
        self.order("DELETE", "api/focus/limits")
        self.order("DELETE", "api/control")

    def stop(self) -> None:
        """Stop what is going on; it may have come to its end by itself meanwhile."""
        try:
            self.order("POST", "api/stop")
        except urllib.error.HTTPError as refused:
            assert refused.code == 409, refused

    def shoot(self, frames: int, apart: int = 48) -> str:
        """Begin a bracket of so many frames without a phone; its id."""
        self.order("POST", "api/focus/near", {"position_steps": 1300})
        self.order("POST", "api/focus/far", {"position_steps": 1300 + (frames - 1) * apart})
        return str(self.order("POST", "api/brackets")["id"])

    def shoot_and_stack(self, frames: int) -> str:
        """A whole bracket with its result; its id. The stack of the one before may still stand in the state."""
        shot = self.shoot(frames)
        self.until(lambda s: s["stack"] and s["stack"]["bracket_id"] == shot and s["stack"]["stage"] in OVER)
        assert (stack := self.state()["stack"])["stage"] == "done", stack
        return shot

    def brackets(self) -> list[dict[str, Any]]:
        return self.get("api/brackets")["brackets"]

    def settings(self) -> list[dict[str, Any]]:
        return self.get("api/settings")["settings"]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
            return json.load(answer)


@contextmanager
def running_rig(folder: Path, sim: str = "bristles", config: str = CONFIG) -> Iterator[RunningRig]:
    """`fieldstack run` as a process of its own, with small frames so that a bracket takes seconds."""
    file = folder / "config.toml"
    if not file.exists():
        file.write_text(config)
    command = [sys.executable, "-m", "rig.cli", "run", "--sim", sim, "--port", "0"]
    said = folder / "said.txt"  # a file takes all it says; a pipe that nobody reads would hold it up
    with said.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data"), "--config", str(file)], stdout=out, stderr=out
        )
    try:
        yield RunningRig.started_by(process, said, folder / "data")
    finally:
        end(process, said)


def end(process: subprocess.Popen[bytes], said: Path) -> None:
    """Ask a rig to end, and see that it has."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE_S)
        raise AssertionError(
            f"the rig did not end when it was asked to: {said.read_text()[-2000:]}"
        ) from None


class PhonePage:
    """A phone with one of the pages open. Errors of the page fail the test that ends with `no_errors`."""

    def __init__(self, context: Any, rig: RunningRig, path: str = "") -> None:
        self.context, self.rig = context, rig
        self.page = context.new_page()
        self.errors: list[str] = []
        self.taps = 0
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("requestfailed", lambda request: self._note_foreign(request.url))
        self.page.goto(rig.url + path)

    def _note_foreign(self, url: str) -> None:
        # The rig itself by either name: what is under way when a page is left fails as well.
        if not url.startswith(("http://127.0.0.1", "http://10.42.0.1", "blob:", "data:")):
            self.errors.append(f"asked for {url}")

    def until(self, expression: str, what: str = "") -> Any:
        """Wait for a JavaScript expression. Evaluated from outside: the page's CSP forbids eval within."""
        end = time.monotonic() + PATIENCE_S
        while not (value := self._evaluate(expression)):
            assert time.monotonic() < end, f"{what or expression}; the page shows: {self.text('main')[:600]}"
            time.sleep(0.08)
        return value

    def _evaluate(self, expression: str) -> Any:
        try:
            return self.page.evaluate(expression)
        except Exception as error:
            if any(sign in str(error) for sign in NOT_YET):
                return None
            raise

    def mode(self, name: str) -> None:
        """Wait until the page shows this set of controls, going back to live from a finished bracket."""
        self.until(f"document.body.dataset.mode === '{name}'")

    def shooting(self) -> None:
        """Wait until the bracket has begun; a slow phone may see only its end."""
        self.until("['capture', 'done'].includes(document.body.dataset.mode)", "the bracket")

    def live(self) -> None:
        """The live picture with its controls, whatever was shot before."""
        self.until("document.body.dataset.mode && fieldstack.live.drawn > 0")
        if self.page.evaluate("document.body.dataset.mode") == "done":
            self.tap("#back")
        self.mode("live")

    def note_modes(self) -> None:
        """From now on remember which sets of controls the page shows, one after the other."""
        self.page.evaluate("""() => {
            globalThis.modes = [document.body.dataset.mode];
            new MutationObserver(() => modes.push(document.body.dataset.mode))
                .observe(document.body, { attributeFilter: ['data-mode'] });
        }""")

    def tap(self, selector: str) -> None:
        self.taps += 1
        self.page.locator(selector).tap(timeout=PATIENCE_S * 1000)

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def set_limits(self, steps_between: int) -> None:
        """Near and far as a person would set them, the focus moved by the rail between them."""
        self.focus_at(1300)
        self.tap("#near")
        self.until("document.querySelector('#near').classList.contains('set')")
        self.focus_at(1300 + steps_between)
        self.tap("#far")
        self.until("!document.querySelector('#plan').hidden", "the plan")

    def focus_at(self, steps: int) -> None:
        """Drag the rail there and wait for the motor."""
        self.page.locator("#rail").evaluate(
            """(rail, to) => {
                rail.value = to;
                for (const name of ['input', 'change']) rail.dispatchEvent(new Event(name));
            }""",
            steps,
        )
        self.rig.until(lambda s: s["state"] == "idle" and s["focus"]["position_steps"] == steps)

    def picture_digest(self) -> int:
        """A figure that changes with what the live canvas shows."""
        return self.page.evaluate("""(() => {
            const c = document.querySelector('#live');
            const pixels = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            let digest = 0;
            for (let i = 0; i < pixels.length; i += 97) digest = (digest * 31 + pixels[i]) | 0;
            return digest;
        })()""")

    def no_errors(self) -> None:
        assert not self.errors, self.errors
