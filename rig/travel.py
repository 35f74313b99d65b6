"""Pure: the ends of the travel and the backlash, changed without changing what a position means.

Positions are counted from the endstop, which lies backlash and margin before the near limit. Near and far, and the
brackets shot, stay where they are only if that sum does.
"""

from __future__ import annotations

from typing import Any

from rig.config import MotorSettings
from rig.errors import ConfigError
from rig.repair import End
from rig.saying import say

# Left before the endstop, where there was as much: an everyday move must not touch it.
LEAST_MARGIN_STEPS = 10


def travel_changes(motor: MotorSettings, end: End, position_steps: int) -> dict[str, Any]:
    """The settings, by dotted name, that make a position the near or the far limit.

    What the limit moves, the margin takes up. Raises ConfigError for a near limit that leaves no room for the backlash.
    """
    if end == "far":
        return {"motor.max_steps": position_steps}
    margin = motor.home_margin_steps + position_steps - motor.min_steps
    if margin < 0:
        raise ConfigError(
            say(
                "settings.near_too_near",
                "the near limit cannot be at {at} steps: nearer than {least} there is no room to "
                "take up the backlash before the endstop",
                at=position_steps,
                least=position_steps - margin,
            )
        )
    return {"motor.min_steps": position_steps, "motor.home_margin_steps": margin}


def home_kept(before: MotorSettings, after: MotorSettings) -> dict[str, Any]:
    """What else must change, by dotted name, for the endstop to keep its position when these settings are taken.

    More backlash takes of the margin; where that is used up the travel begins farther, for nearer than that the
    drive could not be approached from one side. Raises ConfigError as travel_changes.
    """
    if after.home_margin_steps != before.home_margin_steps:
        return {}  # set on purpose, or by travel_changes
    kept = travel_changes(before, "near", after.min_steps)
    margin = kept["motor.home_margin_steps"] - (after.backlash_steps - before.backlash_steps)
    least = min(before.home_margin_steps, LEAST_MARGIN_STEPS)
    if after.backlash_steps > before.backlash_steps and margin < least:
        return {"motor.min_steps": after.min_steps + least - margin, "motor.home_margin_steps": least}
    return {"motor.home_margin_steps": margin} if margin != before.home_margin_steps else {}
