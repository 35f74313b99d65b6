"""The pages over an opened simulated rig, asked through Flask's own client."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from simrig import Rig
from webphone import PIN, Phone

from webui import PageSettings, create_app
from webui.pairing import Pairing


@pytest.fixture
def page_settings(tmp_path: Path) -> PageSettings:
    return PageSettings(tmp_path / "phones", pin=PIN)


@pytest.fixture
def pairing(page_settings: PageSettings) -> Pairing:
    return Pairing(page_settings.state_dir / "phones.json", PIN)


@pytest.fixture
def app(rig: Rig, page_settings: PageSettings, pairing: Pairing) -> Flask:
    return create_app(rig.workflow, page_settings, pairing)


@pytest.fixture
def phone(app: Flask) -> Phone:
    """A browser on the computer of the simulated rig: let in without pairing."""
    return Phone(app.test_client())


@pytest.fixture
def stranger(app: Flask) -> Phone:
    """A phone on the rig's network that has not been paired."""
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = "10.42.0.77"
    return Phone(client)
