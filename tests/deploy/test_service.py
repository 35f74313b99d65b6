"""The service as systemd reads it: whatever ends the program, the rig is left safe and comes back."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

import pytest

from rig.cli import get_parser
from rig.commands.run import run_run
from rig.config import Settings
from rig.configfile import USER_FILE, load_settings
from rig.liveness import GUARD_S
from rig.sources import MOUNT_POINTS

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "fieldstack.service"
VENV = "/opt/fieldstack/.venv/bin/"


@pytest.fixture
def unit() -> RawConfigParser:
    found = RawConfigParser()  # a setting given twice is refused
    found.read_string(UNIT.read_text())
    return found


def test_the_motor_is_switched_off_however_the_program_ended(unit: RawConfigParser, tmp_path: Path) -> None:
    program, *arguments = shlex.split(unit["Service"]["ExecStopPost"])
    config = tmp_path / "config.toml"
    config.write_text("[camera]\nno_such_setting = 1\n")

    told = subprocess.run(
        [sys.executable, *arguments, str(config)], capture_output=True, text=True, timeout=120
    )

    assert program == f"{VENV}python"
    assert told.returncode == 1 and told.stderr.startswith("safe off: ") and "no_such_setting" in told.stderr


def test_the_rig_comes_back_however_often_it_fell(unit: RawConfigParser) -> None:
    service = unit["Service"]
    assert (service["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert int(service["RestartSec"]) <= 5


def test_what_the_service_starts_is_a_command_with_these_options(unit: RawConfigParser) -> None:
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program == f"{VENV}fieldstack"
    args = get_parser().parse_args(arguments)
    assert (args.run, args.data) == (run_run, Path("/var/lib") / unit["Service"]["StateDirectory"])


def test_the_service_may_use_the_lines_and_the_camera(unit: RawConfigParser) -> None:
    service = unit["Service"]
    assert {"gpio", "video"} <= set(service["SupplementaryGroups"].split())
    # lgpio leaves pipes where it is started: a folder that ProtectSystem leaves writable.
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


def test_a_rig_that_does_not_answer_is_started_again(unit: RawConfigParser) -> None:
    """It tells by itself: see rig.servicewatch."""
    service = unit["Service"]
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert int(service["WatchdogSec"]) > 3 * GUARD_S  # a look may last so long, and comes three times


def test_settings_changed_on_the_phone_have_a_place_that_the_service_may_write(unit: RawConfigParser) -> None:
    service = unit["Service"]
    assert service["Environment"] == f"HOME=/var/lib/{service['StateDirectory']}"
    assert str(USER_FILE).startswith("~/")


def test_a_home_that_the_service_may_not_look_into_has_no_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    monkeypatch.setenv("HOME", str(closed))
    me = os.geteuid()
    try:
        if me == 0:  # whom no folder is closed to
            os.seteuid(65534)
        assert load_settings() == Settings()
    finally:
        os.seteuid(me)
        closed.chmod(0o700)


def test_the_user_of_the_service_may_switch_the_computer_off(unit: RawConfigParser) -> None:
    rule = (DEPLOY / "50-fieldstack.rules").read_text()
    assert f'subject.user == "{unit["Service"]["User"]}"' in rule
    assert re.findall(r"login1\\.([a-z-]+)", rule) == ["power-off"]


# --- cards and sticks -----------------------------------------------------------------------------------
def test_the_service_may_write_where_sticks_are_mounted(unit: RawConfigParser) -> None:
    """Elsewhere ProtectSystem forbids it; a mount point that does not exist must not keep the service from starting."""
    paths = unit["Service"]["ReadWritePaths"].split()

    assert all(path.startswith("-/") for path in paths)
    for point in MOUNT_POINTS:
        assert any(Path(point).is_relative_to(path.removeprefix("-")) for path in paths), point


def test_what_is_plugged_in_is_mounted_read_only_but_for_a_stick_named_for_it() -> None:
    rule = (DEPLOY / "90-fieldstack-cards.rules").read_text()
    options = re.findall(r'(.*)ENV\{FIELDSTACK_OPTIONS\}="([^"]*)"', rule)

    assert [set(flags.split(",")) >= {"nosuid", "nodev", "noexec"} for _, flags in options] == [True, True]
    assert options[0][0] == "" and options[0][1].startswith("ro,")
    assert options[1] == ('ENV{ID_FS_LABEL}=="FIELDSTACK", ', "rw,nosuid,nodev,noexec,noatime")
    assert (
        "--owner=fieldstack" in rule and "--automount=no" in rule
    )  # mounted only when looked at, it would never be
    command = re.search(r'RUN\+="(\S+)', rule)
    assert command is not None and command[1] == "/usr/bin/systemd-mount"
    assert (
        re.search(r'ENV\{ID_BUS\}!="usb", GOTO="(\w+)"', rule)[1] == re.search(r'LABEL="(\w+)"\n\Z', rule)[1]
    )
