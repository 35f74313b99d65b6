"""What the doctor finds, as values; and how the system is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Health(StrEnum):
    """How a thing was found."""

    GOOD = "good"
    NOTE = "note"  # works, with something to know
    BAD = "bad"  # the main job cannot be done


@dataclass(frozen=True)
class Check:
    """One thing looked at."""

    name: str
    health: Health
    found: str
    advice: str | None = None  # what to do, when there is something


@dataclass(frozen=True)
class Diagnosis:
    """Everything looked at."""

    checks: tuple[Check, ...]
    simulated: bool  # the rig would be the simulated one

    @property
    def can_work(self) -> bool:
        """Whether a bracket can be shot and stacked, if only on the simulated rig."""
        return all(check.health is not Health.BAD for check in self.checks)

    @property
    def sentence(self) -> str:
        """The upshot."""
        if not self.can_work:
            bad = ", ".join(check.name for check in self.checks if check.health is Health.BAD)
            return f"The rig cannot work: see {bad}."
        if self.simulated:
            return "The main job can be done on the simulated rig; there is no camera here."
        return "The rig can shoot and stack."

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "can_work": self.can_work, "sentence": self.sentence}


def meminfo(sys_root: Path) -> dict[str, int]:
    """What the kernel tells of its memory, in bytes by name."""
    lines = (read_text(sys_root / "proc/meminfo") or "").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if len(line.split()) >= 2}


def read_text(path: Path) -> str | None:
    """A small system file, None when it is not there."""
    try:
        return path.read_text(errors="replace").strip().strip("\0")
    except OSError:
        return None
