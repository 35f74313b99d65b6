"""The rig's state as values: what it is doing, how far it is, what may be asked of it now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rig.box import Box
from rig.saying import Said


class Phase(StrEnum):
    """What the rig is doing. Stacking is not a phase: it runs beside the rig, see StackProgress."""

    BOOT = "boot"
    HOMING = "homing"
    IDLE = "idle"
    MOVING = "moving"  # jog, go to
    FOCUSING = "focusing"  # sweep for near, far or the whole range
    COUNTDOWN = "countdown"  # the self-timer runs
    CAPTURING = "capturing"
    PAUSED = "paused"
    FAULT = "fault"
    SHUTTING_DOWN = "shutting_down"


class Step(StrEnum):
    """Where within one frame the capture loop is."""

    MOVING = "moving"
    SETTLING = "settling"
    EXPOSING = "exposing"
    SAVING = "saving"


class Outcome(StrEnum):
    """How a bracket ended."""

    COMPLETE = "complete"
    STOPPED = "stopped"  # by the photographer; the frames are kept
    FAILED = "failed"  # by a fault; the frames are kept
    INTERRUPTED = "interrupted"  # found open at start: power cut or crash


@dataclass(frozen=True)
class PreviewJpeg:
    """A live picture, encoded for a phone."""

    jpeg: bytes
    seq: int  # grows with every new picture, across live pictures and thumbnails of frames
    age_ms: int  # since its exposure, when it was handed out
    focus_score: float  # sharpness of the picture, 0..1; comparable at equal exposure and roi
    # Of the full frame for one of the picture; None: not from the sensor's pixels.
    sensor_px: float | None = None


@dataclass(frozen=True)
class FocusStatus:
    """The focus drive; positions grow from near to far."""

    position_steps: int
    position_um: float
    min_steps: int
    max_steps: int
    near_steps: int | None = None
    far_steps: int | None = None


@dataclass(frozen=True)
class PlanStatus:
    """The bracket that Shoot would make now."""

    frames: int
    step_steps: int
    step_um: float
    depth_um: float
    time_s: float
    bytes: int
    why: tuple[Said, ...]  # one sentence a figure
    box: Box | None = None  # part of the picture that near and far were found for


@dataclass(frozen=True)
class RepairOffer:
    """What would put a bracket right; the phone shows it as a button."""

    action: str  # "extend_near", "extend_far", "fill", "leave_out", "expose_less"
    frames: int
    label: Said
    which: tuple[int, ...] = ()  # indices of the frames it is about


@dataclass(frozen=True)
class BracketProgress:
    """The bracket being shot, or the last one shot since start."""

    id: str
    done: int
    total: int
    eta_s: float | None
    step: Step | None
    sharpness: tuple[float, ...]  # one figure a frame, comparable within the bracket
    outcome: Outcome | None  # None while it is being shot
    verdict: str | None = None  # "covered", "near_cut", "far_cut", "gap", ... when complete, see rig.coverage
    verdict_sentence: Said | None = None
    repairs: tuple[RepairOffer, ...] = ()  # the most important first
    wind: str | None = None  # "calm" or "windy" before the last frame; None: settling is not watched


@dataclass(frozen=True)
class StackProgress:
    """The stacker process: the job it works on, or the last one since start."""

    bracket_id: str
    result_id: str  # "r01"
    stage: str  # "waiting", "aligning", "fusing", "finishing", "done", "failed", "cancelled"
    done: int
    total: int
    preview_rev: int  # grows when a new picture of the growing stack is there; 0 = none yet
    error: Said | None = None

    @property
    def running(self) -> bool:
        """True until the job has ended."""
        return self.stage not in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class CopyProgress:
    """Brackets on their way to a stick, or the last ones that were since start."""

    id: str  # "j0123abcd"
    to: str  # name of the stick
    state: str  # "looking", "copying"; "done", "failed", "cancelled"
    done: int = 0  # bytes written and checked
    total: int = 0
    eta_s: float | None = None
    message: Said | None = None  # how it ended

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self.state in ("looking", "copying")


@dataclass(frozen=True)
class StorageStatus:
    """Room on the card."""

    free_bytes: int
    brackets_left: int


@dataclass(frozen=True)
class Fault:
    """Why the rig stands still: what happened, what is safe, what to do."""

    device: str  # "camera", "motor", "endstop", "storage", "gpio", "light", "panel", "program"
    sentence: Said
    kept: Said | None
    action: Said  # what the recover button says


@dataclass(frozen=True)
class Proposal:
    """A setting that a measurement proposes, to be taken over with change_settings."""

    setting: str  # dotted name
    value: float
    sentence: Said


@dataclass(frozen=True)
class Status:
    """One consistent snapshot. rev grows with every change, so a viewer can ask for "newer than"."""

    rev: int
    state: Phase
    since_s: float  # how long the state has lasted
    allowed: tuple[str, ...]  # names of the Workflow methods that would be accepted now
    focus: FocusStatus
    plan: PlanStatus | None  # None until near and far are set
    bracket: BracketProgress | None
    stack: StackProgress | None
    storage: StorageStatus
    exposure: dict[str, Any] | None  # exposure_us, gain, colour_gains, locked
    simulated: str | None  # name of the simulated scene, None on a real rig
    fault: Fault | None = None
    message: Said | None = None  # one sentence for the photographer, e.g. why nothing moved
    proposal: Proposal | None = None  # of the last calibration since the start
    timer_s: int | None = None  # left of the self-timer
    copy: CopyProgress | None = None

    def as_dict(self) -> dict[str, Any]:
        """The snapshot as plain JSON values."""
        return asdict(self)
