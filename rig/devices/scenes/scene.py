"""A scene: what is drawn, and the facts of lens and light that belong to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.surface import Surface
from rig.devices.thinlens import ThinLens

Build = Callable[[Canvas], list[Surface]]


@dataclass(frozen=True)
class Scene:
    """A subject before the lens. Depths are µm from the plane of nominal magnification, growing away."""

    name: str
    title: str
    build: Build  # canvas -> surfaces, back to front, the first one opaque
    textured_range_um: tuple[float, float]  # near and far end of what a bracket should cover
    lens: ThinLens
    exposure_us: int = 20_000  # at gain 1, for a well exposed frame
    steps_per_um: float = 1.0  # of the focus drive
    travel_um: tuple[float, float] = (-1500.0, 1500.0)  # where the drive's ends focus

    @property
    def travel_steps(self) -> int:
        """Steps between the drive's ends."""
        return round((self.travel_um[1] - self.travel_um[0]) * self.steps_per_um)

    @property
    def textured_range_steps(self) -> tuple[int, int]:
        """The textured range as motor positions, counted from the endstop."""
        near, far = (self.steps_of(z) for z in self.textured_range_um)
        return near, far

    def steps_of(self, z_um: float) -> int:
        """Motor position, counted from the endstop, that focuses at this depth when nothing is amiss."""
        return round((z_um - self.travel_um[0]) * self.steps_per_um)

    def z_of(self, position_steps: float) -> float:
        """Depth in focus when the optics stand this many steps from the endstop."""
        return self.travel_um[0] + position_steps / self.steps_per_um
