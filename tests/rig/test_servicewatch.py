"""The service manager hears from a rig that answers, and from no other; and a program that hangs ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator

import pytest
from patience import PATIENCE_S
from simrig import Rig, small_rig

from rig import machine
from rig.config import Settings
from rig.liveness import STUCK_S, Liveness
from rig.machine import Machine
from rig.servicewatch import notify, watchdog_s, watched
from rig.status import Phase


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.line.bind(address)
        self.line.settimeout(PATIENCE_S)
        self.environment = {
            "NOTIFY_SOCKET": address.replace("\0", "@"),
            "WATCHDOG_USEC": "30000",
            "WATCHDOG_PID": str(os.getpid()),
        }

    def hears(self) -> bytes:
        return self.line.recv(100)

    def has_heard(self) -> bool:
        self.line.setblocking(False)
        try:
            return bool(self.line.recv(100))
        except BlockingIOError:
            return False


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest) -> Iterator[Manager]:
    with tempfile.TemporaryDirectory(
        dir="/tmp"
    ) as short:  # a longer path may not fit into a socket's address
        abstract = f"\0fieldstack-test-{os.getpid()}"
        found = Manager(abstract if request.param == "abstract" else f"{short}/notify")
        yield found
        found.line.close()


def test_what_is_told_is_heard(manager: Manager) -> None:
    assert notify("READY=1", manager.environment)
    assert manager.hears() == b"READY=1"


@pytest.mark.parametrize("address", ["", "relative", "/no/such/socket"])
def test_without_a_manager_that_listens_nothing_happens(address: str) -> None:
    assert not notify("READY=1", {"NOTIFY_SOCKET": address})


@pytest.mark.parametrize(
    ("environment", "limit_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "90000000"}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())}, 90.0),
        ({"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_how_often_it_wants_to_hear(environment: dict[str, str], limit_s: float | None) -> None:
    assert watchdog_s(environment) == limit_s


def test_as_long_as_the_rig_answers_the_manager_hears_it_again_and_again(manager: Manager) -> None:
    with watched(lambda: True, manager.environment):
        assert [manager.hears() for _ in range(3)] == [b"WATCHDOG=1"] * 3


def test_of_a_rig_that_does_not_answer_it_hears_nothing(manager: Manager) -> None:
    asked, enough = list[bool](), threading.Event()

    def is_alive() -> bool:
        asked.append(True)
        if len(asked) == 3:
            enough.set()
        return False

    with watched(is_alive, manager.environment):
        assert enough.wait(PATIENCE_S), "the rig was not looked at again and again"
    assert not manager.has_heard()


def test_where_nobody_asks_no_thread_is_started() -> None:
    with watched(lambda: True, {}):
        assert "watchdog" not in [thread.name for thread in threading.enumerate()]


# --- whether it answers -------------------------------------------------------------------------
class Hours:
    """A clock that is set by hand."""

    s = 0.0

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def hours() -> Hours:
    return Hours()


@pytest.fixture
def liveness(rig: Rig, hours: Hours) -> Liveness:
    return Liveness(rig.workflow._control, hours)


def test_a_rig_that_stands_still_for_hours_is_alive(rig: Rig, liveness: Liveness, hours: Hours) -> None:
    assert liveness.is_alive() and rig.workflow.is_alive()
    hours.s = 10 * STUCK_S
    assert liveness.is_alive()


def test_a_rig_that_takes_no_decision_is_not(rig: Rig, liveness: Liveness) -> None:
    held, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with rig.workflow._control.guard:
            held.set()
            let_go.wait(PATIENCE_S)

    thread = threading.Thread(target=hold, daemon=True)
    thread.start()
    try:
        assert held.wait(PATIENCE_S)
        assert not liveness.is_alive(guard_s=0.01)
    finally:
        let_go.set()
        thread.join(PATIENCE_S)
    assert liveness.is_alive()


@pytest.mark.parametrize("state", [Phase.CAPTURING, Phase.FOCUSING, Phase.HOMING, Phase.MOVING])
def test_work_that_does_not_get_on_is_dead_after_a_while(
    rig: Rig, liveness: Liveness, hours: Hours, state: Phase
) -> None:
    rig.workflow._control.board.change(state=state)
    assert liveness.is_alive()
    hours.s = STUCK_S - 1
    assert liveness.is_alive()
    hours.s = STUCK_S + 1
    assert not liveness.is_alive()


def test_a_slow_drive_gets_on_step_by_step(rig: Rig, liveness: Liveness, hours: Hours) -> None:
    rig.workflow._control.board.change(state=Phase.MOVING)
    for step in range(5):
        hours.s = step * (STUCK_S - 1)
        rig.workflow._control.machine.devices.motor.set_position(1000 + step)
        assert liveness.is_alive()


def test_a_pause_may_last(rig: Rig, liveness: Liveness, hours: Hours) -> None:
    rig.workflow._control.board.change(state=Phase.PAUSED)
    assert liveness.is_alive()
    hours.s = 10 * STUCK_S
    assert liveness.is_alive()


def test_without_its_thread_nothing_is_ever_done(rig: Rig, liveness: Liveness) -> None:
    rig.workflow._control.jobs.close()

    assert not liveness.is_alive()


# --- the end ------------------------------------------------------------------------------------
def test_a_camera_that_somebody_hangs_in_does_not_keep_the_machine_from_closing(
    monkeypatch: pytest.MonkeyPatch, make_rig: Callable[..., Rig]
) -> None:
    monkeypatch.setattr(machine, "CLOSE_WAIT_S", 0.05)
    rig = Machine(Settings(), small_rig)
    rig.start(lambda press: None)
    motor = rig.devices.motor
    motor.move_by(5)
    in_it, let_go = threading.Event(), threading.Event()

    def hang() -> None:
        with rig.camera():
            in_it.set()
            let_go.wait(PATIENCE_S)

    thread = threading.Thread(target=hang, daemon=True)
    thread.start()
    try:
        assert in_it.wait(PATIENCE_S)
        rig.close()
        assert not motor.energised
    finally:
        let_go.set()
        thread.join(PATIENCE_S)


HANGS = """
import atexit, sys, threading
import rig.cli as cli
cli.LEAVE_WITHIN_S = 0.2
class Gpio:
    make_all_safe = staticmethod(lambda: print("safe", flush=True))
sys.modules["rig.devices.gpio"] = Gpio
for_ever = threading.Event()
{hang}
sys.argv = ["fieldstack", "plan", "--magnification", "1", "--f-number", "5.6", "--depth", "1"]
sys.exit(cli.main())
"""


@pytest.mark.parametrize(
    "hang",
    [
        "threading.Thread(target=for_ever.wait).start()",  # picamera2's preview thread
        "atexit.register(for_ever.wait)",  # its close at exit
    ],
)
def test_a_program_that_is_done_ends_whatever_hangs_with_its_outputs_safe(hang: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS.format(hang=hang)], capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert done.returncode == 0
    assert done.stdout.endswith("safe\n") and "frames" in done.stdout
    assert "did not end" in done.stderr


def test_one_that_ends_by_itself_is_not_hurried() -> None:
    done = subprocess.run(
        [sys.executable, "-c", HANGS.format(hang="")], capture_output=True, text=True, timeout=PATIENCE_S
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "safe" not in done.stdout
