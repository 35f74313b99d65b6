"""What every action of the rig shares: the machine, the status, and one job at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from rig.actions import allowed_actions, require
from rig.config import Settings
from rig.devices.camera import Exposure, Preview, Roi
from rig.devices.panel import Hold, Press, Signal
from rig.errors import ConfigError, PlanError, RigError
from rig.jobs import JobThread
from rig.lockedcamera import same_exposure
from rig.machine import Machine
from rig.plan import BracketPlan, plan_bracket
from rig.previews import PreviewHub
from rig.recipe import Recipe, RecipeKeeper, with_limits
from rig.reports import exposure_status, fault_of, first_status, plan_status, storage_status
from rig.saying import Said, joined
from rig.status import Phase, Status
from rig.statusboard import StatusBoard
from rig.store import Store
from rig.timeofday import TimeOfDay

log = logging.getLogger(__name__)

RELEASE_AFTER_S = 20.0  # a motor that holds still heats and eats the battery
EXPOSURE_NEWS = 0.1  # a smaller change of the automatic exposure is not worth a new status
MOVING = {Phase.HOMING, Phase.MOVING, Phase.FOCUSING, Phase.CAPTURING}
KNOWS_POSITION = {Phase.IDLE, Phase.MOVING, Phase.FOCUSING, Phase.CAPTURING, Phase.PAUSED}
LIVE = {Phase.IDLE, Phase.MOVING, Phase.COUNTDOWN, Phase.PAUSED}  # the camera is free for the live picture


class Control:
    """The rig's state and the ways it changes. Decisions are taken under `guard`, work is done by `jobs`."""

    def __init__(self, machine: Machine, store: Store, time: TimeOfDay) -> None:
        self.machine = machine
        self.store = store
        self.time = time
        self.recipe = Recipe()
        self.keeper = RecipeKeeper(store.folder)
        self.plan: BracketPlan | None = None
        self.guard = threading.RLock()  # of what is allowed now and which job comes next
        self.stopping = threading.Event()  # the job at work is to end
        self.board = StatusBoard(first_status(machine.settings), allowed_actions)
        self.jobs = JobThread(self.fail, self._release_motor, RELEASE_AFTER_S)
        self.previews = PreviewHub(self._read_preview, self._fail_looking)
        self._exposure = Exposure(0, 0.0, (0.0, 0.0))  # as last shown

    @property
    def settings(self) -> Settings:
        """The settings in force; a simulated rig brings its own lens and travel."""
        return self.machine.settings

    @property
    def state(self) -> Phase:
        """What the rig is doing."""
        return self.board.now().state

    # --- decisions, under the guard -------------------------------------------------------------
    def require(self, action: str) -> Status:
        """The present status. Raises BusyError or NotAllowedError when the action is not allowed in it."""
        status = self.board.now()
        require(action, status)
        return status

    def begin(self, phase: Phase, job: Callable[[], None], **values: Any) -> None:
        """The next job, in a phase of its own; whatever was stopped before is forgotten."""
        self.stopping.clear()
        if phase is not Phase.HOMING:  # homing makes a focuser of its own
            self.machine.focuser.rearm()
        self.board.change(state=phase, message=None, **values)
        self.jobs.put(job)

    def halt(self) -> None:
        """End the job at work; the motor stops within one step."""
        self.stopping.set()
        self.machine.halt()

    def remember(self, recipe: Recipe, **more: Any) -> None:
        """Another recipe; the status changes once, with everything that follows from it."""
        self.recipe = recipe
        self.keeper.keep(self.recipe)
        self.show_plan(**{"message": None, **more})

    def planned(self) -> BracketPlan | None:
        """The bracket between near and far; None while they are not set. Raises PlanError."""
        limits = self.recipe.limits()
        if limits is None:
            return None
        size_px = self.machine.devices.camera.size
        return plan_bracket(self.settings, *limits, self.recipe.step_steps, size_px, self.recipe.box)

    def show_plan(self, **more: Any) -> None:
        """Show the plan and what depends on it; more: what else has changed."""
        try:
            self.plan = self.planned()
        except PlanError as error:
            self.plan = None
            more["message"] = error.said
        self.board.change(
            plan=plan_status(self.plan) if self.plan is not None else None,
            focus=self.machine.focus(self.recipe.near_steps, self.recipe.far_steps),
            storage=storage_status(self.settings, self.store.room(), self.plan),
            **more,
        )

    def rest(
        self,
        limits: tuple[int | None, int | None] | None = None,
        message: Said | None = None,
        **more: Any,
    ) -> None:
        """Back to standing still, with everything shown as it is now. limits: new ones, near and far."""
        near, far = limits or (self.recipe.near_steps, self.recipe.far_steps)
        position = self.machine.focuser.position_steps
        recipe = with_limits(replace(self.recipe, position_steps=position), near, far)
        if self.state is Phase.SHUTTING_DOWN:
            self.recipe = recipe
            self.keeper.keep(self.recipe)
            return
        self.remember(recipe, state=Phase.IDLE, message=message, **more)
        self.machine.show(Signal.READY)

    # --- on the rig's thread --------------------------------------------------------------------
    def start_devices(self, on_press: Callable[[Press], None], on_hold: Callable[[Hold], None]) -> None:
        """The job that brings the devices up, from nothing or after a fault."""
        with self.guard:
            if self.state is Phase.SHUTTING_DOWN:
                return
            self.board.change(state=Phase.HOMING, fault=None, message=None)
        devices = self.machine.start(on_press, on_hold)
        self.board.change(simulated=devices.simulated)
        self.recipe = self.recipe.for_rig(devices.simulated)
        unsure = self.machine.find_position(self.recipe.position_steps, self.stopping.is_set)
        with self.guard:
            self.rest(message=joined((*devices.warnings, devices.camera.warning, unsure, self._impossible())))

    def _impossible(self) -> Said | None:
        """What no bracket can be shot with, until the settings are changed."""
        try:
            self.machine.check_by_hand(self.settings)
        except ConfigError as error:
            return error.said
        return None

    def give_up(self, error: RigError) -> None:
        """A job that could not do what was asked, though nothing is broken."""
        with self.guard:
            self.rest(message=error.said)
            self.machine.show(Signal.WARNING)

    def fail(self, error: RigError) -> None:
        """A job ended by a fault: stand still, say why, motor safe."""
        log.warning("fault: %s", error)
        self.machine.make_safe()
        with self.guard:
            if self.state in KNOWS_POSITION:  # without an endstop nothing else will tell where it stands
                self.recipe = replace(self.recipe, position_steps=self.machine.focuser.position_steps)
                self.keeper.keep(self.recipe)
            if self.state is not Phase.SHUTTING_DOWN:
                focus = self.machine.focus(self.recipe.near_steps, self.recipe.far_steps)
                self.board.change(state=Phase.FAULT, fault=fault_of(error), focus=focus, message=None)
        self.machine.show(Signal.FAULT)

    def _release_motor(self) -> None:
        with self.guard:
            if self.state is Phase.IDLE:
                self.machine.focuser.release()

    # --- for those who look ---------------------------------------------------------------------
    def look(self) -> None:
        """Show where a moving focus is now."""
        if self.state in MOVING:
            self.board.change(focus=self.machine.focus(self.recipe.near_steps, self.recipe.far_steps))

    def _read_preview(self) -> tuple[Preview, int] | None:
        state = self.state
        if state not in LIVE:
            return None
        read = self.machine.preview()
        if read is not None and not same_exposure(read[0].exposure, self._exposure, EXPOSURE_NEWS):
            self._exposure = read[0].exposure
            self.board.change(exposure=exposure_status(self._exposure, locked=state is Phase.PAUSED))
        return read

    def loupe(self, roi: Roi) -> tuple[Preview, int] | None:
        """The next live picture of a part, by the sensor's own pixels; None while the camera is needed."""
        try:
            return self.machine.preview(roi) if self.state in LIVE else None
        except RigError as error:
            self._fail_looking(error)
            return None

    def _fail_looking(self, error: RigError) -> None:
        with self.guard:
            if self.state is Phase.IDLE:  # else the job at work will meet the same fault and tell of it
                self.fail(error)
