"""Faults the simulated rig shows on request, each where the real thing would break."""

from __future__ import annotations

from dataclasses import dataclass

STALLS = {"lock", "preview", "capture"}


@dataclass
class FaultPlan:
    """What goes wrong and when; everything off by default, and may be changed while the rig runs.

    Captures are counted from 1 since the camera was made, steps from 0 since the motor was made.
    """

    camera_absent: bool = False  # start() finds no camera
    camera_timeout_at: frozenset[int] = frozenset()  # these captures deliver nothing in time
    camera_stalls: frozenset[str] = frozenset()  # "lock", "preview", "capture": these deliver nothing in time
    lock_lost_at: frozenset[int] = frozenset()  # before these captures automatic control takes over again
    bump_at: int | None = None  # from this capture on the framing is off by bump_px
    bump_px: tuple[float, float] = (40.0, -24.0)  # at full sensor size
    bump_lasts_s: float | None = None  # then it is back; None: the rig stays where it was pushed
    # In the middle of this capture's exposure something hits the rig, and it rings.
    knock_at: int | None = None
    light_fails: bool = False  # its switch does nothing, and says so
    flash_dead: bool = False  # it is fired as ever, and gives no light
    flash_missed_at: frozenset[int] = frozenset()  # these flashes, counted from 1, give none
    flash_late_s: float = 0.0  # its light comes so long after it is fired
    lamp_dead: bool = False  # it is switched as ever, and does not burn
    motor_stuck_after_steps: int | None = None  # steps sent beyond this number raise MotorError
    # Steps sent beyond this number move nothing, and nothing says so.
    motor_still_after_steps: int | None = None
    motor_lost_every: int | None = None  # every so many steps one is sent but not made
    endstop: str = "works"  # "stuck_closed", "never_closes"
    brownout_at: int | None = None  # the supply dips at this capture: camera and motor fail until restarted

    def __post_init__(self) -> None:
        if self.endstop not in ("works", "stuck_closed", "never_closes"):
            raise ValueError(
                f"endstop fault {self.endstop!r} is not one of works, stuck_closed, never_closes"
            )
        if unknown := self.camera_stalls - STALLS:
            raise ValueError(f"a camera cannot stall at {', '.join(unknown)}: {', '.join(sorted(STALLS))}")
