"""How long after the last frame the result of a live stack is there, and what memory that takes.

    python bench/live.py --frames 10 25 60            # frames of the simulated rig
    python bench/live.py --folder MY_FRAMES --frames 10

The stacker process of the rig is fed a frame whenever it has nothing more to do with those that it has: a pace just
below its own speed. The time from the last frame to the result is told in the time that stacking one frame takes when
the bracket is complete before. CPU time stands beside it, for computers that do other work at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compare import ROOT, frames_for, spread
from measure import highest_bytes

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LOOK_S = 0.01
STILL_LOOKS = 10  # so often in a row no thread wants a processor: the stacker waits for a frame


@dataclass
class Fed:
    """A stacker process at work, and when its result was there."""

    process: subprocess.Popen[str]
    ended: threading.Event = field(default_factory=threading.Event)
    cpu_s: float = 0.0
    peak_mb: float = 0.0

    @classmethod
    def start(cls, job: dict[str, Any]) -> Fed:
        """With the first line it reads."""
        process = subprocess.Popen(
            [sys.executable, "-m", "stacker.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        fed = cls(process)
        threading.Thread(target=fed._hear, daemon=True).start()
        fed.say(job)
        return fed

    def say(self, message: dict[str, Any]) -> None:
        """Another line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def wait_until_idle(self) -> None:
        """Until it has nothing to do but wait for the next line."""
        still = 0
        while still < STILL_LOOKS and not self.ended.is_set():
            time.sleep(LOOK_S)
            still = 0 if wants_processor(self.process.pid) else still + 1

    def wait(self) -> None:
        """Until the result is there. Raises RuntimeError when it failed."""
        self.ended.wait()
        if self.process.wait():
            raise RuntimeError("the stacker failed")

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if json.loads(line)["event"] in ("done", "failed"):
                self.cpu_s = cpu_s(self.process.pid)
                self.peak_mb = highest_bytes(self.process.pid) / 1e6
        self.ended.set()


def main(args: Sequence[str] | None = None) -> int:
    """Print a table."""
    parsed = get_parser().parse_args(args)
    frames = frames_for(parsed)
    print("| frames | one frame, complete bracket: wall s | CPU s | result after the last: wall s | CPU s "
          "| in frames' wall time | CPU time | peak MB |")  # fmt: skip
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count in sorted(n for n in parsed.frames if n <= len(frames)):
        print(row_of(spread(frames, count), parsed.threads), flush=True)
    return 0


def get_parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[10, 25, 60], metavar="N")
    parser.add_argument("--folder", type=Path, help="frames to use instead of those of the simulated rig")
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench", help="where those are kept")
    parser.add_argument("--threads", type=int, default=0, help="0 for one per core (default)")
    return parser


def row_of(frames: Sequence[Path], threads: int) -> str:
    """The same frames complete, then one by one."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        job = {"out": f"{name}/out.jpg", "settings": {"threads": threads}}
        begun = time.monotonic()
        whole = Fed.start({**job, "frames": list(map(str, frames))})
        whole.wait()
        wall, cpu = (time.monotonic() - begun) / len(frames), whole.cpu_s / len(frames)
        fed = Fed.start({**job, "frames": [], "follow": True, "total": len(frames)})
        for frame in frames[:-1]:
            fed.wait_until_idle()
            fed.say({"frame": str(frame)})
        fed.wait_until_idle()
        begun, spent = time.monotonic(), cpu_s(fed.process.pid)
        fed.say({"frame": str(frames[-1])})
        fed.say({"end": True})
        fed.wait()
        after, after_cpu = time.monotonic() - begun, fed.cpu_s - spent
    return (
        f"| {len(frames)} | {wall:.2f} | {cpu:.2f} | {after:.2f} | {after_cpu:.2f} "
        f"| {after / wall:.1f} | {after_cpu / cpu:.1f} | {fed.peak_mb:.0f} |"
    )


def wants_processor(pid: int) -> bool:
    """Whether any thread of a process runs, or waits for a processor or the disk."""
    for task in Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            if task.read_text().rpartition(")")[2].split()[0] in "RD":
                return True
        except (OSError, IndexError):
            continue
    return False


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


if __name__ == "__main__":
    sys.exit(main())
