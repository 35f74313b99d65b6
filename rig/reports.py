"""Pure: what the parts of the rig say, as the values that the status is made of."""

from __future__ import annotations

from rig.config import Settings
from rig.devices.camera import Exposure
from rig.errors import (
    CameraError,
    EndstopError,
    GpioError,
    LightError,
    MotorError,
    PanelError,
    RigError,
    StorageFullError,
    StoreError,
)
from rig.plan import BracketPlan, frame_bytes
from rig.saying import Said, say
from rig.status import Fault, FocusStatus, Phase, PlanStatus, Status, StorageStatus

USUAL_FRAMES = 30  # of a bracket, while no plan says better

# The most telling class first; what the recover button says.
FAULTS: tuple[tuple[type[RigError], str, Said], ...] = (
    (CameraError, "camera", say("recover.camera", "Restart the camera")),
    (EndstopError, "endstop", say("recover.endstop", "Look for the endstop again")),
    (MotorError, "motor", say("recover.motor", "Try the motor again")),
    (StorageFullError, "storage", say("recover.storage_full", "Go on after freeing space")),
    (StoreError, "storage", say("recover.storage", "Try the card again")),
    (GpioError, "gpio", say("recover.gpio", "Try again")),
    (LightError, "light", say("recover.light", "Try the light again")),
    (PanelError, "panel", say("recover.gpio", "Try again")),
)


def fault_of(error: RigError) -> Fault:
    """An error as the fault that the rig stands still with."""
    for kind, device, action in FAULTS:
        if isinstance(error, kind):
            return Fault(device, error.said, error.kept, action)
    return Fault("program", error.said, error.kept, say("recover.program", "Restart the rig"))


def plan_status(plan: BracketPlan) -> PlanStatus:
    """A plan as the status shows it."""
    return PlanStatus(
        frames=plan.frames,
        step_steps=plan.step_steps,
        step_um=plan.step_um,
        depth_um=plan.depth_um,
        time_s=plan.time_s,
        bytes=plan.bytes,
        why=plan.why + plan.warnings,
        box=plan.box,
    )


def storage_status(settings: Settings, room_bytes: int, plan: BracketPlan | None) -> StorageStatus:
    """Room on the card, and how many brackets like the planned one fit."""
    each = plan.bytes if plan is not None else USUAL_FRAMES * frame_bytes(settings.camera)
    return StorageStatus(room_bytes, room_bytes // max(1, each))


def exposure_status(exposure: Exposure, locked: bool) -> dict[str, object]:
    """An exposure as the status shows it."""
    return {
        "exposure_us": exposure.exposure_us,
        "gain": exposure.gain,
        "colour_gains": list(exposure.colour_gains),
        "locked": locked,
    }


def first_status(settings: Settings) -> Status:
    """The snapshot before anything has started."""
    motor = settings.motor
    return Status(
        rev=0,
        state=Phase.BOOT,
        since_s=0.0,
        allowed=(),
        focus=FocusStatus(
            motor.min_steps, motor.min_steps / motor.steps_per_um, motor.min_steps, motor.max_steps
        ),
        plan=None,
        bracket=None,
        stack=None,
        storage=StorageStatus(0, 0),
        exposure=None,
        simulated=None,
    )
