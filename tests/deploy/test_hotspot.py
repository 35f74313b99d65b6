"""The hotspot that is set up is the one whose code the pages show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.configfile import load_settings

PROGRAM = Path(__file__).parents[2] / "deploy" / "hotspot.py"


@pytest.fixture
def nmcli(tmp_path: Path) -> Path:
    """Stands for NetworkManager: notes what it is told, a line for each call."""
    program, told = tmp_path / "bin" / "nmcli", tmp_path / "told"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nIFS="|"\necho "$*" >> {told}\n')
    program.chmod(0o755)
    return told


def set_up(config: Path, *more: str) -> None:
    environment = os.environ | {"PATH": f"{config.parent / 'bin'}:{os.environ['PATH']}"}
    command = [sys.executable, str(PROGRAM), "--country", "DE", "--config", str(config), *more]
    subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True)


def test_the_settings_name_the_network_that_was_made_and_it_keeps_its_key(
    nmcli: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("# mine\n[optics]\nf_number = 4.0\n")
    set_up(config)
    web = load_settings(config).web
    told = nmcli.read_text().splitlines()[-1].split("|")

    assert told[told.index("ssid") + 1] == web.wifi_name
    assert told[told.index("wifi-sec.psk") + 1] == web.wifi_key and len(web.wifi_key) >= 12
    assert config.read_text().startswith("# mine\n") and config.stat().st_mode & 0o007 == 0
    set_up(config)
    assert load_settings(config).web == web
    set_up(config, "--new-key")
    assert load_settings(config).web.wifi_key != web.wifi_key
