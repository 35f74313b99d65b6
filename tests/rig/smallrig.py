"""A small simulated rig on a clock that only moves when slept on: quick and the same every time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from rig.capturereport import FrameFacts
from rig.config import Settings
from rig.devices.build import simulated_settings
from rig.devices.build_sim import SimDevices, simulated_devices
from rig.devices.camera import Frame
from rig.devices.clock import SimClock
from rig.devices.faults import FaultPlan
from rig.devices.light import Light
from rig.devices.optical_bench import Mechanics
from rig.focuser import Focuser

SIZE_PX = (507, 380)


@contextmanager
def lit_by(light: Light) -> Iterator[None]:
    """The light on within."""
    light.on()
    try:
        yield
    finally:
        light.off()


@dataclass
class SmallRig:
    """Devices, the focuser over them and what was handed over."""

    devices: SimDevices
    clock: SimClock
    settings: Settings
    focuser: Focuser
    frames: list[Frame] = field(default_factory=list)
    facts: list[FrameFacts] = field(default_factory=list)

    def sink(self, frame: Frame, facts: FrameFacts) -> None:
        """Keep what the capture loop hands over."""
        self.frames.append(frame)
        self.facts.append(facts)


def small_rig(
    scene: str = "target",
    faults: FaultPlan | None = None,
    mechanics: Mechanics | None = None,
    size_px: tuple[int, int] = SIZE_PX,
    seed: int = 1,
    **changes: object,
) -> SmallRig:
    """A started and homed rig. changes: settings with two underscores for the dot."""
    clock = SimClock()
    devices = simulated_devices(
        scene, size=size_px, seed=seed, clock=clock, faults=faults, mechanics=mechanics
    )
    settings = simulated_settings(Settings(), devices)
    settings = settings.changed({name.replace("__", "."): value for name, value in changes.items()})
    devices.camera.start()
    focuser = Focuser(devices.motor, settings.motor)
    focuser.home()
    return SmallRig(devices, clock, settings, focuser)


def capped_rig(folder: Path) -> SmallRig:
    """A rig that sees nothing but noise, as with the lens cap on. folder: for its frames."""
    rng = np.random.default_rng(5)
    for index in range(3):
        noise = rng.normal(20, 3, (480, 640, 3)).clip(0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), noise)
    return small_rig(f"replay:{folder}")
