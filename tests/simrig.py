"""The simulated rig for tests: small frames, and a clock that never makes anybody wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patience import PATIENCE_S

from rig.config import Settings
from rig.devices.build import Devices, build_devices
from rig.devices.clock import SimClock
from rig.status import Phase, Status
from rig.workflow import Workflow

SMALL_PX = (320, 240)


def small_rig(settings: Settings, scene: str = "target", size_px: tuple[int, int] = SMALL_PX) -> Devices:
    """Devices of the simulated rig at a size that tests can afford."""
    return build_devices(settings, scene, clock=SimClock(), size_px=size_px)


@dataclass
class Rig:
    """A workflow on the simulated rig, and how to wait for it."""

    workflow: Workflow
    data: Path

    def until(self, true: Callable[[Status], bool]) -> Status:
        """The first status for which this is true."""
        status = self.workflow.status()
        end = time.monotonic() + 2 * PATIENCE_S
        while not true(status):
            assert time.monotonic() < end, f"it went on and on: {status}"
            newer = self.workflow.wait_status(status.rev, PATIENCE_S)
            assert newer.rev > status.rev, f"nothing happened any more: {newer}"
            status = newer
        return status

    def until_idle(self) -> Status:
        """The first status in which the rig stands still."""
        return self.until(lambda status: status.state is Phase.IDLE)

    def set_limits(self, frames: int = 4) -> None:
        """Near and far in the middle of the travel, for so many frames."""
        motor = self.workflow.settings.motor
        near = (motor.min_steps + motor.max_steps) // 2
        self.workflow.set_near(near)
        self.workflow.set_far(near + frames - 1)
        self.workflow.set_step(1)

    def shoot(self, frames: int = 4) -> str:
        """A whole bracket; its id."""
        self.set_limits(frames)
        bracket_id = self.workflow.start_bracket()
        self.until_idle()
        return bracket_id
