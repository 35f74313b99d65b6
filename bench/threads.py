"""How much less time two threads take than one, and what they cost: in turn, medians and the ratio pair by pair.

    python bench/threads.py --frames 10 30 --runs 5      # frames of the simulated rig
    python bench/threads.py --folder MY_FRAMES --frames 10

Pairs, because a computer that does other work meanwhile is not equally fast from minute to minute.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from compare import ROOT, frames_for, spread
from measure import Cost, measure
from stackers import OURS


def main(args: Sequence[str] | None = None) -> int:
    """Print a table."""
    parsed = get_parser().parse_args(args)
    frames = frames_for(parsed)
    print("| frames | one thread: wall s | CPU s / frame | peak MB | two threads: wall s | CPU s / frame | peak MB "
          "| wall, two by one |")  # fmt: skip
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for count in sorted(n for n in parsed.frames if n <= len(frames)):
        chosen = spread(frames, count)
        pairs = [(stack(chosen, 1), stack(chosen, 2)) for _ in range(parsed.runs)]
        ratio = median(two.wall_s / one.wall_s for one, two in pairs)
        figures = " | ".join(figures_of(costs, count) for costs in zip(*pairs, strict=True))
        print(f"| {count} | {figures} | {ratio:.2f} |", flush=True)
    return 0


def get_parser() -> argparse.ArgumentParser:
    """What can be chosen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, nargs="+", default=[10, 30], metavar="N")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="of each (default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="frames to use instead of those of the simulated rig")
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench", help="where those are kept")
    return parser


def stack(frames: Sequence[Path], threads: int) -> Cost:
    """One stack with the defaults. Raises RuntimeError when it fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        command = [OURS, "stack", *frames, "-o", "out.jpg", "--threads", str(threads)]
        cost = measure(command, Path(name))
    if cost.code:
        raise RuntimeError(cost.said)
    return cost


def figures_of(costs: Sequence[Cost], frames: int) -> str:
    """Medians of several runs: columns of the table."""
    wall, cpu, peak = (
        median(each) for each in zip(*((c.wall_s, c.cpu_s, c.peak_mb) for c in costs), strict=True)
    )
    return f"{wall:.2f} | {cpu / frames:.2f} | {peak:.0f}"


if __name__ == "__main__":
    sys.exit(main())
