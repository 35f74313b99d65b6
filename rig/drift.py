"""Whether the drive is where it counts at the end of a bracket: home again and compare."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

from rig.capturereport import CaptureReport, kept_sentence
from rig.config import CaptureSettings
from rig.errors import MotorError, RigError
from rig.focuser import SLOWER, SURE_STEPS, Focuser
from rig.saying import say

LONG_FRAMES = 30  # a bracket so long took minutes: the way to the endstop costs little beside it


def is_due(settings: CaptureSettings, focuser: Focuser, frames: int) -> bool:
    """Whether a bracket of so many frames ends at the endstop."""
    if settings.drift_check == "auto":
        return focuser.homed and focuser.has_endstop and frames >= LONG_FRAMES
    return settings.drift_check == "always" and focuser.has_endstop


def held_against_endstop(
    report: CaptureReport, focuser: Focuser, frames: int, cancelled: Callable[[], bool]
) -> CaptureReport:
    """The report with the steps lost; the count is put right, the motor without current.

    An endstop or motor that fails on the way is the report's error; the bracket is complete all the same.
    frames: of the whole bracket.
    """
    try:
        lost = focuser.lost_steps(cancelled)
    except MotorError as error:
        error.kept = kept_sentence(frames, frames)
        return replace(report, error=error)
    finally:
        with contextlib.suppress(RigError):
            focuser.release()
    if lost is None or abs(lost) <= SURE_STEPS:
        return replace(report, lost_steps=lost)
    told = say(
        "warning.lost_steps",
        "The focus drive had lost {n} steps by the end of the bracket: {advice}.",
        n=abs(lost),
        advice=SLOWER,
    )
    return replace(report, lost_steps=lost, warnings=(told, *report.warnings))
