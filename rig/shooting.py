"""One bracket on its way to the card: each frame kept, noted, shown and fed to the stacker."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from rig.bracketfolder import BracketFolder
from rig.brackets import BracketDetail
from rig.capturereport import CaptureReport, FrameFacts
from rig.config import Settings
from rig.coverage import Coverage, check_coverage
from rig.devices.camera import Camera, Exposure, Frame, Image
from rig.devices.motor import FocusMotor
from rig.errors import NotAllowedError
from rig.facts import Fact
from rig.pictures import FRAME_THUMB_PX, encode_jpeg, small_copy
from rig.plan import BracketPlan
from rig.repair import unasked
from rig.saying import say, with_codes
from rig.stackqueue import StackTask
from rig.status import BracketProgress, Outcome, RepairOffer, Step
from rig.timeofday import Moment


class Shooting:
    """What the frames of one bracket share; its sink and progress go to the capture loop."""

    def __init__(
        self,
        folder: BracketFolder,
        plan: BracketPlan,
        show: Callable[[BracketProgress], None],
        picture: Callable[[Image], None],
        before: BracketDetail | None = None,
        task: StackTask | None = None,
        still_px: float = math.inf,
    ) -> None:
        """before: what is there of a bracket that is gone on with. task: the live stack, if there is one.

        still_px: motion between previews, in preview pixels, beyond which it counts as windy.
        """
        self.folder = folder
        self.plan = plan
        self.task = task
        self.start = first_missing(before) if before is not None else 0
        self.exposure = exposure_of(before) if before is not None else None
        self._not_final: list[int] = []  # frames on the card that may yet be shot again
        self._added = 0  # frames that it was extended by without asking
        self._show = show
        self._picture = picture
        self._still_px = still_px
        self._begun = time.monotonic()
        sharpness = tuple(frame.sharpness for frame in before.frames[: self.start]) if before else ()
        self.state = BracketProgress(
            folder.id, self.start, len(plan.positions_steps), plan.time_s, None, sharpness, None
        )

    def sink(self, frame: Frame, facts: FrameFacts) -> None:
        """Keep one frame; it is on the card when this returns."""
        thumb = small_copy(frame.jpeg, FRAME_THUMB_PX)
        self.folder.add_frame(
            facts.index,
            frame.jpeg,
            frame.dng,
            encode_jpeg(thumb) if thumb is not None else None,
            **frame_fact(frame, facts),
        )
        self.state = replace(
            self.state,
            sharpness=replaced(self.state.sharpness, facts.index, round(facts.sharpness, 6)),
            wind=None if facts.motion_px is None else "windy" if facts.motion_px > self._still_px else "calm",
        )
        if thumb is not None:
            self._picture(thumb)
        if facts.index not in self._not_final:
            self._not_final.append(facts.index)

    def final(self, index: int) -> None:
        """Let the stacker have this frame: it stays as it is on the card."""
        self._not_final.remove(index)
        if self.task is not None:
            self.task.add_frame(self.folder.frame_path(index))

    def progress(self, done: int, total: int, step: Step) -> None:
        """Show how far it is."""
        self.state = replace(self.state, done=done, step=step, eta_s=self._left_s(done, total))
        self._show(self.state)

    def end(self, report: CaptureReport) -> None:
        """Note how it ended and let the live stack finish."""
        for index in tuple(self._not_final):
            self.final(index)
        if self.task is not None:
            self.task.end()
        self.state = replace(self.state, outcome=report.outcome, step=None, eta_s=None)
        if report.again_from is not None:
            self.state = replace(self.state, done=report.again_from)
        coverage = self.check() if report.outcome is Outcome.COMPLETE else None
        if coverage is not None:
            self.state = replace(
                self.state,
                verdict=coverage.verdict.value,
                verdict_sentence=coverage.sentence,
                repairs=repair_offers(coverage),
            )
        self.folder.note(
            "ended",
            outcome=report.outcome,
            coverage=with_codes(asdict(coverage)) if coverage is not None else None,
            warnings=list(report.warnings),
            error=report.error.said if report.error is not None else None,
            lost_steps=report.lost_steps,
            again_from=report.again_from,
        )

    def check(self) -> Coverage:
        """The verdict on all frames, those shot before a break included, as they were noted."""
        return noted_coverage(self.folder, self.plan.step_steps)

    def wanted(self, travel: tuple[int, int], most: int) -> tuple[int, ...]:
        """Positions to add without asking, of at most so many frames in all; none when it is well covered."""
        places, room = self.plan.positions_steps, most - self._added
        return unasked(self.check(), places, self.plan.step_steps, travel, room) if room > 0 else ()

    def extend(self, places: Sequence[int]) -> None:
        """Go on with these positions; noted first, so that a power cut does not forget them."""
        self.folder.note("extended", positions_steps=list(places))
        self._added += len(places)
        self.start = len(self.plan.positions_steps)
        self.plan = extended(self.plan, places)
        self._begun = time.monotonic()
        self.state = replace(self.state, total=len(self.plan.positions_steps))

    def _left_s(self, done: int, total: int) -> float:
        """From the frames shot so far; before the first one from the plan."""
        shot = done - self.start
        each_s = (time.monotonic() - self._begun) / shot if shot else self.plan.time_s / max(1, total)
        return round(each_s * (total - done), 1)


def replaced(figures: tuple[float, ...], index: int, figure: float) -> tuple[float, ...]:
    """The figures with one more, or with another one in its place when it is there already."""
    return (*figures[:index], figure, *figures[index + 1 :])


def noted_coverage(folder: BracketFolder, step_steps: int) -> Coverage:
    """The verdict on the frames of a bracket on the card."""
    noted = {fact["index"]: NotedFrame.of(fact) for fact in folder.facts() if fact["fact"] == "frame"}
    return check_coverage(sorted(noted.values(), key=lambda frame: frame.position_steps), step_steps)


def repair_offers(coverage: Coverage) -> tuple[RepairOffer, ...]:
    """What the verdict offers, as the status shows it."""
    return tuple(
        RepairOffer(repair.action, repair.frames, repair.label, finding.frames)
        for finding in coverage.findings
        if (repair := finding.repair) is not None
    )


def extended(plan: BracketPlan, places: Sequence[int]) -> BracketPlan:
    """The plan with further positions, shot after the others."""
    positions = (*plan.positions_steps, *places)
    grown = len(positions) / len(plan.positions_steps)
    return replace(
        plan,
        positions_steps=positions,
        frames=len(positions),
        time_s=plan.time_s * grown,
        bytes=round(plan.bytes * grown),
    )


@dataclass(frozen=True)
class NotedFrame:
    """What the check of coverage needs of a frame."""

    index: int
    position_steps: int
    tile_sharpness: tuple[tuple[float, ...], ...]
    clipped_share: float
    box_sharpness: tuple[tuple[float, ...], ...] | None = None

    @classmethod
    def of(cls, fact: Fact) -> NotedFrame:
        """From the frame's fact."""
        return cls(**{field.name: fact[field.name] for field in fields(cls) if field.name in fact})


