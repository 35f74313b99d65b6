"""What is on the card, as values: brackets, their frames and their results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from rig.status import Outcome
from rig.words import Words


@dataclass(frozen=True)
class FrameInfo:
    """One frame noted in a bracket: complete on the card, with its checksum."""

    index: int  # in the order shot; 0 = nearest planned position
    name: str  # file name within frames/, "000.jpg"
    position_steps: int
    position_um: float
    exposure_us: int
    gain: float
    colour_gains: tuple[float, float]
    sharpness: float  # comparable within the bracket
    size_bytes: int
    width: int
    height: int
    sha256: str
    has_dng: bool = False


@dataclass(frozen=True)
class ResultInfo:
    """One fused image of a bracket. The same frames may be stacked many times."""

    id: str  # "r01"
    method: str
    width: int
    height: int
    used: int  # frames that went into it
    frames: int  # frames it was offered
    warnings: tuple[str, ...]
    settings: dict[str, Any]  # what the stacker was told
    report: dict[str, Any]  # what it answered, see docs of the stacker's report
    size_bytes: int  # of the fused image
    has_depth: bool = False
    has_tiff: bool = False
    tiff_bytes: int = 0  # of that file; 0 where it is not known


@dataclass(frozen=True)
class Copied:
    """A checked copy of all that a bracket has."""

    to: str  # name of the stick
    at: str | None  # ISO 8601 with zone; None when the clock was not set
    frames: bool  # with frames; False: the results alone


@dataclass(frozen=True)
class BracketSummary:
    """One line of the gallery."""

    id: str  # "b000123"
    created: str | None  # ISO 8601 with zone (of a card: without); None when the clock was not set
    outcome: Outcome | None  # None while it is being shot
    frames_done: int
    frames_planned: int
    bytes: int  # of every file in the folder
    results: tuple[str, ...]  # ids, oldest first
    thumb: bool  # file(id, "thumb") would answer
    simulated: str | None  # name of the scene, None on a real rig
    words: Words = field(default_factory=Words)
    dated_later: bool = False  # the clock was not known when it was shot; a phone told it afterwards
    verdict: str | None = None  # of the check of coverage, when it ended complete; see rig.coverage
    imported: str | None = None  # name of the card or folder its frames were copied from
    copied: Copied | None = None  # the last copy, while nothing was added that it lacks

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class BracketDetail:
    """Everything noted about one bracket."""

    summary: BracketSummary
    plan: dict[str, Any]  # positions_steps, step_um, why, ... as planned
    devices: dict[str, Any]  # names and settings of camera and motor
    frames: tuple[FrameInfo, ...]  # by index
    results: tuple[ResultInfo, ...]  # oldest first
    findings: tuple[dict[str, Any], ...] = ()  # of the check of coverage, the gravest first
    again: tuple[int, ...] = ()  # indices of frames shot while the drive stood still: to be shot again

    @property
    def id(self) -> str:
        """The bracket's id."""
        return self.summary.id

    @property
    def in_focus_order(self) -> tuple[FrameInfo, ...]:
        """The frames from near to far: those of an extension come last by index."""
        return tuple(sorted(self.frames, key=lambda frame: (frame.position_steps, frame.index)))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; the summary's fields stand beside the others."""
        whole = asdict(self)
        return {**whole.pop("summary"), **whole}
