"""Workflow: the only class that phone, button and command line call."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rig.actions import allowed_actions, require
from rig.autorange import find_range, focus_on
from rig.bracketfolder import BracketFolder
from rig.brackets import BracketDetail, BracketSummary
from rig.capture import CaptureReport, capture_bracket
from rig.config import Settings
from rig.devices.build import Suggestion, build_devices
from rig.devices.camera import Exposure, Preview
from rig.devices.panel import Press, Signal
from rig.durable import FreeBytes, free_bytes
from rig.errors import (
    BusyError,
    FocusNotFoundError,
    FocusRangeError,
    NotAllowedError,
    PlanError,
    RigError,
    StoreError,
)
from rig.jobs import JobThread
from rig.lockedcamera import same_exposure
from rig.machine import Build, Machine
from rig.plan import BracketPlan, plan_bracket
from rig.previews import PreviewHub
from rig.recipe import Recipe, load_recipe, save_recipe, with_limits
from rig.reports import exposure_status, fault_of, first_status, plan_status, storage_status
from rig.shooting import Shooting, bracket_head, can_be_resumed, first_missing, plan_of, progress_of
from rig.stackjob import WORKER
from rig.stackorders import stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.status import BracketProgress, Outcome, Phase, PreviewJpeg, StackProgress, Status
from rig.statusboard import StatusBoard
from rig.store import Store

log = logging.getLogger(__name__)

RELEASE_AFTER_S = 20.0  # a motor that holds still heats and eats the battery
MOST_KEYS = 256
EXPOSURE_NEWS = 0.1  # a smaller change of the automatic exposure is not worth a new status
MOVING = {Phase.HOMING, Phase.MOVING, Phase.FOCUSING, Phase.CAPTURING}


class Workflow:
    """One rig, one job at a time; every method may be called from any thread.

    Every refusal is a RigError with one clear sentence:
    BusyError (a job runs), NotAllowedError (action not in status().allowed), NoSuchBracketError, ...
    """

    def __init__(
        self,
        settings: Settings,
        data_folder: Path,
        *,
        build: Build = build_devices,
        free: FreeBytes = free_bytes,
        stacker: Sequence[str] = WORKER,
        press_taken: Callable[[], bool] = lambda: False,
    ) -> None:
        """free: room on a folder's card. stacker: the command that starts the stacker process.

        press_taken: asked first at a short press of the button; True when it meant something else.
        """
        self._press_taken = press_taken
        self._store = Store(data_folder, settings.store.reserve_mb * 1_000_000, free)
        self._machine = Machine(settings, build)
        self._recipe = Recipe()
        self._plan: BracketPlan | None = None
        self._keys: dict[str, str] = {}  # idempotency key -> bracket id, oldest first
        self._guard = threading.RLock()  # of decisions: what is allowed now, which job comes next
        self._stop = threading.Event()
        self._paused = threading.Event()
        self._go_on = threading.Event()  # wakes a paused bracket: resumed or stopped
        self._exposure = Exposure(0, 0.0, (0.0, 0.0))  # as last shown
        self._target = (0, 0)  # position to go to; how often that has changed
        self._board = StatusBoard(first_status(settings), allowed_actions)
        self._jobs = JobThread(self._fail, self._release_motor, RELEASE_AFTER_S)
        self._previews = PreviewHub(self._read_preview, self._fail_looking)
        self._stacks = StackQueue(self._show_stack, stacker)

    @property
    def settings(self) -> Settings:
        """The settings in force; a simulated rig brings its own lens and travel."""
        return self._machine.settings

    @property
    def suggestion(self) -> Suggestion | None:
        """Near and far that suit the simulated subject; None on a real rig."""
        return self._machine.devices.suggestion

    # --- life -----------------------------------------------------------------------------------
    def open(self, wait: bool = True) -> None:
        """Start the devices, home, recover what a power cut left; status is IDLE or FAULT after.

        wait: until that is so; else it goes on by itself (BOOT, HOMING).
        Raises StoreError when the brackets' folder cannot be used or another process uses it.
        """
        self._store.open()
        self._recipe = load_recipe(self._store.folder)
        self._keys = self._store.keys()
        newest = next(self._store.details(), None)
        if newest is not None and can_be_resumed(newest):
            self._board.change(bracket=progress_of(newest))
        self._jobs.start()
        self._previews.start()
        self._stacks.start()
        if wait:
            self._jobs.run(self._start_devices)
        else:
            self._jobs.put(self._start_devices)

    def close(self) -> None:
        """Stop what runs, keep what is captured, motor safe, stacker ended. Safe to call twice."""
        with self._guard:
            if self._board.now().state is Phase.SHUTTING_DOWN:
                return
            self._halt()
            self._board.change(state=Phase.SHUTTING_DOWN)
        self._jobs.close()
        self._stacks.close()
        self._previews.close()
        self._machine.close()
        self._store.close()

    # --- looking --------------------------------------------------------------------------------
    def status(self) -> Status:
        """The present snapshot."""
        self._look()
        return self._board.now()

    def wait_status(self, after_rev: int, timeout_s: float) -> Status:
        """The first snapshot with rev > after_rev, or the present one at the time limit."""
        return self._board.wait(after_rev, timeout_s, self._look)

    def preview(
        self,
        after_seq: int,
        width: int,
        timeout_s: float,
        roi: tuple[float, float, float, float] | None = None,
    ) -> PreviewJpeg | None:
        """The next live picture (seq > after_seq) as JPEG no wider than width, None at the time limit.

        Encoded once per (width, roi) and picture; nothing is read from the camera while nobody asks.
        roi: x, y, w, h as fractions of the picture. While capturing, answers with the last frame's thumbnail.
        """
        return self._previews.get(after_seq, width, timeout_s, roi)

    # --- focusing -------------------------------------------------------------------------------
    def jog(self, steps: int) -> None:
        """Move by a signed number of steps, clamped to the soft limits; returns at once.

        While the focus is still moving, the steps are added to where it is going.
        """
        with self._guard:
            status = self._require("jog")
            focuser = self._machine.focuser
            origin = self._target[0] if status.state is Phase.MOVING else focuser.position_steps
            self._move_to(focuser.clamped(origin + steps))

    def goto(self, position_steps: int) -> None:
        """Move to a position; returns at once. Raises FocusRangeError outside the soft limits."""
        with self._guard:
            self._require("goto")
            self._move_to(self._inside(position_steps))

    def set_near(self, position_steps: int | None = None) -> None:
        """Make the present (or given) position the near limit. Swaps with far when beyond it."""
        self._set_limits("set_near", position_steps, lambda position: (position, self._recipe.far_steps))

    def set_far(self, position_steps: int | None = None) -> None:
        """Make the present (or given) position the far limit. Swaps with near when before it."""
        self._set_limits("set_far", position_steps, lambda position: (self._recipe.near_steps, position))

    def set_step(self, step_steps: int | None) -> None:
        """Take this step between frames, in motor steps; None: from the optics. Raises PlanError."""
        with self._guard:
            self._require("set_near")
            if step_steps is not None and step_steps < 1:
                raise PlanError(
                    f"a focus step of {step_steps} motor steps leads nowhere: it must be at least 1"
                )
            self._remember(replace(self._recipe, step_steps=step_steps))

    def clear_limits(self) -> None:
        """Forget near and far."""
        with self._guard:
            self._require("clear_limits")
            self._remember(replace(self._recipe, near_steps=None, far_steps=None))

    def auto_range(self, then_shoot: bool = False) -> None:
        """Find near and far by one sweep over the travel; returns at once. then_shoot: and shoot."""
        with self._guard:
            self._require("auto_range")
            self._begin(Phase.FOCUSING, partial(self._find_range, then_shoot))

    def touch(self, x: float, y: float, role: str = "goto") -> None:
        """Focus on the spot at x, y (fractions of the picture); returns at once.

        role: "near" or "far" also makes the position found that limit.
        """
        if role not in ("goto", "near", "far"):
            raise NotAllowedError(f"a touched spot cannot become {role[:20]!r}: it is one of goto, near, far")
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise NotAllowedError(f"the spot {x:g}, {y:g} is outside the picture: fractions from 0 to 1")
        with self._guard:
            self._require("touch")
            self._begin(Phase.FOCUSING, partial(self._focus_on, x, y, role))

    # --- shooting -------------------------------------------------------------------------------
    def start_bracket(self, key: str | None = None) -> str:
        """Shoot (and stack live, when the settings say so) the planned bracket; returns its id at once.

        key: idempotency key; the same key again answers with the same id and shoots nothing.
        Raises PlanError when near and far cannot be shot, StorageFullError when there is no room.
        """
        with self._guard:
            if key is not None and key in self._keys:
                return self._keys[key]
            if self._board.now().state is Phase.IDLE and self._recipe.limits() is not None:
                self._plan = self._planned()  # raises what is wrong with near and far
            self._require("start_bracket")
            return self._shoot_new(key)

    def pause(self) -> None:
        """Finish the current frame, then wait; the live picture is back meanwhile."""
        with self._guard:
            self._require("pause")
            self._go_on.clear()
            self._paused.set()

    def resume(self, bracket_id: str | None = None) -> None:
        """Go on after a pause, or with a stopped or interrupted bracket's missing frames.

        bracket_id: which one; None: the paused one, else the last one.
        """
        with self._guard:
            status = self._board.now()
            paused = status.state is Phase.PAUSED or self._paused.is_set()
            current = status.bracket.id if status.bracket is not None else None
            if paused and bracket_id in (None, current):
                self._paused.clear()
                self._go_on.set()
                return
            if bracket_id is None or status.state is not Phase.IDLE:
                self._require("resume")
            self._shoot_rest(self._store.detail(bracket_id or str(current)))

    def stop(self) -> None:
        """At once and harmless: frames are kept, the bracket can be resumed or stacked."""
        with self._guard:
            self._require("stop")
            self._halt()

    def recover(self) -> None:
        """Leave FAULT by reopening the devices."""
        with self._guard:
            self._require("recover")
            self._begin(Phase.HOMING, self._start_devices)

    # --- stacking -------------------------------------------------------------------------------
    def stack(self, bracket_id: str, settings: dict[str, Any] | None = None) -> str:
        """Stack (again) what is there of a bracket; returns the result id ("r02") at once.

        Queued behind a running job. settings: what differs from the rig's own, see rig.stackorders.
        Raises ConfigError when one of them is wrong.
        """
        with self._guard:
            self._require("stack")
            order = stacker_settings(self.settings.stacking, settings)
            detail = self._store.detail(bracket_id)
            if bracket_id == self._store.active_id:
                raise BusyError(f"bracket {bracket_id} is being shot: stack it afterwards")
            if not detail.frames:
                raise NotAllowedError(f"bracket {bracket_id} has no frame to stack")
            folder = self._store.folder_of(bracket_id)
            frames = [folder.frame_path(frame.index) for frame in detail.frames]
            task = StackTask(folder, frames, order, self.settings.stacking.depth_map)
            self._stacks.put(task)
            return task.result_id

    def cancel_stack(self) -> None:
        """End the stack at work, or the one that waits first, without a result; frames are kept."""
        self._require("cancel_stack")
        self._stacks.cancel()

    def stack_preview(self) -> Path | None:
        """JPEG of the growing stack, see StackProgress.preview_rev; of the result once it is there."""
        return self._stacks.picture()

    def wait_stacked(self, timeout_s: float | None = None) -> bool:
        """Wait until nothing is being stacked; False at the time limit."""
        return self._stacks.wait_idle(timeout_s)

    # --- what is on the card --------------------------------------------------------------------
    def brackets(self) -> tuple[BracketSummary, ...]:
        """Every bracket, newest first."""
        return self._store.summaries()

    def bracket(self, bracket_id: str) -> BracketDetail:
        """One bracket with its frames and results, reports included."""
        return self._store.with_reports(self._store.detail(bracket_id))

    def folder(self, bracket_id: str) -> Path:
        """Folder of a bracket. Raises NoSuchBracketError."""
        return self._store.folder_of(bracket_id).path

    def file(
        self, bracket_id: str, kind: str, *, frame: int | None = None, result: str | None = None
    ) -> Path:
        """Path of a file of a bracket.

        kind: "frame", "frame_thumb" (with frame), "fused", "screen", "thumb", "depth", "report" (of
        a result, the newest when None). "thumb" of a bracket without result is its middle frame's.
        Raises NoSuchBracketError when bracket or file does not exist; ids are checked, never joined unseen.
        """
        return self._store.file(bracket_id, kind, frame=frame, result=result)

    def delete(self, bracket_id: str) -> None:
        """Remove a bracket with everything in it. Raises BusyError while it is being shot or stacked."""
        with self._guard:
            self._require("delete")
            if bracket_id == self._store.active_id or self._stacks.busy_with(bracket_id):
                raise BusyError(f"bracket {bracket_id} is being worked on: stop that first")
            self._store.delete(bracket_id)
            shown = self._board.now().bracket
            self._show_plan(bracket=None if shown is not None and shown.id == bracket_id else shown)

    # --- decisions, under the guard -------------------------------------------------------------
    def _require(self, action: str) -> Status:
        status = self._board.now()
        require(action, status)
        return status

    def _begin(self, phase: Phase, job: Callable[[], None], **values: Any) -> None:
        """The next job, in a phase of its own; whatever was stopped before is forgotten."""
        self._stop.clear()
        self._paused.clear()
        self._go_on.clear()
        if phase is not Phase.HOMING:
            self._machine.focuser.rearm()
        self._board.change(state=phase, message=None, **values)
        self._jobs.put(job)

    def _halt(self) -> None:
        self._stop.set()
        self._go_on.set()
        self._machine.halt()

    def _move_to(self, position_steps: int) -> None:
        self._target = (position_steps, self._target[1] + 1)
        if self._board.now().state is not Phase.MOVING:
            self._begin(Phase.MOVING, self._move)

    def _inside(self, position_steps: int) -> int:
        low, high = self.settings.motor.min_steps, self.settings.motor.max_steps
        if not low <= position_steps <= high:
            raise FocusRangeError(f"focus position {position_steps} steps is outside {low}..{high}")
        return position_steps

    def _set_limits(
        self,
        action: str,
        position_steps: int | None,
        limits: Callable[[int], tuple[int | None, int | None]],
    ) -> None:
        with self._guard:
            self._require(action)
            here = self._machine.focuser.clamped(self._machine.focuser.position_steps)
            position = here if position_steps is None else self._inside(position_steps)
            self._remember(with_limits(self._recipe, *limits(position)))

    def _remember(self, recipe: Recipe, **more: Any) -> None:
        """Another recipe; the status changes once, with everything that follows from it."""
        self._recipe = recipe
        self._save_recipe()
        self._show_plan(**{"message": None, **more})

    def _save_recipe(self) -> None:
        try:
            save_recipe(self._store.folder, self._recipe)
        except StoreError as error:  # a full card must not stop the focus from moving
            log.warning("near, far and position will not be remembered: %s", error)

    def _planned(self) -> BracketPlan | None:
        limits = self._recipe.limits()
        if limits is None:
            return None
        size = self._machine.devices.camera.size
        return plan_bracket(self.settings, *limits, self._recipe.step_steps, size)

    def _show_plan(self, **more: Any) -> None:
        try:
            self._plan = self._planned()
        except PlanError as error:
            self._plan = None
            more["message"] = str(error)
        self._board.change(
            plan=plan_status(self._plan) if self._plan is not None else None,
            focus=self._machine.focus(self._recipe.near_steps, self._recipe.far_steps),
            storage=storage_status(self.settings, self._store.room(), self._plan),
            **more,
        )

    # --- a bracket ------------------------------------------------------------------------------
    def _shoot_new(self, key: str | None) -> str:
        plan, devices = self._plan, self._machine.devices
        if plan is None:
            raise NotAllowedError("set near and far first, then shoot")
        head = bracket_head(self.settings, plan, devices.camera, devices.motor, devices.simulated, key)
        folder = self._store.create(plan.bytes, **head)
        if key is not None:
            self._keys[key] = folder.id
            while len(self._keys) > MOST_KEYS:
                del self._keys[next(iter(self._keys))]
        self._begin_shooting(
            Shooting(folder, plan, self._show_bracket, self._previews.publish, task=self._live(folder, plan))
        )
        return folder.id

    def _shoot_rest(self, detail: BracketDetail) -> None:
        if not can_be_resumed(detail):
            raise NotAllowedError(f"bracket {detail.id} has nothing left to shoot")
        if self._stacks.busy_with(detail.id):
            raise BusyError(f"bracket {detail.id} is being stacked: go on with it afterwards")
        plan, folder = plan_of(detail), self._store.folder_of(detail.id)
        missing = detail.summary.frames_planned - detail.summary.frames_done
        self._store.need_room(plan.bytes * missing // len(plan.positions_steps))
        folder.note("resumed")
        there = [folder.frame_path(index) for index in range(first_missing(detail))]
        task = self._live(folder, plan, there)
        self._begin_shooting(
            Shooting(folder, plan, self._show_bracket, self._previews.publish, before=detail, task=task)
        )

    def _live(
        self, folder: BracketFolder, plan: BracketPlan, frames: Sequence[Path] = ()
    ) -> StackTask | None:
        """The task that grows with the bracket, when the settings want one."""
        stacking = self.settings.stacking
        if not stacking.live:
            return None
        order = stacker_settings(stacking)
        return StackTask(
            folder, frames, order, stacking.depth_map, total=len(plan.positions_steps), live=True
        )

    def _begin_shooting(self, shooting: Shooting) -> None:
        self._store.active_id = shooting.folder.id
        self._begin(Phase.CAPTURING, partial(self._shoot, shooting), bracket=shooting.state)
        if shooting.task is not None:
            self._stacks.put(shooting.task)

    # --- jobs, on the rig's thread --------------------------------------------------------------
    def _start_devices(self) -> None:
        with self._guard:
            if self._board.now().state is Phase.SHUTTING_DOWN:
                return
            self._board.change(state=Phase.HOMING, fault=None, message=None)
        devices = self._machine.start(self._on_press)
        self._board.change(simulated=devices.simulated)
        self._recipe = self._recipe.for_rig(devices.simulated)
        unsure = self._machine.find_position(self._recipe.position_steps, self._stop.is_set)
        with self._guard:
            self._rest(message=" ".join(filter(None, (*devices.warnings, unsure))) or None)

    def _move(self) -> None:
        focuser = self._machine.focuser
        while True:
            target, number = self._target
            focuser.goto(target, partial(self._no_longer, number))
            with self._guard:
                if self._stop.is_set() or self._target[1] == number:
                    self._rest()
                    return

    def _no_longer(self, number: int) -> bool:
        """Whether the way to a target is given up: stopped, or there is a newer target."""
        return self._stop.is_set() or self._target[1] != number

    def _find_range(self, then_shoot: bool) -> None:
        try:
            with self._machine.lit(), self._machine.camera_shown(self._previews.publish) as camera:
                found = find_range(
                    camera,
                    self._machine.focuser,
                    self.settings,
                    clock=self._machine.devices.clock,
                    cancelled=self._stop.is_set,
                )
        except FocusNotFoundError as error:
            self._give_up(error)
            return
        with self._guard:
            if found is None:
                self._rest()
                return
            self._rest((found.near_steps, found.far_steps), found.why)
            if then_shoot and self._plan is not None:
                self._shoot_new(None)

    def _focus_on(self, x: float, y: float, role: str) -> None:
        try:
            with self._machine.lit(), self._machine.camera_shown(self._previews.publish) as camera:
                found = focus_on(
                    camera,
                    self._machine.focuser,
                    self.settings,
                    x,
                    y,
                    clock=self._machine.devices.clock,
                    cancelled=self._stop.is_set,
                )
        except FocusNotFoundError as error:
            self._give_up(error)
            return
        with self._guard:
            near, far = self._recipe.near_steps, self._recipe.far_steps
            if found is not None:
                near, far = {"near": (found, far), "far": (near, found)}.get(role, (near, far))
            self._rest((near, far))

    def _shoot(self, shooting: Shooting) -> None:
        machine = self._machine
        machine.show(Signal.CAPTURING)
        try:
            with machine.lit(), machine.camera() as camera:
                report = capture_bracket(
                    camera,
                    machine.focuser,
                    shooting.plan,
                    self.settings,
                    shooting.sink,
                    clock=machine.devices.clock,
                    progress=shooting.progress,
                    cancelled=self._stop.is_set,
                    paused=self._wait_while_paused,
                    start=shooting.start,
                    exposure=shooting.exposure,
                )
            shooting.end(report)
        finally:
            self._store.active_id = None
            if shooting.state.outcome is None:  # the end could not be noted, or never came
                self._board.change(bracket=replace(shooting.state, outcome=Outcome.FAILED))
            if shooting.task is not None:
                shooting.task.end()
        self._shot(shooting.state, report)

    def _shot(self, state: BracketProgress, report: CaptureReport) -> None:
        with self._guard:
            if report.error is not None:
                self._board.change(bracket=state)
                raise report.error
            self._rest(message=next(iter(report.warnings), None), bracket=state)
            if report.outcome is Outcome.COMPLETE:
                stacking = self._stacks.busy_with(state.id)
                self._machine.show(Signal.STACKING if stacking else Signal.DONE)

    def _wait_while_paused(self) -> bool:
        """Between two frames: lend the camera to the live picture until resumed or stopped."""
        if not self._paused.is_set():
            return False
        with self._guard:
            if self._board.now().state is not Phase.CAPTURING:
                return False
            self._board.change(state=Phase.PAUSED)
        with self._machine.camera_lent():
            self._go_on.wait()
        with self._guard:
            self._paused.clear()
            if self._board.now().state is Phase.PAUSED:
                self._board.change(state=Phase.CAPTURING)
        return False

    def _rest(
        self,
        limits: tuple[int | None, int | None] | None = None,
        message: str | None = None,
        **more: Any,
    ) -> None:
        """Back to standing still, with everything shown as it is now. limits: new ones, near and far."""
        near, far = limits or (self._recipe.near_steps, self._recipe.far_steps)
        position = self._machine.focuser.position_steps
        recipe = with_limits(replace(self._recipe, position_steps=position), near, far)
        self._paused.clear()
        if self._board.now().state is Phase.SHUTTING_DOWN:
            self._recipe = recipe
            self._save_recipe()
            return
        self._remember(recipe, state=Phase.IDLE, message=message, **more)
        self._machine.show(Signal.READY)

    def _give_up(self, error: RigError) -> None:
        with self._guard:
            self._rest(message=str(error))
            self._machine.show(Signal.WARNING)

    def _release_motor(self) -> None:
        with self._guard:
            if self._board.now().state is Phase.IDLE:
                self._machine.focuser.release()

    # --- called by the other threads ------------------------------------------------------------
    def _look(self) -> None:
        if self._board.now().state in MOVING:
            self._board.change(focus=self._machine.focus(self._recipe.near_steps, self._recipe.far_steps))

    def _read_preview(self) -> tuple[Preview, int] | None:
        state = self._board.now().state
        if state not in (Phase.IDLE, Phase.MOVING, Phase.PAUSED):
            return None
        read = self._machine.preview()
        if read is not None and not same_exposure(read[0].exposure, self._exposure, EXPOSURE_NEWS):
            self._exposure = read[0].exposure
            self._board.change(exposure=exposure_status(self._exposure, locked=state is Phase.PAUSED))
        return read

    def _fail_looking(self, error: RigError) -> None:
        with self._guard:
            if self._board.now().state is Phase.IDLE:
                self._fail(error)

    def _fail(self, error: RigError) -> None:
        log.warning("fault: %s", error)
        with self._guard:
            if self._board.now().state is not Phase.SHUTTING_DOWN:
                self._board.change(state=Phase.FAULT, fault=fault_of(error), message=None)
        self._machine.make_safe()
        self._machine.show(Signal.FAULT)

    def _show_bracket(self, progress: BracketProgress) -> None:
        before = self._board.now().bracket
        storage = storage_status(self.settings, self._store.room(), self._plan)
        self._board.change(bracket=progress, storage=storage)
        if before is None or progress.done > before.done:
            self._machine.show(Signal.FRAME)

    def _show_stack(self, progress: StackProgress) -> None:
        self._board.change(stack=progress)
        if not progress.running and self._board.now().state is Phase.IDLE:
            with self._guard:
                self._show_plan()
            self._machine.show(Signal.DONE if progress.stage == "done" else Signal.WARNING)

    def _on_press(self, press: Press) -> None:
        """The rig's own button: short shoots the last recipe, double finds the range first, long stops."""
        if press is Press.SHORT and self._press_taken():
            return
        state = self._board.now().state
        try:
            if press in (Press.LONG, Press.VERY_LONG):
                self.stop()
            elif state is Phase.PAUSED:
                self.resume()
            elif state is Phase.FAULT:
                self.recover()
            elif press is Press.DOUBLE or self._recipe.limits() is None:
                self.auto_range(then_shoot=True)
            else:
                self.start_bracket()
        except RigError as error:
            self._board.change(message=str(error))
            self._machine.show(Signal.WARNING)
