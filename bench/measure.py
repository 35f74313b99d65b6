"""What a command costs: wall and CPU seconds, and the peak of resident memory of all its processes together."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.03
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Cost:
    """Of one or several commands run after each other."""

    wall_s: float
    cpu_s: float  # user and system, of every process
    peak_mb: float  # resident, summed over the processes alive at a time; pages they share count twice
    code: int  # the exit code of the first command that failed, else 0
    said: str = ""  # the last line of its error output

    def then(self, later: Cost) -> Cost:
        """The cost of both."""
        return Cost(
            self.wall_s + later.wall_s,
            self.cpu_s + later.cpu_s,
            max(self.peak_mb, later.peak_mb),
            later.code,
            later.said,
        )


NOTHING = Cost(0.0, 0.0, 0.0, 0)


def measure(command: Sequence[str | Path], folder: Path) -> Cost:
    """Run a command to its end within folder. Linux only: it reads /proc."""
    log = folder / "said.txt"
    start = time.monotonic()
    with log.open("wb") as said, subprocess.Popen(command, cwd=folder, stdout=said, stderr=said) as process:
        peak = 0
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            peak = max(peak, resident_bytes(process.pid), highest_bytes(process.pid))
            time.sleep(SAMPLE_S)
        process.returncode = os.waitstatus_to_exitcode(status)
    lines = log.read_text(errors="replace").replace("\r", "\n").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return Cost(
        wall_s=time.monotonic() - start,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=peak / 1e6,
        code=process.returncode,
        said=last if process.returncode else "",
    )


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and its descendants, now; 0 for one that has just ended."""
    total = 0
    with contextlib.suppress(OSError, ValueError):
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
        children = Path(f"/proc/{pid}/task").glob("*/children")
        total += sum(resident_bytes(int(child)) for file in children for child in file.read_text().split())
    return total


def highest_bytes(pid: int) -> int:
    """The most that a process alone has had resident, between two looks too; 0 for one that has just ended.

    Not ru_maxrss: that also counts what this program held when it forked the child.
    """
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
