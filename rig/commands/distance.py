"""A focus position or step as people write it: 1200 (motor steps), 300um, 1.2mm."""

from __future__ import annotations

import argparse
import math
import re
from dataclasses import dataclass

UM = {"um": 1.0, "µm": 1.0, "μm": 1.0, "mm": 1000.0}
WRITTEN = re.compile(r"\s*(-?\d+(?:\.\d+)?)\s*(um|µm|μm|mm)?\s*")


@dataclass(frozen=True)
class Distance:
    """A length along the optical axis, in motor steps or in µm at the subject."""

    steps: int | None = None
    um: float | None = None

    def nearest_steps(self, steps_per_um: float) -> int:
        """As a focus position."""
        return self.steps if self.steps is not None else round((self.um or 0.0) * steps_per_um)

    def whole_steps(self, steps_per_um: float) -> int:
        """As a focus step: rounded down, so that no gap is left; at least 1 where it is more than 0."""
        if self.steps is not None:
            return self.steps
        length = (self.um or 0.0) * steps_per_um
        return max(1, math.floor(length + 1e-6)) if length > 0 else 0


def distance(text: str) -> Distance:
    """For argparse: "1200", "300um", "1.2mm"."""
    match = WRITTEN.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no distance: write 1200 (motor steps), 300um or 1.2mm")
    number, unit = match.groups()
    if unit is not None:
        return Distance(um=float(number) * UM[unit])
    if not float(number).is_integer():
        raise argparse.ArgumentTypeError(f"{text} is not a whole number of motor steps: or is it {text}mm?")
    return Distance(steps=int(float(number)))
