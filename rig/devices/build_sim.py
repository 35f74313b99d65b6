"""A whole simulated rig by name: a scene, or replay:FOLDER."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rig.devices.camera_replay import ReplayCamera, open_replay
from rig.devices.camera_sim import SimCamera
from rig.devices.clock import Clock, RealClock
from rig.devices.faults import FaultPlan
from rig.devices.motor_sim import SimMotor
from rig.devices.optical_bench import Mechanics, OpticalBench
from rig.devices.panel_sim import SimPanel
from rig.devices.scenes import Scene, find_scene, scene_names
from rig.errors import ConfigError
from rig.saying import say

__all__ = ["SimDevices", "check_simulated", "scene_names", "simulated_devices"]

REPLAY = "replay:"
PREVIEW_WIDTH_PX = 1024  # at most


class SimDevices(NamedTuple):
    """The simulated devices, and the bench they share."""

    camera: SimCamera | ReplayCamera
    motor: SimMotor
    panel: SimPanel
    bench: OpticalBench

    @property
    def scene(self) -> Scene:
        """The subject, with the facts a plan needs: lens, steps_per_um, textured_range_steps."""
        return self.bench.scene


def check_simulated(name: str) -> None:
    """Raises ConfigError for an unknown scene, CameraError for a "replay:FOLDER" that cannot be replayed."""
    if name.startswith(REPLAY):
        open_replay(Path(name.removeprefix(REPLAY)))
    else:
        _scene(name)


def simulated_devices(
    name: str,
    *,
    size: tuple[int, int] = (4056, 3040),
    seed: int = 1,
    clock: Clock | None = None,
    faults: FaultPlan | None = None,
    speed: float = 1.0,
    mechanics: Mechanics | None = None,
    preview_width_px: int = PREVIEW_WIDTH_PX,
) -> SimDevices:
    """Camera, motor, panel and bench for a scene's name or "replay:FOLDER".

    size: of a full frame; a replay's frames have their own. speed: of the real clock, for demonstrations.
    Raises ConfigError for an unknown scene, CameraError for a folder that cannot be replayed.
    """
    clock = clock or RealClock(speed)
    replayed = name.startswith(REPLAY)
    scene = _scene("target" if replayed else name)
    bench = OpticalBench(scene, clock, seed=seed, mechanics=mechanics, faults=faults)
    camera = (
        ReplayCamera(bench, Path(name.removeprefix(REPLAY)))
        if replayed
        else SimCamera(bench, size, preview_width_px=preview_width_px)
    )
    return SimDevices(camera, SimMotor(bench), SimPanel(), bench)


def _scene(name: str) -> Scene:
    try:
        return find_scene(name)
    except ValueError as error:
        raise ConfigError(
            say("sim.no_scene", "{why}, or {replay}FOLDER", why=error, replay=REPLAY)
        ) from error
