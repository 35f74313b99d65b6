"""What a frame tells of the flash that lit it: was it there, over all rows, as strong as usual. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rig.devices.camera import Limits

Luma = npt.NDArray[np.uint8]
Profile = npt.NDArray[np.float64]

BANDS = 24  # of rows, from the top to the bottom: a twenty-fourth left dark is seen
GAMMA = 2.2  # of the grey values, near enough
MISSED = 0.1  # of the usual light, or of the light that is there without it
WEAK, STRONG = 0.7, 1 / 0.7  # of the usual light; half a stop
UNLIT = 0.5  # of what the brighter bands were given: a band at the edge with less was not open for all of it
DIM = 0.04  # of the brightest band: in darker ones nothing can be told
LEAST = 1e-4  # of full light: less is noise
GLINTS = 0.99  # of the pixels; the rest may burn out
BRIGHT = 220 / 255  # grey value wanted there
BURNT = 250 / 255
NOTHING: Profile = np.zeros(BANDS)
DARK_STOPS = 1.0  # a picture darker by more is told


@dataclass(frozen=True)
class Wrong:
    """What is wrong with the light of a frame. dropped: it is another frame."""

    what: Literal["missed", "early", "late", "uneven", "dropped"]
    share: float  # of the usual light


def profile(luma: Luma) -> Profile:
    """Light in BANDS bands from the top to the bottom, (BANDS,) as a share of full light."""
    rows = np.mean((luma / 255.0) ** GAMMA, axis=1)
    return np.array([band.mean() for band in np.array_split(rows, BANDS)])


def what_is_wrong(
    given: Profile, dark: Profile, last: Profile | None, strength: float | None
) -> Wrong | None:
    """None when a frame is well lit. given: by the flash; dark: by everything else.

    last: what it gave to the frame before, None when there is none; strength: mean of what it usually gives.
    A flash that comes early finds the last rows not yet open, a late one the first rows closed: either leaves a band
    at the edge dark, in this frame or in the one before. Frames of neighbouring focus differ by far less.
    """
    if given.mean() < MISSED * dark.mean() + LEAST:
        return Wrong("missed", 0.0)
    if last is None or strength is None:
        return None
    share = float(given.mean() / strength)
    if share < MISSED:
        return Wrong("missed", share)
    first, final = _edges(given, last)
    if min(first, final) < UNLIT:
        return Wrong("late" if first < final else "early", share)
    return None if WEAK <= share <= STRONG else Wrong("uneven", share)


def _edges(one: Profile, other: Profile) -> tuple[float, float]:
    """How alike the first and the last band are that anything is seen in, 0..1, against what the other bands show."""
    more = np.maximum(one, other)
    seen = (more > DIM * more.max()) & (more > LEAST)
    both = seen & (np.minimum(one, other) > DIM * more)
    if not both.any():
        return 1.0, 1.0
    shares = one[seen] / np.maximum(other[seen] * float(np.median(one[both] / other[both])), LEAST)
    alike = np.minimum(shares, 1 / np.maximum(shares, LEAST))
    return float(alike[0]), float(alike[-1])


def gain_for(luma: Luma, gain: float, limits: Limits) -> float:
    """The gain at which a frame shot at this one would be bright, but for its glints."""
    return min(max(gain / 2 ** _over_stops(luma), limits.least_gain), limits.most_gain)


def burnt(luma: Luma, gain: float, limits: Limits) -> float | None:
    """By how many stops a frame is too bright (> 0) or too dark (< 0) though gain can do no more; None: it is fine."""
    stops = _over_stops(luma)
    if stops >= 1.0 and gain <= 1.01 * limits.least_gain:
        return stops
    if stops < -DARK_STOPS and gain >= 0.99 * limits.most_gain:
        return stops
    return None


def _over_stops(luma: Luma) -> float:
    """How much too bright it is; burnt out it may be by any amount, and one stop is tried."""
    level = float(np.quantile(luma, GLINTS)) / 255
    if level >= BURNT:
        return 1.0
    return GAMMA * math.log2(max(level, 1 / 255) / BRIGHT)
