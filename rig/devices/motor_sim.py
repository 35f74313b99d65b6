"""A focus motor without wires: takes its time, can be stopped, loses what a real one loses."""

from __future__ import annotations

from collections.abc import Callable

from rig.devices.optical_bench import OpticalBench
from rig.errors import EndstopError, MotorError
from rig.saying import say

WAIT_S = 0.002  # sleeping less than this costs more than it is worth; steps are then made in small bursts


class SimMotor:
    """Turns the shaft of an optical bench."""

    name = "simulated motor"

    def __init__(self, bench: OpticalBench, *, steps_per_s: float = 1500.0) -> None:
        if not steps_per_s > 0:
            raise ValueError(f"motor speed {steps_per_s} steps/s is not greater than 0")
        self.steps_per_s = steps_per_s
        self.energised = False
        self._bench = bench
        self._position = 0
        self._sent = 0

    @property
    def position_steps(self) -> int:
        """Where the motor believes it is."""
        return self._position

    @property
    def at_endstop(self) -> bool:
        """True while the endstop is pressed."""
        return self._bench.endstop_closed

    def move_by(self, steps: int, cancelled: Callable[[], bool] = lambda: False) -> int:
        """Move by a signed number of steps; returns the steps really sent.

        Raises EndstopError when the endstop is closed on the way towards near, MotorError when stuck.
        """
        clock, period_ns = self._bench.clock, round(1e9 / self.steps_per_s)
        direction = 1 if steps > 0 else -1
        at_ns, sent = clock.monotonic_ns(), 0
        self.energised = True
        try:
            while sent < abs(steps) and not cancelled():
                self._check(direction, abs(steps) - sent)
                at_ns += period_ns
                self._step(direction, at_ns)
                sent += 1
                ahead_s = (at_ns - clock.monotonic_ns()) / 1e9
                if ahead_s >= WAIT_S:
                    clock.sleep(ahead_s)
        finally:
            clock.sleep((at_ns - clock.monotonic_ns()) / 1e9)
            if sent and not self._stands:
                self._bench.come_to_rest(at_ns)
        return direction * sent

    def set_position(self, steps: int) -> None:
        """Declare the present place to be this position, without moving."""
        self._position = steps

    def release(self) -> None:
        """Take the holding current off."""
        self.energised = False

    @property
    def _stands(self) -> bool:
        """Whether a step sent turns nothing: unplugged, or held."""
        still_after = self._bench.faults.motor_still_after_steps
        return still_after is not None and self._sent > still_after

    def _check(self, direction: int, left: int) -> None:
        if not self._bench.powered:
            raise MotorError(
                say("motor.no_supply", "focus motor has no supply; power was lost at the last capture")
            )
        stuck_after = self._bench.faults.motor_stuck_after_steps
        if stuck_after is not None and self._sent >= stuck_after:
            raise MotorError(
                say(
                    "motor.stuck",
                    "focus motor is stuck at position {at} with {left} steps to go",
                    at=self._position,
                    left=left,
                )
            )
        if direction < 0 and self.at_endstop:
            raise EndstopError(
                say(
                    "endstop.closed",
                    "endstop closed at position {at} with {left} steps to go towards near",
                    at=self._position,
                    left=left,
                )
            )

    def _step(self, direction: int, at_ns: int) -> None:
        self._position += direction
        self._sent += 1
        if self._stands:
            return
        every = self._bench.faults.motor_lost_every
        if every is None or self._sent % every:
            self._bench.turn(direction, at_ns)
