"""What is known of a bracket's frames, and how its shooting went: values and their sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rig.devices.camera import Exposure
from rig.errors import RigError
from rig.saying import Frames, Said, say
from rig.status import Outcome

CLIPPED_SHARE = 0.01  # burnt out over more than this: worth a warning

Rows = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class FrameFacts:
    """What is known of one frame besides its picture."""

    index: int  # place in the plan, 0 = nearest
    position_steps: int
    position_um: float
    exposure: Exposure  # as the sensor reports it
    sharpness: float  # comparable within the bracket
    timestamp_ns: int  # start of the exposure on the camera's monotonic clock
    settle_s: float
    tile_sharpness: Rows  # rows of tiles
    motion_px: float | None  # at the end of settling, in preview pixels: the wind; None when not watched
    clipped_share: float  # burnt out, 0..1
    box_sharpness: Rows | None  # rows of tiles of the part that is to be covered; None: all is
    retaken: bool  # the first try was shaken or bumped


@dataclass(frozen=True)
class CaptureReport:
    """How the shooting went. The frames named here have been handed over and stay."""

    outcome: Outcome  # COMPLETE, STOPPED or FAILED
    frames: tuple[FrameFacts, ...]
    exposure: Exposure | None  # locked for the bracket; None when the camera failed before
    warnings: tuple[Said, ...] = ()
    error: RigError | None = None  # why it failed; error.kept says what is safe
    lost_steps: int | None = None  # found at the endstop afterwards (rig.drift); None: not checked
    again_from: int | None = None  # index of the first frame to be shot again when it is gone on with


def together(first: CaptureReport, then: CaptureReport) -> CaptureReport:
    """One report on a bracket that was gone on with: it ended as the second part did."""
    warnings = tuple(dict.fromkeys((*first.warnings, *then.warnings)))
    return replace(then, frames=first.frames + then.frames, warnings=warnings)


def kept_sentence(done: int, total: int, again_from: int | None = None) -> Said:
    """What is safe on the card after a bracket broke off. again_from: index of the first frame in doubt."""
    if done == 0:
        return say("kept.none", "No frame had been shot yet.")
    if again_from is None:
        return say("kept.frames", "{done} of {total} frames are safe on the card.", done=done, total=total)
    return say(
        "kept.some_again",
        "{done} of {total} frames are safe on the card; those from frame {first} on show one focus and are shot "
        "again when you go on.",
        done=done,
        total=total,
        first=again_from + 1,
    )


def rows(tiles: npt.NDArray[np.float32]) -> Rows:
    """Figures of tiles as they are noted: four digits of each."""
    return tuple(tuple(float(f"{value:.4g}") for value in row) for row in tiles)


def moved_sentence(index: int, off_px: tuple[float, float]) -> Said:
    """That the whole rig has moved. index: of the first frame that shows it."""
    return say(
        "warning.rig_moved",
        "The rig or its subject was moved before frame {n}: from there on the picture lies {px:.0f} pixels beside that "
        "of the frames before; look at the result, or shoot again.",
        n=index + 1,
        px=math.hypot(*off_px),
    )


def bracket_warnings(frames: Sequence[FrameFacts], still_px: float) -> tuple[Said, ...]:
    """What the photographer should know about the frames as a whole."""
    clipped = [f.index for f in frames if f.clipped_share > CLIPPED_SHARE]
    windy = [f.index for f in frames if f.motion_px is not None and f.motion_px > still_px]
    warnings = []
    if clipped:
        warnings.append(
            say(
                "warning.clipped",
                "Highlights are burnt out in {frames}: expose less.",
                frames=Frames(clipped),
            )
        )
    if windy:
        warnings.append(
            say(
                "warning.windy",
                "The picture was not still in {frames}: shelter it from wind and steps.",
                frames=Frames(windy),
            )
        )
    return tuple(warnings)
