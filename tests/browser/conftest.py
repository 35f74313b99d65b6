"""A real `fieldstack run` and a real browser at a phone's size."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from phonepage import CHROMIUM_FLAGS, PATIENCE_S, PhonePage, RunningRig, running_rig

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the browser; without one it is skipped with the reason."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            # Several programs play together in real time here. One second chance, and the report names who took it.
            item.add_marker(pytest.mark.flaky(reruns=1))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="no Chromium found: apt-get install chromium"))


@pytest.fixture(scope="session")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRig]:
    """One rig for every test; each begins with it at rest."""
    with running_rig(tmp_path_factory.mktemp("rig")) as rig:
        yield rig


@pytest.fixture(autouse=True)
def at_rest(rig: RunningRig) -> None:
    """Nothing is shot or stacked, near and far are not set, nobody is in control."""
    rig.at_rest()


@pytest.fixture
def start_rig(tmp_path: Path) -> Iterator[Callable[[], RunningRig]]:
    """Starts rigs of this test's own, one after the other on one data folder."""
    with ExitStack() as rigs:
        yield lambda: rigs.enter_context(running_rig(tmp_path))


@pytest.fixture(scope="session")
def stacked(rig: RunningRig) -> str:
    """Id of a bracket with a result and a depth map."""
    rig.at_rest()
    return rig.shoot_and_stack(frames=6)


@pytest.fixture(scope="session")
def chromium():
    """The Playwright driver, started once."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        yield driver


@pytest.fixture
def new_phone(chromium, rig: RunningRig) -> Iterator[Callable[..., PhonePage]]:
    """Makes phones with fresh profiles: new_phone("Pixel 7", viewport={...})."""
    with ExitStack() as opened:

        def make(
            device: str = "Pixel 7", path: str = "", at: RunningRig | None = None, theme: str = "sun", **over
        ) -> PhonePage:
            described = {k: v for k, v in chromium.devices[device].items() if k != "default_browser_type"}
            profile = tempfile.TemporaryDirectory(prefix="phone-", ignore_cleanup_errors=True)
            context = chromium.chromium.launch_persistent_context(
                opened.enter_context(profile),
                executable_path=CHROMIUM,
                headless=True,
                args=CHROMIUM_FLAGS,
                **described | over,
            )
            opened.callback(context.close)
            context.set_default_timeout(PATIENCE_S * 1000)
            context.add_cookies([{"name": "theme", "value": theme, "url": (at or rig).url}])
            return PhonePage(context, at or rig, path)

        yield make


@pytest.fixture
def phone(new_phone: Callable[..., PhonePage]) -> PhonePage:
    """A Pixel 7 with the Shoot page open."""
    return new_phone()
