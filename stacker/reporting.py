"""The report of a stack, from what its two passes found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stacker import memory
from stacker.exposures import exposure_warning
from stacker.looked import Looked
from stacker.quality import quality
from stacker.report import Coverage, FrameReport, Report
from stacker.saying import say
from stacker.survey import Surveyed
from stacker.validarea import Rectangle


def report(
    frames: Sequence[Looked],
    reference: Looked,
    found: Surveyed,
    verdict: Coverage,
    method: str,
    area: Rectangle,
    seconds: Mapping[str, float],
) -> Report:
    """What happened with these frames, given in shot order."""
    told = tuple(_frame(index, frame, found) for index, frame in enumerate(frames))
    problems = []
    for given in {id(frame.source): frame.source for frame in frames if frame.source}.values():
        problems += [FrameReport(-1, problem.name, False, problem.reason) for problem in given.problems]
    left_out = [frame.reason for frame in (*told, *problems) if frame.reason]
    warnings = [left_out_sentence(reason) for reason in left_out]
    place = next(index for index, frame in enumerate(frames) if frame is reference)
    exposures = exposure_warning(told, place)
    fitting = [index for index, frame in enumerate(frames) if frame.slot in found.fitting]
    if exposures is not None:
        warnings.append(exposures)
    return Report(
        method=method,
        size=(area[2], area[3]),
        area=area,
        reference=place,
        frames=(*told, *problems),
        coverage=verdict,
        warnings=tuple(warnings),
        seconds={stage: round(spent, 3) for stage, spent in seconds.items()},
        peak_memory_mb=round(memory.peak_mb(), 1),
        # An average holds the detail of no frame: how much that is, nothing here tells.
        quality=None if method == "average" else quality(told, fitting, found.steps, verdict),
    )


def left_out_sentence(reason: str) -> str:
    """The warning about a frame that is left out."""
    return say("warning.left_out", "left out: {reason}", reason=reason)


def _frame(index: int, frame: Looked, found: Surveyed) -> FrameReport:
    if frame.slot is None:
        return FrameReport(index, frame.name, False, frame.reason)
    pose = found.alignments[frame.slot]
    sharpness = round(found.sharpness[frame.slot], 3)
    reason = (
        frame.reason if pose.used else say("frame.named", "{name}: {why}", name=frame.name, why=pose.reason)
    )
    if reason is not None:
        return FrameReport(index, frame.name, False, reason, sharpness=sharpness)
    return FrameReport(
        index,
        frame.name,
        True,
        transform=tuple(tuple(round(float(value), 7) for value in row) for row in pose.transform),
        gain=(float(pose.gain[0]), float(pose.gain[1]), float(pose.gain[2])),
        error_px=round(pose.residual, 3),
        sharpness=sharpness,
    )
