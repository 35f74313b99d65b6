"""Moving the focus, and finding where near and far are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rig.autorange import FocusRange, find_range
from rig.backlash import measure_backlash
from rig.box import Box, checked_box
from rig.control import Control
from rig.devices.panel import Signal
from rig.errors import (
    DriftError,
    FocusNotFoundError,
    MotorStillError,
    NotAllowedError,
    PlanError,
)
from rig.focuser import check_limits
from rig.moveproof import moves
from rig.recipe import with_limits
from rig.saying import say
from rig.scale import steps_per_um
from rig.status import Phase, Proposal
from rig.touchfocus import focus_on

Limits = tuple[int | None, int | None]
ROLES = ("goto", "near", "far")


class Focusing:
    """The actions of Workflow that move the focus or set its limits."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._target = (0, 0)  # position to go to; how often that has changed

    # --- moving ---------------------------------------------------------------------------------
    def jog(self, steps: int) -> None:
        """See Workflow.jog."""
        control = self._control
        with control.guard:
            status = control.require("jog")
            focuser = control.machine.focuser
            origin = self._target[0] if status.state is Phase.MOVING else focuser.position_steps
            self._move_to(focuser.clamped(origin + steps))

    def goto(self, position_steps: int) -> None:
        """See Workflow.goto."""
        with self._control.guard:
            self._control.require("goto")
            self._move_to(self._inside(position_steps))

    def home(self) -> None:
        """See Workflow.home."""
        control = self._control
        with control.guard:
            control.require("home")
            if not control.machine.focuser.has_endstop:
                raise NotAllowedError(
                    say(
                        "focus.no_endstop_to_home",
                        "there is no endstop: positions count from where the drive stood at the start",
                    )
                )
            control.machine.focuser.rearm()
            control.begin(Phase.HOMING, self._home)

    def _home(self) -> None:
        control = self._control
        control.machine.focuser.home(control.stopping.is_set)
        with control.guard:
            control.rest()

    def _move_to(self, position_steps: int) -> None:
        self._target = (position_steps, self._target[1] + 1)
        if self._control.state is not Phase.MOVING:
            self._control.begin(Phase.MOVING, self._move)

    def _move(self) -> None:
        control = self._control
        while True:
            target, number = self._target
            control.machine.focuser.goto(target, partial(self._no_longer, number))
            with control.guard:
                if control.stopping.is_set() or self._target[1] == number:
                    control.rest()
                    return

    def _no_longer(self, number: int) -> bool:
        """Whether the way to a target is given up: stopped, or there is a newer target."""
        return self._control.stopping.is_set() or self._target[1] != number

    def _inside(self, position_steps: int) -> int:
        check_limits(position_steps, self._control.settings.motor)
        return position_steps

    # --- limits ---------------------------------------------------------------------------------
    def set_near(self, position_steps: int | None) -> None:
        """See Workflow.set_near."""
        self._set("set_near", position_steps, lambda here: (here, self._control.recipe.far_steps))

    def set_far(self, position_steps: int | None) -> None:
        """See Workflow.set_far."""
        self._set("set_far", position_steps, lambda here: (self._control.recipe.near_steps, here))

    def _set(self, action: str, position_steps: int | None, limits: Callable[[int], Limits]) -> None:
        control = self._control
        with control.guard:
            control.require(action)
            focuser = control.machine.focuser
            here = focuser.clamped(focuser.position_steps)
            position = here if position_steps is None else self._inside(position_steps)
            control.remember(with_limits(control.recipe, *limits(position)))

    def set_step(self, step_steps: int | None) -> None:
        """See Workflow.set_step."""
        with self._control.guard:
            self._control.require("set_near")
            if step_steps is not None and step_steps < 1:
                raise PlanError(
                    say(
                        "plan.step_leads_nowhere",
                        "a focus step of {step} motor steps leads nowhere: it must be at least 1",
                        step=step_steps,
                    )
                )
            self._control.remember(replace(self._control.recipe, step_steps=step_steps))

    def clear_limits(self) -> None:
        """See Workflow.clear_limits."""
        with self._control.guard:
            self._control.require("clear_limits")
            self._control.remember(with_limits(self._control.recipe, None, None))

    # --- finding --------------------------------------------------------------------------------
    def auto_range(self, then: Callable[[], None], box: Box | None = None) -> None:
        """See Workflow.auto_range. then: called under the guard when near and far were found."""
        box = None if box is None else checked_box(box)
        with self._control.guard:
            self._control.require("auto_range")
            self._control.begin(Phase.FOCUSING, partial(self._find_range, then, box))
            self._control.machine.show(Signal.CAPTURING)

    def touch(self, x: float, y: float, role: str) -> None:
        """See Workflow.touch."""
        if role not in ROLES:
            raise NotAllowedError(
                say(
                    "focus.no_such_role",
                    "a touched spot cannot become {role}: it is one of {known}",
                    role=repr(role[:20]),
                    known=", ".join(ROLES),
                )
            )
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise NotAllowedError(
                say(
                    "focus.outside_picture",
                    "the spot {x:g}, {y:g} is outside the picture: fractions from 0 to 1",
                    x=x,
                    y=y,
                )
            )
        with self._control.guard:
            self._control.require("touch")
            self._control.begin(Phase.FOCUSING, partial(self._focus_on, x, y, role))
            self._control.machine.show(Signal.CAPTURING)

    def calibrate_backlash(self) -> None:
        """See Workflow.calibrate_backlash."""
        with self._control.guard:
            self._control.require("calibrate_backlash")
            self._control.begin(Phase.FOCUSING, self._measure_backlash, proposal=None)
            self._control.machine.show(Signal.CAPTURING)

    def calibrate_scale(self, first_steps: int, second_steps: int, distance_um: float) -> float:
        """See Workflow.calibrate_scale."""
        with self._control.guard:
            self._control.require("calibrate_scale")
            found = steps_per_um(first_steps, second_steps, distance_um)
            sentence = say("scale.found", "{n:.6g} motor steps move the focus by one µm.", n=found)
            self._control.board.change(proposal=Proposal("motor.steps_per_um", found, sentence))
            return found

    def _measure_backlash(self) -> None:
        control, machine = self._control, self._control.machine
        try:
            with machine.lit(), machine.camera_shown(control.previews.publish_unseen) as camera:
                found = measure_backlash(
                    camera,
                    machine.focuser,
                    control.settings,
                    clock=machine.devices.clock,
                    cancelled=control.stopping.is_set,
                )
        except FocusNotFoundError as error:
            self._not_found(error)
            return
        with control.guard:
            if found is None:
                control.rest()
                return
            proposal = Proposal("motor.backlash_steps", found.proposed_steps, found.sentence)
            control.rest(message=found.sentence, proposal=proposal)

    def _find_range(self, then: Callable[[], None], box: Box | None) -> None:
        control = self._control
        try:
            found = self._sweep(box)
        except FocusNotFoundError as error:
            self._not_found(error)
            return
        with control.guard:
            if found is None:
                control.rest()
                return
            control.recipe = replace(
                control.recipe, near_steps=found.near_steps, far_steps=found.far_steps, box=box
            )
            control.rest(message=found.why)
            if not control.stopping.is_set():
                then()

    def _not_found(self, error: FocusNotFoundError) -> None:
        """Say so; but where a drive that stands is why nothing came into focus, that is the fault."""
        control, machine, stopping = self._control, self._control.machine, self._control.stopping.is_set
        moved: bool | None = None
        if not isinstance(error, DriftError) and not stopping():
            wait_s = control.settings.capture.settle_s
            with machine.lit(), machine.camera() as camera:
                moved = moves(
                    camera,
                    machine.focuser,
                    control.settings,
                    lambda: machine.devices.clock.sleep(wait_s),
                    stopping,
                )
        if moved is False:
            raise MotorStillError(
                say(
                    "motor.still_in_search",
                    "nothing comes into focus because the focus motor does not move: its steps were sent, and the "
                    "picture stays the same; check its plug and its supply, and what may hold it",
                )
            )
        control.give_up(error)

    def _sweep(self, box: Box | None) -> FocusRange | None:
        machine = self._control.machine
        with machine.lit(), machine.camera_shown(self._control.previews.publish_unseen) as camera:
            return find_range(
                camera,
                machine.focuser,
                self._control.settings,
                clock=machine.devices.clock,
                cancelled=self._control.stopping.is_set,
                box=box,
            )

    def _focus_on(self, x: float, y: float, role: str) -> None:
        control, machine = self._control, self._control.machine
        try:
            with machine.lit(), machine.camera_shown(control.previews.publish_unseen) as camera:
                found = focus_on(
                    camera,
                    machine.focuser,
                    control.settings,
                    x,
                    y,
                    clock=machine.devices.clock,
                    cancelled=control.stopping.is_set,
                )
        except FocusNotFoundError as error:
            self._not_found(error)
            return
        with control.guard:
            near, far = control.recipe.near_steps, control.recipe.far_steps
            if found is not None:
                near, far = {"near": (found, far), "far": (near, found)}.get(role, (near, far))
            control.rest((near, far))
