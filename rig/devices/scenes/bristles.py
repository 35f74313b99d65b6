"""bristles: first light."""

from __future__ import annotations

import numpy as np

from rig.devices.scenes import shade
from rig.devices.scenes.canvas import Canvas
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.surface import Surface
from rig.devices.thinlens import ThinLens

NEAR_UM, FAR_UM = -600.0, 600.0


def build(canvas: Canvas) -> list[Surface]:
    """A backdrop and a dome."""
    noise = canvas.noise("backdrop", 3.0, 2)
    bgr = np.clip(np.float32([0.12, 0.3, 0.18]) * (1 + 0.4 * noise[..., None]), 0, 1).astype(np.float32)
    back = Surface("backdrop", shade.opaque(bgr), np.zeros(canvas.shape, np.uint8), 3500, 3500)
    return [back]


BRISTLES = Scene("bristles", "jumping spider", build, (NEAR_UM, FAR_UM), lens=ThinLens(focal_mm=30.0))
