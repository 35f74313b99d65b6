"""Pure: the ends of the travel, set from where the focus stands, without changing what a position means."""

from __future__ import annotations

from typing import Any

from rig.config import MotorSettings
from rig.errors import ConfigError
from rig.repair import End


def travel_changes(motor: MotorSettings, end: End, position_steps: int) -> dict[str, Any]:
    """The settings, by dotted name, that make a position the near or the far limit.

    Positions are counted from the endstop, which lies backlash and margin before the near limit: what the limit
    moves, the margin takes up. Raises ConfigError for a near limit that leaves no room for the backlash.
    """
    if end == "far":
        return {"motor.max_steps": position_steps}
    margin = motor.home_margin_steps + position_steps - motor.min_steps
    if margin < 0:
        raise ConfigError(
            f"the near limit cannot be at {position_steps} steps: nearer than {position_steps - margin} there is "
            "no room to take up the backlash before the endstop"
        )
    return {"motor.min_steps": position_steps, "motor.home_margin_steps": margin}
