"""Pure: motor steps to µm at the subject, by two points, or by a table of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rig.errors import ConfigError
from rig.saying import Length, say

UNEVEN = 0.1  # relative difference between parts of a table beyond which one figure fits badly


def steps_per_um(first_steps: int, second_steps: int, distance_um: float) -> float:
    """Motor steps for one µm, from two focus positions so far apart at the subject.

    For instance both edges of a gauge block, or two lines of a ruler at 45° (their distance divided by √2).
    Raises ConfigError when positions or distance say nothing.
    """
    if not distance_um > 0:
        raise ConfigError(
            say(
                "scale.no_distance",
                "a distance of {distance} calibrates nothing: it must be more than 0",
                distance=Length(distance_um),
            )
        )
    if first_steps == second_steps:
        raise ConfigError(
            say(
                "scale.same_place",
                "both points are at {at} steps: focus on two different depths",
                at=first_steps,
            )
        )
    return abs(second_steps - first_steps) / distance_um


def fitted_steps_per_um(table: Sequence[tuple[int, float]]) -> tuple[float, str | None]:
    """Steps for one µm that fits a table of (position in steps, depth in µm) best; and a warning, or None.

    Raises ConfigError when fewer than two points differ, or depth does not grow with the position.
    """
    points = sorted(set(table))
    if len(points) < 2:
        raise ConfigError(
            say("scale.too_few", "{n} point calibrates nothing: at least 2 are needed", n=len(points))
        )
    each = [steps_per_um(a[0], b[0], b[1] - a[1]) for a, b in pairwise(points)]
    steps = [float(point[0]) for point in points]
    depths = [point[1] for point in points]
    middle_steps, middle_um = sum(steps) / len(points), sum(depths) / len(points)
    along = sum((um - middle_um) * (at - middle_steps) for at, um in zip(steps, depths, strict=True))
    slope = along / sum((um - middle_um) ** 2 for um in depths)  # least squares
    if max(each) - min(each) <= UNEVEN * slope:
        return slope, None
    return slope, (
        f"the drive is uneven: {min(each):.3g} to {max(each):.3g} steps a µm over its travel; "
        "steps are planned with the mean, so raise the overlap a little"
    )