def frame_fact(frame: Frame, facts: FrameFacts) -> dict[str, Any]:
    """A frame's fact: what readers need at the top, what the check of coverage needs beside."""
    values = asdict(facts)
    exposure = values.pop("exposure")
    values.pop("index")
    return {"width": frame.size[0], "height": frame.size[1], **exposure, **values}


def bracket_head(
    settings: Settings,
    plan: BracketPlan,
    camera: Camera,
    motor: FocusMotor,
    simulated: str | None,
    key: str | None,
    moment: Moment,
) -> dict[str, Any]:
    """A bracket's first fact: all that is needed to understand and to go on with it."""
    return {
        **asdict(moment),
        "simulated": simulated,
        "key": key,
        "frames_planned": len(plan.positions_steps),
        "plan": asdict(plan),
        "devices": {
            "camera": {"name": camera.name, "size": list(camera.size), "pixel_um": camera.pixel_um},
            "motor": {"name": motor.name, "steps_per_um": settings.motor.steps_per_um},
            "optics": asdict(settings.optics),
            "capture": asdict(settings.capture),
        },
    }


def plan_of(detail: BracketDetail) -> BracketPlan:
    """The plan a bracket was begun with. Raises NotAllowedError when it was not noted."""
    try:
        values = dict(detail.plan)
        for name in ("positions_steps", "why", "warnings"):
            values[name] = tuple(values[name])
        values["box"] = tuple(values["box"]) if values.get("box") else None
        return BracketPlan(**values)
    except (KeyError, TypeError) as error:
        raise NotAllowedError(
            say("action.no_plan", "bracket {id} has no plan that could be gone on with", id=detail.id)
        ) from error


def first_missing(detail: BracketDetail) -> int:
    """Index of the first frame not there yet, or there with a focus that it was not meant to have."""
    there = {frame.index for frame in detail.frames} - set(detail.again)
    return next(index for index in range(len(there) + 1) if index not in there)


def exposure_of(detail: BracketDetail) -> Exposure | None:
    """The exposure of the frames already there, None when there is none."""
    for frame in detail.frames:
        return Exposure(frame.exposure_us, frame.gain, frame.colour_gains)
    return None


def progress_of(detail: BracketDetail) -> BracketProgress:
    """A bracket on the card as the status shows it."""
    sharpness = tuple(frame.sharpness for frame in detail.frames)
    summary = detail.summary
    return BracketProgress(
        summary.id, summary.frames_done, summary.frames_planned, None, None, sharpness, summary.outcome
    )


def can_be_resumed(detail: BracketDetail) -> bool:
    """Whether frames are missing of a bracket that has ended."""
    summary = detail.summary
    ended = summary.outcome not in (None, Outcome.COMPLETE)
    return ended and first_missing(detail) < summary.frames_planned
