"""The focus drive over any motor: home, soft limits, backlash from one side, µm, stop at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable

from rig.config import MotorSettings
from rig.devices.motor import FocusMotor
from rig.errors import EndstopError, FocusRangeError, MotorError, StepsLostError
from rig.optics import steps_to_um, um_to_steps
from rig.saying import say

Cancelled = Callable[[], bool]

BACK_OFF_CHUNK_STEPS = 8  # looked at the endstop after so many while leaving it
SURE_STEPS = 4  # no endstop closes at the same step every time: fewer lost are none
SLOWER = say("motor.go_slower", "go slower (motor.steps_per_s) or give the motor more current")
SWITCH_STEPS = 200  # that a switch may take to open again, and a backlash set too small


def never() -> bool:
    """For callers that cannot be cancelled."""
    return False


def check_limits(position_steps: int, settings: MotorSettings) -> None:
    """Raise FocusRangeError outside the soft limits."""
    low, high = settings.min_steps, settings.max_steps
    if not low <= position_steps <= high:
        raise FocusRangeError(
            say(
                "focus.outside",
                "focus position {at} steps is outside {low}..{high}",
                at=position_steps,
                low=low,
                high=high,
            )
        )


class Focuser:
    """Brings the focus to absolute positions, always arriving from the near side.

    The mechanics lose some steps on reversing (backlash). Arriving always in the same direction, by at
    least backlash_steps, makes the same number mean the same focus. Below min_steps there must therefore
    be backlash_steps of room; homing leaves it.
    """

    def __init__(self, motor: FocusMotor, settings: MotorSettings, homed: bool = False) -> None:
        """homed: the count was begun at the endstop, so it can be held against it."""
        self.settings = settings
        self.homed = homed
        self._motor = motor
        self._stop = threading.Event()
        # Steps towards far before the lens follows. Unknown at start, so the whole backlash.
        self._slack_steps = settings.backlash_steps

    # --- where ----------------------------------------------------------------------------------
    @property
    def position_steps(self) -> int:
        """Where the drive is; grows from near to far."""
        return self._motor.position_steps

    @property
    def position_um(self) -> float:
        """The same in µm at the subject, 0 at step 0."""
        return self.um(self.position_steps)

    @property
    def home_steps(self) -> int:
        """Position at which the endstop closes: below the near limit, with room for the backlash."""
        return self.settings.min_steps - self.settings.backlash_steps - self.settings.home_margin_steps

    def um(self, position_steps: int) -> float:
        """A position in µm at the subject."""
        return steps_to_um(position_steps, self.settings.steps_per_um)

    def steps(self, position_um: float) -> int:
        """The position nearest to one in µm."""
        return um_to_steps(position_um, self.settings.steps_per_um)

    def clamped(self, position_steps: int) -> int:
        """The nearest position inside the soft limits."""
        return min(max(position_steps, self.settings.min_steps), self.settings.max_steps)

    # --- moving ---------------------------------------------------------------------------------
    def goto(self, position_steps: int, cancelled: Cancelled = never, fresh: bool = False) -> int:
        """Arrive from the near side; returns the position reached, another one only when stopped.

        fresh: take up the whole backlash even when it should be taken up already, e.g. before a bracket.
        Raises FocusRangeError outside the soft limits, MotorError when the motor does not do as told,
        StepsLostError when the endstop closes where the count says that it is still far.
        """
        check_limits(position_steps, self.settings)
        if fresh:
            self._slack_steps = self.settings.backlash_steps
        way = position_steps - self.position_steps
        if way < self._slack_steps:
            self._travel(way - self.settings.backlash_steps, cancelled)
            way = position_steps - self.position_steps
        self._travel(way, cancelled)
        return self.position_steps

    def goto_um(self, position_um: float, cancelled: Cancelled = never) -> int:
        """As goto, to the position nearest to one in µm."""
        return self.goto(self.steps(position_um), cancelled)

    def jog(self, steps: int, cancelled: Cancelled = never) -> int:
        """Move by a signed number of steps as far as the soft limits allow; returns the position reached."""
        return self.goto(self.clamped(self.position_steps + steps), cancelled)

    def retreat(self, position_steps: int, cancelled: Cancelled = never) -> int:
        """Move towards near and arrive from the far side, the backlash open: only to measure it.

        Raises FocusRangeError when the position is not nearer, or outside the soft limits.
        """
        if not self.settings.min_steps <= position_steps <= self.position_steps:
            raise FocusRangeError(
                say(
                    "focus.not_retreated",
                    "focus position {at} steps cannot be retreated to: it is outside {low}..{high}",
                    at=position_steps,
                    low=self.settings.min_steps,
                    high=self.position_steps,
                )
            )
        self._travel(position_steps - self.position_steps, cancelled)
        return self.position_steps

    def correct(self, position_steps: int) -> None:
        """Count from here on as if it stood at this position: it did not move as it was told."""
        self._motor.set_position(position_steps)
        self._slack_steps = self.settings.backlash_steps
        self.homed = False

    def release(self) -> None:
        """Take the holding current off. The drive may give a little: the backlash counts as open again."""
        self._slack_steps = self.settings.backlash_steps
        self._motor.release()

    # --- stopping -------------------------------------------------------------------------------
    def stop(self) -> None:
        """Stop within one step, from any thread; nothing moves until rearm()."""
        self._stop.set()

    def rearm(self) -> None:
        """Allow moves again after stop()."""
        self._stop.clear()

    @property
    def stopped(self) -> bool:
        """True from stop() to rearm()."""
        return self._stop.is_set()

    # --- reference ------------------------------------------------------------------------------
    @property
    def has_endstop(self) -> bool:
        """Whether there is a reference to home to."""
        return self._motor.at_endstop is not None

    def home(self, cancelled: Cancelled = never) -> bool:
        """Find the endstop fast, leave it, find it again step by step; then go to the near limit.

        Returns False when there is no endstop (the present position stays as it is) or when stopped.
        Raises EndstopError when it is not found within the travel, or stays pressed.
        """
        if not self.has_endstop:
            return False
        if not self._seek_endstop(cancelled):
            return False
        self._leave_endstop(cancelled)
        if not self._creep_to_endstop(cancelled):
            return False
        self._motor.set_position(self.home_steps)
        self.homed = True
        if self.goto(self.settings.min_steps, cancelled, fresh=True) != self.settings.min_steps:
            return False
        if (
            self._motor.at_endstop
        ):  # a backlash set too small, or a motor that does not turn: this raises then
            self._leave_endstop(cancelled)
        return True

    def lost_steps(self, cancelled: Cancelled = never) -> int | None:
        """Go to the endstop and tell by how many steps the count was wrong; the count is put right.

        Positive: the drive stood nearer than counted. None without endstop or when stopped.
        """
        if not self.has_endstop:
            return None
        above = self.position_steps - self.home_steps - self.settings.home_margin_steps
        with contextlib.suppress(EndstopError):  # hit early: steps were lost
            self._move(-max(above, 0), cancelled)
        self._leave_endstop(cancelled)
        if not self._creep_to_endstop(cancelled):
            return None
        lost = self.position_steps - self.home_steps
        self._motor.set_position(self.home_steps)
        self.homed = True
        return lost

    def _seek_endstop(self, cancelled: Cancelled) -> bool:
        reach = self._reach_steps()
        try:
            self._move(-reach, cancelled)
        except EndstopError:
            return True
        if self._halted(cancelled):
            return False
        raise EndstopError(
            say(
                "endstop.not_found",
                "the endstop was not found within {steps} steps towards near: check that the motor "
                "turns, the direction (motor.invert) and the endstop's wires",
                steps=reach,
            )
        )

    def _leave_endstop(self, cancelled: Cancelled) -> None:
        room = self.settings.backlash_steps * 2 + self.settings.home_margin_steps + SWITCH_STEPS
        for _ in range(0, room, BACK_OFF_CHUNK_STEPS):
            if not self._motor.at_endstop or self._halted(cancelled):
                return
            self._move(BACK_OFF_CHUNK_STEPS, cancelled)
        if self._motor.at_endstop:
            raise EndstopError(
                say(
                    "endstop.stays_pressed",
                    "the endstop stays pressed {steps} steps away from it: check its wires, and the "
                    "setting motor.endstop_normally_closed",
                    steps=room,
                )
            )

    def _creep_to_endstop(self, cancelled: Cancelled) -> bool:
        """Single steps, each from standstill: slow, so the place found is the same every time."""
        reach = self._reach_steps()
        for _ in range(reach):
            if self._motor.at_endstop:
                return True
            if self._halted(cancelled):
                return False
            try:
                self._move(-1, cancelled)
            except EndstopError:
                return True
        raise EndstopError(
            say(
                "endstop.not_found_again",
                "the endstop was not found again within {steps} steps: check its wires",
                steps=reach,
            )
        )

    def _reach_steps(self) -> int:
        """More than the way from anywhere in the travel to the endstop."""
        return self.settings.max_steps - self.home_steps + self.settings.backlash_steps

    def _move(self, steps: int, cancelled: Cancelled) -> None:
        if steps == 0 or self._halted(cancelled):
            return
        start = self.position_steps
        try:
            sent = self._motor.move_by(steps, lambda: self._halted(cancelled))
        finally:
            self._note_slack(self.position_steps - start)
        if sent != steps and not self._halted(cancelled):
            raise MotorError(
                say(
                    "motor.made_fewer",
                    "focus motor {name} made {sent} of {steps} steps: check its wiring",
                    name=self._motor.name,
                    sent=sent,
                    steps=steps,
                )
            )

    def _travel(self, steps: int, cancelled: Cancelled) -> None:
        """A move within the soft limits, where no endstop should be met."""
        try:
            self._move(steps, cancelled)
        except EndstopError as error:
            lost = self.position_steps - self.home_steps
            if not self.homed or lost <= self.settings.home_margin_steps:
                raise
            raise StepsLostError(
                say(
                    "endstop.too_early",
                    "the endstop closed at {at} steps although it lies at {home}: the drive had lost "
                    "{lost} steps, or the endstop's wire is broken; {advice}",
                    at=self.position_steps,
                    home=self.home_steps,
                    lost=lost,
                    advice=SLOWER,
                )
            ) from error

    def _note_slack(self, moved: int) -> None:
        open_now = self._slack_steps - moved if moved >= 0 else self.settings.backlash_steps
        self._slack_steps = max(0, open_now)

    def _halted(self, cancelled: Cancelled) -> bool:
        return self._stop.is_set() or cancelled()
