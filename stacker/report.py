"""What happened in a stack, as a value and as JSON (docs/report.md describes every field)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from stacker.saying import all_coded

SCHEMA = "fieldstack.report/1"


@dataclass(frozen=True)
class FrameReport:
    """One frame: what it went in with, or why it was left out."""

    index: int  # in shot order, counted from 0; -1 for a file that is no frame of this bracket
    name: str
    used: bool
    reason: str | None = None  # why it was left out, a sentence
    transform: tuple[tuple[float, ...], ...] | None = None  # (2, 3), frame pixels to reference pixels
    gain: tuple[float, float, float] | None = None  # B, G, R, to the reference's brightness
    error_px: float | None = None  # expected error of the transform, full-size pixels
    sharpness: float | None = None  # of its sharpest parts; comparable within the bracket


@dataclass(frozen=True)
class Coverage:
    """Was everything sharp in some frame? Shares are of the textured part of the picture."""

    verdict: str  # "covered", "near_cut", "far_cut", "both_cut", "unknown"
    first_share: float  # where the first frame is the sharpest one
    last_share: float
    sentence: str


@dataclass(frozen=True)
class Quality:
    """How much of the subject's detail the result holds, and by what it fell short of all. All 0..1."""

    figure: float  # ends times between times aligned
    ends: float  # what is known to have been in focus within the bracket
    between: float  # what is kept of detail that is in focus between two frames
    aligned: float  # what is kept where frames lie on each other a little off


@dataclass(frozen=True)
class Report:
    """The whole story of one result."""

    method: str
    size: tuple[int, int]  # width, height of the result, px
    area: tuple[int, int, int, int]  # x, y, width, height of the result within the reference frame
    reference: int  # index of the reference frame
    frames: tuple[FrameReport, ...]
    coverage: Coverage
    warnings: tuple[str, ...]
    seconds: dict[str, float]  # by stage
    peak_memory_mb: float  # of this process
    quality: Quality | None = None  # None where too little is known to tell

    @property
    def used(self) -> int:
        """How many frames went into the result."""
        return sum(frame.used for frame in self.frames)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        said = all_coded(self.warnings)
        return {
            "schema": SCHEMA,
            "used": self.used,
            **asdict(self),
            **({"warnings_said": said} if said else {}),
        }

    def as_json(self) -> str:
        """The report as text."""
        return json.dumps(self.as_dict(), indent=2) + "\n"
