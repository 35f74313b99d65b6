"""Pure: the focus positions that would put a bracket right whose end is cut, or that has a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from rig.coverage import Coverage
from rig.plan import bracket_positions

End = Literal["near", "far"]
ENDS: tuple[End, ...] = ("near", "far")
EXTEND: dict[End, str] = {"near": "extend_near", "far": "extend_far"}  # as rig.coverage names the repairs
FILL = "fill"
AT_ONCE = 3  # frames added at an end before it is looked at again


def beyond(
    positions: Sequence[int], end: End, frames: int, step_steps: int, travel: tuple[int, int]
) -> tuple[int, ...]:
    """So many positions beyond an end, step_steps apart, ascending; fewer where the travel ends."""
    edge, sign = (min(positions), -1) if end == "near" else (max(positions), 1)
    wanted = {min(max(edge + sign * step_steps * n, travel[0]), travel[1]) for n in range(1, frames + 1)}
    return tuple(sorted(place for place in wanted if sign * (place - edge) > 0))


def between(positions: Sequence[int], step_steps: int) -> tuple[int, ...]:
    """Positions in every gap wider than step_steps, spread evenly, ascending."""
    found: list[int] = []
    for before, after in pairwise(sorted(set(positions))):
        found += bracket_positions(before, after, step_steps)[1:-1]
    return tuple(found)


def gaps(coverage: Coverage, positions: Mapping[int, int]) -> tuple[int, ...]:
    """Positions in every gap that was found, spread evenly, ascending. positions: by index of the frame."""
    found: set[int] = set()
    for finding in coverage.findings:
        if finding.repair is not None and finding.repair.action == FILL:
            found.update(_inside([positions[index] for index in finding.frames], finding.repair.frames))
    return tuple(sorted(found))


def _inside(ends: Sequence[int], count: int) -> tuple[int, ...]:
    """So many positions between two, spread evenly."""
    before, after = ends
    return tuple(before + round((after - before) * (n + 1) / (count + 1)) for n in range(count))


def unasked(
    coverage: Coverage, positions: Sequence[int], step_steps: int, travel: tuple[int, int], most: int
) -> tuple[int, ...]:
    """What the rig adds by itself, at most so many frames, ascending.

    Only where what is missing is nearly in focus: behind most subjects there is something blurred, and frame
    after frame towards it would be wasted. At an end a few at a time; the next verdict asks for more.
    """
    found: list[int] = []
    for finding in coverage.findings:
        repair, room = finding.repair, most - len(found)
        if repair is None or not repair.sure or room <= 0:
            continue
        for end in ENDS:
            if repair.action == EXTEND[end]:
                found += beyond(positions, end, min(repair.frames, room, AT_ONCE), step_steps, travel)
        if repair.action == FILL:
            found += _inside([positions[index] for index in finding.frames], repair.frames)[:room]
    return tuple(sorted(set(found)))


def is_in_focus_order(positions: Sequence[int]) -> bool:
    """Whether they were shot from near to far, as the live stack needs them."""
    return all(a < b for a, b in pairwise(positions))
