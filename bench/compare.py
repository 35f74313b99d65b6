"""Our stacker beside whatever others are installed, on the same frames in one run: docs/benchmarks.md."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import simplejpeg
from measure import NOTHING, Cost, measure
from simulated_bracket import simulated_frames
from stackers import STACKERS, Stacker, used_frames

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- compare.py writes from here -->", "<!-- to here -->"
MANY_DECODES = 5  # enough to tell the cost of one


@dataclass(frozen=True)
class Row:
    """One stacker on one number of frames."""

    stacker: str
    frames: int
    used: int | None  # of the frames, where the stacker shows it
    cost: Cost
    seconds: dict[str, float]  # by stage, where the stacker tells


def main(args: Sequence[str] | None = None) -> int:
    """Run everything asked for and write the tables; 0 unless our own stacker failed."""
    parsed = get_parser().parse_args(args)
    frames = frames_for(parsed)
    chosen = [
        stacker for stacker in STACKERS if stacker.here and (parsed.peers or "fieldstack" in stacker.name)
    ]
    rows = []
    for count in sorted(n for n in parsed.frames if n <= len(frames)):
        for stacker in chosen:
            print(f"{stacker.name}, {count} frames ...", flush=True)
            rows.append(run(stacker, spread(frames, count)))
            print(f"  {line_of(rows[-1])}", flush=True)
    text = "\n".join(tables(rows, frames, chosen))
    write_between_marks(parsed.out, text)
    print(f"wrote {parsed.out}")
    return int(any(row.cost.code for row in rows if "fieldstack" in row.stacker))


def get_parser() -> argparse.ArgumentParser:
    """make bench BENCH='--frames 10 30 100'."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--frames", type=int, nargs="+", default=[10, 30], metavar="N", help="(default: 10 30)"
    )
    parser.add_argument("--folder", type=Path, help="frames to use instead of those of the simulated rig")
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench", help="where those are kept")
    parser.add_argument("--out", type=Path, default=PAGE, help="(default: %(default)s)")
    parser.add_argument(
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="the other stackers too"
    )
    return parser


def frames_for(parsed: argparse.Namespace) -> list[Path]:
    """The frames to measure with: of the folder given, or else of the simulated rig, as many as the most wanted."""
    return own_frames(parsed.folder) if parsed.folder else simulated_frames(parsed.data, max(parsed.frames))


def own_frames(folder: Path) -> list[Path]:
    """The JPEGs of a folder by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg"})


def spread(frames: Sequence[Path], count: int) -> list[Path]:
    """So many of the frames, evenly spread, the first and the last among them."""
    return [frames[round(i * (len(frames) - 1) / max(count - 1, 1))].absolute() for i in range(count)]


def run(stacker: Stacker, frames: Sequence[Path]) -> Row:
    """Fuse the frames once."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        cost = NOTHING
        for command in stacker.commands(frames, folder):
            cost = cost.then(measure(command, folder))
            if cost.code:
                break
        report = folder / "report.json"
        seconds = json.loads(report.read_text())["seconds"] if report.exists() else {}
        return Row(stacker.name, len(frames), used_frames(folder), cost, seconds)


# --- tables --------------------------------------------------------------------------------------------
def tables(rows: Sequence[Row], frames: Sequence[Path], stackers: Sequence[Stacker]) -> list[str]:
    """The page in Markdown."""
    image = cv2.imread(str(frames[0]))
    load = os.getloadavg()[0]
    lines = [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {os.cpu_count()} × {processor()}, "
        f"Python {platform.python_version()}. Load average at the end {load:.1f}"
        + (
            ": other work was running, so compare CPU, not wall."
            if load > (os.cpu_count() or 1) + 0.5
            else "."
        ),
        f"Frames of {image.shape[1]} × {image.shape[0]}; decoding one takes {decode_cpu_s(frames[0]):.3f} s of CPU.",
        "",
        *dict.fromkeys(f"- {stacker.name.split(',')[0]}: {stacker.version}" for stacker in stackers),
        "",
        "| stacker | frames | of them used | wall s | CPU s | CPU s / frame | peak MB | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
        *(f"| {line_of(row)} |" for row in rows),
    ]
    staged = [row for row in rows if row.seconds]
    if staged:
        stages = list(dict.fromkeys(stage for row in staged for stage in row.seconds))
        lines += ["", "Wall seconds of our own stages:", ""]
        lines += ["| | frames | " + " | ".join(stages) + " |", "|---|---:|" + "---:|" * len(stages)]
        lines += [
            f"| {row.stacker} | {row.frames} | "
            + " | ".join(f"{row.seconds.get(stage, 0):.2f}" for stage in stages)
            + " |"
            for row in staged
        ]
    return lines


def line_of(row: Row) -> str:
    """A row of the first table, without its outer bars."""
    cost = row.cost
    verdict = "" if cost.code == 0 else f"failed ({cost.code}): {cost.said[:90]}".replace("|", "/")
    figures = f"{cost.wall_s:.1f} | {cost.cpu_s:.1f} | {cost.cpu_s / row.frames:.2f} | {cost.peak_mb:.0f}"
    used = "?" if row.used is None else row.used
    return f"{row.stacker} | {row.frames} | {used} | {figures} | {verdict}"


def decode_cpu_s(frame: Path) -> float:
    """CPU seconds to decode a frame once."""
    data = frame.read_bytes()
    before = os.times()
    for _ in range(MANY_DECODES):
        simplejpeg.decode_jpeg(data, "BGR")
    after = os.times()
    return (after.user + after.system - before.user - before.system) / MANY_DECODES


def processor() -> str:
    """The processor's name as the kernel has it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def write_between_marks(page: Path, text: str) -> None:
    """Replace what stands between the marks; the rest of the page is written by people."""
    old = page.read_text(encoding="utf-8") if page.exists() else f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    head, _, rest = old.partition(BEGIN)
    page.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
