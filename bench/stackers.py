"""The stackers a bench compares: how each is called, and which of them are here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = list[str | Path]
# The commands of one job, to be run after each other in a folder of their own, each made when its turn comes.
Commands = Callable[[Sequence[Path], Path], Iterator[Command]]


@dataclass(frozen=True)
class Stacker:
    """A stacker and the programs it needs; `commands` fuses frames into out.jpg within a folder."""

    name: str
    programs: tuple[str, ...]
    commands: Commands

    @property
    def here(self) -> bool:
        """Whether all its programs are installed."""
        return all(shutil.which(program) for program in self.programs)

    @property
    def version(self) -> str:
        """The first line of what its first program says of itself."""
        answer = subprocess.run([self.programs[0], "--version"], capture_output=True, text=True, check=False)
        return ((answer.stdout + answer.stderr).strip().splitlines() or ["unknown"])[0]


OURS = str(Path(sys.executable).with_name("fieldstack"))


def ours(*options: str) -> Commands:
    """`fieldstack stack` with its defaults and these options."""

    def commands(frames: Sequence[Path], folder: Path) -> Iterator[Command]:
        yield [OURS, "stack", *frames, "-o", folder / "out.jpg", "--report", folder / "report.json", *options]

    return commands


def focus_stack(frames: Sequence[Path], folder: Path) -> Iterator[Command]:
    """With its defaults."""
    yield ["focus-stack", f"--output={folder / 'out.jpg'}", *frames]


ALIGNED = "aligned"


def hugin(frames: Sequence[Path], folder: Path) -> Iterator[Command]:
    """Aligned by align_image_stack with magnification, fused by enfuse by contrast alone, as its manual advises."""
    yield ["align_image_stack", "-m", "-a", folder / ALIGNED, *frames]
    weights = ["--exposure-weight=0", "--saturation-weight=0", "--contrast-weight=1", "--hard-mask"]
    yield ["enfuse", *weights, "-o", folder / "out.jpg", *sorted(folder.glob(f"{ALIGNED}*.tif"))]


def used_frames(folder: Path) -> int | None:
    """How many frames went into the picture, as far as the stacker shows it in its folder."""
    report = folder / "report.json"
    if report.exists():
        return int(json.loads(report.read_text())["used"])
    return len(list(folder.glob(f"{ALIGNED}*.tif"))) or None


STACKERS = (
    Stacker("fieldstack", (OURS,), ours()),
    Stacker("fieldstack, one thread", (OURS,), ours("--threads", "1")),
    Stacker("focus-stack", ("focus-stack",), focus_stack),
    Stacker("align_image_stack + enfuse", ("enfuse", "align_image_stack"), hugin),
)
