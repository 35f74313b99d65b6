"""Runs a piece of the rig as a process of its own on the emulated GPIO chip, with the test as its world."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from patience import PATIENCE_S, next_line

REPOSITORY = Path(__file__).parents[2]

PREAMBLE = """
import os, select, signal, sys, threading, time
from rig.config import MotorSettings, PanelSettings
from rig.devices.gpio import Gpio
from rig.devices.motor_stepdir import StepDirMotor
from rig.devices.motor_uln2003 import Uln2003Motor
from rig.devices.panel_gpio import GpioPanel
from rig.errors import RigError

def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())  # at once: a signal handler may interrupt

def wait_for_the_world():
    say("ready")
    # Looked up now and then: a signal that comes just before a read begins does not end it, and Python's
    # handler would run only after it.
    while not select.select([sys.stdin], [], [], 0.1)[0]:
        pass
    sys.stdin.readline()

"""


class ProgramError(Exception):
    """The program ended as it should not, or said nothing: no property of what it does was looked at."""


@dataclass(frozen=True)
class Edge:
    """One line of the chip's trace."""

    ns: int
    line: int
    what: str  # "0", "1", "-" by the Pi; "L", "H", "Z" by the world


class RigProcess:
    """A running program with the chip; the test is the world outside its lines."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self.process = process
        self._folder = folder
        self._socket: socket.socket | None = None

    def hear(self) -> str:
        """The next line the program says."""
        line = next_line(self.process, PATIENCE_S)
        if not line:
            raise ProgramError(f"the program ended, or said nothing for {PATIENCE_S:g} s: {self.errors()}")
        return line.strip()

    def go(self) -> None:
        """End the program's wait_for_the_world()."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def set(self, line: int, level: int | None) -> None:
        """Put a level on a line from outside; None lets it go."""
        self._command(f"set {line} {'-' if level is None else level}")

    def bounce(self, line: int, rests_at: int) -> None:
        """A contact on a line chatters before it rests; returns when the program has seen where it rests."""
        self._command(f"bounce {line} {rests_at}")
        deadline = time.monotonic() + PATIENCE_S
        while self._command(f"noticed {line}") != "1":
            if time.monotonic() > deadline:
                raise ProgramError(f"nobody looked at line {line} within {PATIENCE_S:g} s after its edge")
            time.sleep(0.002)

    def hold(self, line: int) -> None:
        """Let another program have a line."""
        self._command(f"hold {line} 1")

    def free(self, line: int) -> None:
        """Let the other program give it back."""
        self._command(f"hold {line} 0")

    def ask(self, line: int) -> str:
        """The level of a line and its direction: "1 out"."""
        return self._command(f"ask {line}")

    def end(self, number: signal.Signals | None = None) -> int:
        """Wait for the end, after a signal if one is given; returns the exit status."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def end_well(self) -> None:
        """Wait for its end. Raises ProgramError unless that was a success."""
        status = self.end()
        if status:
            raise ProgramError(f"the program ended with status {status}: {self.errors()}")

    def errors(self) -> str:
        """Everything on stderr, once the program has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def trace(self) -> list[Edge]:
        """What happened on the lines so far."""
        text = (self._folder / "trace").read_text()
        complete = text[: text.rfind("\n") + 1]
        return [
            Edge(int(ns), int(line), what)
            for ns, line, what in (row.split() for row in complete.splitlines())
        ]

    def wait_for_rises(self, line: int, count: int) -> None:
        """Until a line has been driven high so often."""
        deadline = time.monotonic() + PATIENCE_S
        while sum(edge.line == line and edge.what == "1" for edge in self.trace()) < count:
            if self.process.poll() is not None:
                raise ProgramError(
                    f"the program ended before line {line} rose {count} times: {self.errors()}"
                )
            if time.monotonic() > deadline:
                raise ProgramError(f"line {line} did not rise {count} times within {PATIENCE_S:g} s")
            time.sleep(0.005)

    def wait_for(self, line: int, wanted: str) -> None:
        """Until ask() answers so."""
        deadline = time.monotonic() + PATIENCE_S
        while (found := self.ask(line)) != wanted:
            if time.monotonic() > deadline:
                raise ProgramError(f'line {line} stays at "{found}" instead of "{wanted}"')
            time.sleep(0.005)

    def _command(self, text: str) -> str:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._socket.settimeout(PATIENCE_S)
            self._socket.connect(str(self._folder / "control"))
        self._socket.send(text.encode())
        return self._socket.recv(64).decode()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr, self._socket):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


StartRig = Callable[..., RigProcess]


@contextmanager
def rig_process(
    chip: Path, folder: Path, program: str, code: Path = REPOSITORY, **environment: str
) -> Iterator[RigProcess]:
    """The program (after PREAMBLE) on the chip library; code: folder that holds the package rig."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "trace").touch()
    variables = os.environ | {
        "LD_PRELOAD": str(chip),
        "CHIP_TRACE": str(folder / "trace"),
        "CHIP_CONTROL": str(folder / "control"),
        "RPI_LGPIO_REVISION": "c03115",  # a Pi 4; rpi-lgpio refuses to be imported elsewhere
        "RPI_LGPIO_CHIP": "0",
        "PYTHONPATH": str(code),
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + textwrap.dedent(program)],
        env=variables,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    rig = RigProcess(process, folder)
    try:
        yield rig
    finally:
        rig.close()
