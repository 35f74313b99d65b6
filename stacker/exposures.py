"""Frames of another exposure are matched; what that cannot mend the photographer should know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stacker.light import EXPONENT
from stacker.report import FrameReport
from stacker.saying import say

_MUCH = 0.67  # stops: beyond it noise is half again as strong, or half a stop of the highlights is gone


def exposure_warning(frames: Sequence[FrameReport], reference: int) -> str | None:
    """One sentence when used frames differ much in exposure from the reference frame; None when they do not.

    reference: its index. Stops, from the gains that the frames were matched by.
    """
    darker = [
        (float(np.log2(frame.gain).mean() * EXPONENT), frame.name)
        for frame in frames
        if frame.used and frame.gain is not None
    ]
    apart = [(stops, name) for stops, name in darker if abs(stops) > _MUCH]
    if not apart:
        return None
    stops, name = max(apart, key=lambda each: abs(each[0]))
    than, most = frames[reference].name, abs(stops)
    if stops > 0:
        odd = say(
            "exposure.darker",
            "{name} is {stops:.1f} stops darker than {than}",
            name=name,
            stops=most,
            than=than,
        )
        so = say("exposure.noise", "it is matched, but brings noise")
    else:
        odd = say(
            "exposure.brighter",
            "{name} is {stops:.1f} stops brighter than {than}",
            name=name,
            stops=most,
            than=than,
        )
        so = say("exposure.highlights", "it is matched, but may lack its highlights")
    if len(apart) > 1:
        n = len(apart)
        odd = say(
            "exposure.others", "{odd} ({n} frames differ by more than {much:.1f})", odd=odd, n=n, much=_MUCH
        )
    return say("exposure.differs", "{odd}: {so}; lock the exposure for the whole bracket", odd=odd, so=so)
