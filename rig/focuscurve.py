"""Pure: sharpness against focus position -> where the peaks are, between the samples."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

PROMINENCE = 0.35  # a second peak counts from this share of the highest on: a hair before its background
CLEAR = 2.5  # a peak stands out when it is so many times the curve's low fifth
NARROW = 0.5  # of its height is left at most, within reach of a peak; blur that only fades falls more slowly


def peaks(
    positions: Sequence[float], curve: Curve, floor: float, reach: float = math.inf
) -> tuple[float, ...]:
    """Positions of the peaks of one curve, nearest first; none where there is no detail.

    positions: (n,) ascending. curve: (n,) sharpness. floor: what counts as no sharpness at all.
    reach: distance within which a peak must fall to NARROW of its height on both sides; where the samples
    end before that, half of it on the other side.
    A maximum at an end of the curve counts, as that end: the peak may lie beyond.
    """
    if len(curve) == 0:
        return ()
    top = float(curve.max())
    if top <= floor or top < CLEAR * float(np.quantile(curve, 0.2)):
        return ()
    summits = _summits(curve, max(PROMINENCE * top, floor))
    return tuple(refined(positions, curve, at) for at in summits if _is_narrow(positions, curve, at, reach))


def refined(positions: Sequence[float], curve: Curve, at: int) -> float:
    """Position of the maximum near sample `at`, by a parabola through the logarithms of three samples.

    The logarithm makes a bell-shaped curve a parabola, so the figure is right between the samples too.
    """
    if at in (0, len(curve) - 1):
        return float(positions[at])
    below, here, above = (float(np.log(max(curve[i], 1e-12))) for i in (at - 1, at, at + 1))
    left, right = positions[at] - positions[at - 1], positions[at + 1] - positions[at]
    # Newton's divided differences, so that the samples need not be evenly spaced
    first, second = (here - below) / left, (above - here) / right
    bend = (second - first) / (left + right)
    if bend >= 0:
        return float(positions[at])
    vertex = (positions[at - 1] + positions[at]) / 2 - first / (2 * bend)
    return float(min(max(vertex, positions[at - 1]), positions[at + 1]))


def _is_narrow(positions: Sequence[float], curve: Curve, at: int, reach: float) -> bool:
    """Whether the curve falls on both sides; where the samples end too soon for that, steeply on the other."""
    before, after = _fall(positions, curve, at, -1), _fall(positions, curve, at, 1)
    if max(before, after) <= reach < math.inf:
        return True
    room_before, room_after = positions[at] - positions[0], positions[-1] - positions[at]
    one_side = min(before if room_after < reach else math.inf, after if room_before < reach else math.inf)
    return one_side <= reach / 2 and one_side < math.inf


def _fall(positions: Sequence[float], curve: Curve, at: int, way: int) -> float:
    """Distance from sample `at` to where the curve has fallen to NARROW, between the samples; inf: nowhere."""
    least, last = NARROW * float(curve[at]), at
    for here in range(at + way, len(curve) if way > 0 else -1, way):
        if curve[here] < least:
            share = (curve[last] - least) / (curve[last] - curve[here])
            return float(abs(positions[last] + share * (positions[here] - positions[last]) - positions[at]))
        last = here
    return math.inf


def _summits(curve: Curve, least: float) -> list[int]:
    """Samples higher than both neighbours, and divided from the next summit by a valley half as high."""
    found: list[int] = []
    valley = 0.0
    for at, value in enumerate(curve):
        valley = min(valley, float(value))
        before = curve[at - 1] if at else -np.inf
        after = curve[at + 1] if at + 1 < len(curve) else -np.inf
        if value < least or value < before or value <= after:
            continue
        if not found or valley < 0.5 * min(float(curve[found[-1]]), float(value)):
            found.append(at)
        elif value > curve[found[-1]]:
            found[-1] = at
        valley = float(value)
    return found
