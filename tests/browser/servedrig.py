"""A rig served from the test's own process, where its button and its faults are within reach."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phonepage import PATIENCE_S

from rig.workflow import Workflow
from webui import PageSettings, Pairing, Server, create_app

PIN = "402913"


class ServedRig:
    """Where it is found; as `at` of a phone."""

    def __init__(self, url: str) -> None:
        self.url = url


@contextmanager
def served(
    workflow: Workflow, folder: Path, pairing: Pairing | None = None, **settings: Any
) -> Iterator[ServedRig]:
    """The pages of this workflow on a port of their own, within a with block."""
    page = PageSettings(folder, pin=PIN, **settings)
    server = Server(create_app(workflow, page, pairing), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield ServedRig(server.url)
    finally:
        server.stop()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
