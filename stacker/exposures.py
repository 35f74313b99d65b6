"""Frames of another exposure are matched; what that cannot mend the photographer should know."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stacker.light import EXPONENT
from stacker.report import FrameReport

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
    how, so = ("darker", "brings noise") if stops > 0 else ("brighter", "may lack its highlights")
    others = "" if len(apart) == 1 else f" ({len(apart)} frames differ by more than {_MUCH:.1f})"
    return (
        f"{name} is {abs(stops):.1f} stops {how} than {frames[reference].name}{others}: it is matched, but {so}; "
        "lock the exposure for the whole bracket"
    )
