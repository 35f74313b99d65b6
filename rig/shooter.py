"""Brackets begun, paused, gone on with and ended; fed to the stacker while they are shot."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from rig.bracketfolder import BracketFolder
from rig.brackets import BracketDetail
from rig.capture import capture_bracket
from rig.capturereport import CaptureReport, together
from rig.control import RELEASE_AFTER_S, Control
from rig.devices.camera import Camera
from rig.devices.panel import Signal
from rig.drift import held_against_endstop, is_due
from rig.errors import BusyError, NotAllowedError, StorageFullError
from rig.plan import BracketPlan
from rig.repair import ENDS, EXTEND, End, between, beyond, gaps, is_in_focus_order
from rig.repeats import remember
from rig.reports import storage_status
from rig.saying import say
from rig.shooting import (
    Shooting,
    bracket_head,
    can_be_resumed,
    extended,
    first_missing,
    noted_coverage,
    plan_of,
    progress_of,
)
from rig.stackorders import stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.status import BracketProgress, Outcome, Phase

log = logging.getLogger(__name__)

MOST_KEYS = 256
WELL = (None, "covered", "unsure")  # verdicts that give no reason to look


class Shooter:
    """The actions of Workflow that shoot."""

    def __init__(self, control: Control, stacks: StackQueue) -> None:
        self._control = control
        self._stacks = stacks
        self._keys: dict[str, str] = {}  # idempotency key -> bracket id, oldest first
        self._paused = threading.Event()
        self._go_on = threading.Event()  # wakes a paused bracket: resumed or stopped

    def look_back(self) -> None:
        """At start: keys already used, and a bracket that was broken off, to be offered."""
        self._keys = self._control.store.keys()
        newest = next(self._control.store.details(), None)
        if newest is not None and can_be_resumed(newest):
            self._control.board.change(bracket=progress_of(newest))

    # --- actions --------------------------------------------------------------------------------
    def start(self, key: str | None) -> str:
        """See Workflow.start_bracket."""
        control = self._control
        with control.guard:
            if key is not None and key in self._keys:
                return self._keys[key]
            if control.state is Phase.IDLE and control.recipe.limits() is not None:
                control.plan = control.planned()  # raises what is wrong with near and far
            control.require("start_bracket")
            control.machine.check_by_hand(control.settings)
            return self._shoot_new(key)

    def knows(self, key: str | None) -> bool:
        """Whether a bracket was begun with this key."""
        return key is not None and key in self._keys

    def pause(self) -> None:
        """See Workflow.pause."""
        with self._control.guard:
            self._control.require("pause")
            self._go_on.clear()
            self._paused.set()

    def resume(self, bracket_id: str | None) -> None:
        """See Workflow.resume."""
        control = self._control
        with control.guard:
            status = control.board.now()
            current = status.bracket.id if status.bracket is not None else None
            if self._paused.is_set() and bracket_id in (None, current):
                self._paused.clear()
                self._go_on.set()
                return
            if bracket_id is None or status.state is not Phase.IDLE:
                control.require("resume")
            self._shoot_rest(control.store.detail(bracket_id or str(current)))

    def extend(self, bracket_id: str | None, frames: int | None, end: End | None) -> None:
        """See Workflow.extend."""
        control = self._control
        with control.guard:
            detail = self._ended_bracket("extend", bracket_id)
            plan = plan_of(detail)
            coverage = noted_coverage(control.store.folder_of(detail.id), plan.step_steps)
            motor = control.settings.motor
            places: list[int] = []
            for way in ENDS if end is None else (end,):
                wanted = coverage.extra_frames(EXTEND[way])
                count = wanted if frames is None or (end is None and not wanted) else frames
                travel = motor.min_steps, motor.max_steps
                places += beyond(plan.positions_steps, way, count, plan.step_steps, travel)
            if not places:
                raise NotAllowedError(
                    say(
                        "action.not_extended",
                        "bracket {id} cannot be extended: its ends are not cut, or the travel of the focus "
                        "drive ends there; name the end and the frames to extend it all the same",
                        id=detail.id,
                    )
                )
            self._shoot_more(detail, plan, sorted(places))

    def fill_gaps(self, bracket_id: str | None) -> None:
        """See Workflow.fill_gaps."""
        control = self._control
        with control.guard:
            detail = self._ended_bracket("fill_gaps", bracket_id)
            plan = plan_of(detail)
            coverage = noted_coverage(control.store.folder_of(detail.id), plan.step_steps)
            there = {frame.index: frame.position_steps for frame in detail.frames}
            places = gaps(coverage, there) or between(list(there.values()), plan.step_steps)
            if not places:
                raise NotAllowedError(
                    say("action.no_gap", "bracket {id} has no gap wider than its focus step", id=detail.id)
                )
            self._shoot_more(detail, plan, places)

    def is_well(self, bracket_id: str) -> bool:
        """Whether nothing was found wrong with a bracket; those shot before the start count as well."""
        bracket = self._control.board.now().bracket
        return bracket is None or bracket.id != bracket_id or bracket.verdict in WELL

    def wake(self) -> None:
        """Let a paused bracket see that it is stopped."""
        self._go_on.set()

    # --- beginning, under the guard -------------------------------------------------------------
    def _shoot_new(self, key: str | None) -> str:
        control, devices, plan = self._control, self._control.machine.devices, self._control.plan
        if plan is None:
            raise NotAllowedError(say("action.set_limits_first", "set near and far first, then shoot"))
        moment = control.time.moment()
        head = bracket_head(
            control.settings, plan, devices.camera, devices.motor, devices.simulated, key, moment
        )
        folder = control.store.create(plan.bytes, **head)
        remember(self._keys, key, folder.id, MOST_KEYS)
        self._begin(folder, plan, None, self._live(folder, plan))
        return folder.id

    def _ended_bracket(self, action: str, bracket_id: str | None) -> BracketDetail:
        """The bracket named, or the one shown, when frames can be added to it."""
        control = self._control
        status = control.board.now()
        if bracket_id is None or status.state is not Phase.IDLE:
            control.require(action)
        shown = status.bracket.id if status.bracket is not None else ""
        detail = control.store.detail(bracket_id or shown)
        if can_be_resumed(detail) or not detail.frames:
            raise NotAllowedError(
                say(
                    "action.frames_missing",
                    "bracket {id} has frames missing: go on with it first",
                    id=detail.id,
                )
            )
        self._not_being_stacked(detail)
        return detail

    def _not_being_stacked(self, detail: BracketDetail) -> None:
        if self._stacks.busy_with(detail.id):
            raise BusyError(
                say(
                    "action.being_stacked",
                    "bracket {id} is being stacked: go on with it afterwards",
                    id=detail.id,
                )
            )

    def _shoot_more(self, detail: BracketDetail, plan: BracketPlan, places: Sequence[int]) -> None:
        store = self._control.store
        store.need_room(plan.bytes * len(places) // len(plan.positions_steps))
        folder = store.folder_of(detail.id)
        folder.note("extended", positions_steps=list(places))
        plan = extended(plan, places)
        self._begin(folder, plan, detail, self._live(folder, plan, detail))

    def _shoot_rest(self, detail: BracketDetail) -> None:
        if not can_be_resumed(detail):
            raise NotAllowedError(
                say("action.nothing_left", "bracket {id} has nothing left to shoot", id=detail.id)
            )
        self._not_being_stacked(detail)
        store = self._control.store
        plan, folder = plan_of(detail), store.folder_of(detail.id)
        missing = detail.summary.frames_planned - detail.summary.frames_done
        store.need_room(plan.bytes * missing // len(plan.positions_steps))
        folder.note("resumed")
        self._begin(folder, plan, detail, self._live(folder, plan, detail))

    def _begin(
        self, folder: BracketFolder, plan: BracketPlan, before: BracketDetail | None, task: StackTask | None
    ) -> None:
        control = self._control
        shooting = Shooting(
            folder,
            plan,
            self._show,
            control.previews.publish,
            before=before,
            task=task,
            still_px=control.settings.capture.still_px,
        )
        control.store.active_id = folder.id
        self._paused.clear()
        self._go_on.clear()
        control.begin(Phase.CAPTURING, partial(self._shoot, shooting), bracket=shooting.state)
        if task is not None:
            self._stacks.put(task)

    def _live(
        self, folder: BracketFolder, plan: BracketPlan, before: BracketDetail | None = None
    ) -> StackTask | None:
        """The task that grows with the bracket, when the settings want one and the order of frames allows it.

        Frames nearer than, or between, those there already are stacked when all is shot: see _stack_whole.
        """
        total = len(plan.positions_steps)
        if not self._control.settings.stacking.live or not is_in_focus_order(plan.positions_steps):
            return None
        there = range(first_missing(before)) if before is not None else ()
        return self._task(folder, [folder.frame_path(index) for index in there], total, live=True)

    def _task(
        self, folder: BracketFolder, frames: Sequence[Path], total: int | None = None, live: bool = False
    ) -> StackTask:
        stacking = self._control.settings.stacking
        return StackTask(
            folder, frames, stacker_settings(stacking), stacking.depth_map, total=total, live=live
        )

    def _stack_whole(self, folder: BracketFolder) -> None:
        """Stack a bracket that could not be stacked while it was shot."""
        frames = [folder.frame_path(frame.index) for frame in folder.detail().in_focus_order]
        if self._control.settings.stacking.live and frames:
            self._stacks.put(self._task(folder, frames))

    # --- on the rig's thread --------------------------------------------------------------------
    def _shoot(self, shooting: Shooting) -> None:
        control, machine = self._control, self._control.machine
        machine.show(Signal.CAPTURING)
        try:
            with self._lit_throughout(), machine.camera() as camera:
                report = self._capture(camera, shooting)
                while report.outcome is Outcome.COMPLETE and self._extend_unasked(shooting):
                    report = together(report, self._capture(camera, shooting))
            report = self._held_against_endstop(report, shooting)
            shooting.end(report)
            if shooting.task is None:
                self._stack_whole(shooting.folder)
        finally:
            control.store.active_id = None
            self._paused.clear()
            if shooting.state.outcome is None:  # the end could not be noted, or never came
                control.board.change(bracket=replace(shooting.state, outcome=Outcome.FAILED))
            if shooting.task is not None:
                shooting.task.end()
        self._ended(shooting.state, report)

    @property
    def _lit_by_frame(self) -> bool:
        return self._control.settings.panel.light_sync == "frame"

    def _lit_throughout(self) -> AbstractContextManager[None]:
        by_flash = self._control.machine.devices.flash is not None
        return nullcontext() if self._lit_by_frame or by_flash else self._control.machine.lit()

    def _capture(self, camera: Camera, shooting: Shooting) -> CaptureReport:
        control, machine = self._control, self._control.machine
        report = capture_bracket(
            camera,
            machine.focuser,
            shooting.plan,
            control.settings,
            shooting.sink,
            clock=machine.devices.clock,
            progress=shooting.progress,
            cancelled=control.stopping.is_set,
            paused=self._wait_while_paused,
            start=shooting.start,
            exposure=shooting.exposure,
            final=shooting.final,
            lit=machine.lit if self._lit_by_frame or machine.devices.flash is not None else nullcontext,
            lamp=machine.lit if self._lit_by_frame and machine.devices.light is not None else None,
            flash=machine.devices.flash,
        )
        shooting.exposure = report.exposure  # for what is shot after it
        return report

    def _held_against_endstop(self, report: CaptureReport, shooting: Shooting) -> CaptureReport:
        """The report with the steps that the drive lost, where that is to be found out."""
        control, frames = self._control, len(shooting.plan.positions_steps)
        focuser = control.machine.focuser
        if report.outcome is not Outcome.COMPLETE or not is_due(control.settings.capture, focuser, frames):
            return report
        if shooting.task is not None:
            shooting.task.end()  # the result need not wait for the drive
        return held_against_endstop(report, focuser, frames, control.stopping.is_set)

    def _extend_unasked(self, shooting: Shooting) -> bool:
        """Add the frames that the verdict asks for, where the settings allow it; False when there are none."""
        control = self._control
        motor, most = control.settings.motor, control.settings.capture.extend_frames
        places = shooting.wanted((motor.min_steps, motor.max_steps), most)
        plan = shooting.plan
        if not places or len(plan.positions_steps) + len(places) > control.settings.capture.max_frames:
            return False
        try:
            control.store.need_room(plan.bytes * len(places) // len(plan.positions_steps))
        except StorageFullError as error:
            log.warning("the bracket is not extended: %s", error)
            return False
        shooting.extend(places)
        extending = say("message.extending", "Extending by {n} frames.", n=len(places))
        if shooting.task is not None and not is_in_focus_order(shooting.plan.positions_steps):
            self._stacks.drop(shooting.task)
            shooting.task = None
        control.board.change(bracket=shooting.state, message=extending)
        return True

    def _ended(self, state: BracketProgress, report: CaptureReport) -> None:
        control = self._control
        with control.guard:
            if report.error is not None:
                control.board.change(bracket=state)
                raise report.error
            control.rest(message=next(iter(report.warnings), None), bracket=state)
            if report.outcome is Outcome.COMPLETE:
                self._signal_end(state)

    def _signal_end(self, state: BracketProgress) -> None:
        if self._stacks.busy_with(state.id):
            signal = Signal.STACKING
        else:
            signal = Signal.DONE if self.is_well(state.id) else Signal.WARNING
        self._control.machine.show(signal)

    def _wait_while_paused(self) -> bool:
        """Between two frames: lend the camera to the live picture until resumed or stopped.

        A lamp that is lit throughout is dark meanwhile. After a while the motor is let go as at rest; the next move
        takes up the whole backlash.
        """
        control = self._control
        with control.guard:
            if not self._paused.is_set() or control.state is not Phase.CAPTURING:
                return False
            control.board.change(state=Phase.PAUSED)
        control.machine.show(Signal.READY)
        with control.machine.unlit(back=lambda: not control.stopping.is_set()), control.machine.camera_lent():
            if not self._go_on.wait(RELEASE_AFTER_S):
                control.machine.focuser.release()
                self._go_on.wait()
        control.machine.show(Signal.CAPTURING)
        with control.guard:
            self._paused.clear()
            if control.board.now().state is Phase.PAUSED:
                control.board.change(state=Phase.CAPTURING)
        return False

    def _show(self, progress: BracketProgress) -> None:
        control = self._control
        before = control.board.now().bracket
        storage = storage_status(control.settings, control.store.room(), control.plan)
        control.board.change(bracket=progress, storage=storage)
        if before is None or progress.done > before.done:
            control.machine.show(Signal.FRAME)
