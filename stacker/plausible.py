"""Whether a registration can be believed: two neighbouring frames of one bracket differ only so much."""

from __future__ import annotations

import numpy as np

from stacker import transforms as tf
from stacker.register import Registration

# Of 618 pairs of unrelated pictures none correlated above 0.22; neighbours in real brackets had 0.70 or more.
MIN_CORRELATION = 0.40
MIN_AGREEING = 0.25  # share of the textured tiles
MAX_SCALE_CHANGE = 0.08  # a bracket of three frames over 16 % of breathing
MAX_TURN_DEG = 6.0  # a hard knock turns by half a degree
MAX_SHIFT = 0.25  # of the frame's longer side
MAX_UNCERTAINTY_PX = 2.0  # of the low copy


def objection(found: Registration, shape: tuple[int, int], scale: float) -> str | None:
    """Why a registration cannot be believed, half a sentence; None if it can.

    shape: (height, width) of the low copies, `scale` times smaller than the frames.
    """
    change = tf.scale_of(found.transform) - 1
    turn = float(np.degrees(tf.angle_of(found.transform)))
    shift = tf.distance(found.transform, tf.identity(), shape)
    uncertainty, farthest = float(np.sqrt(found.variance)), MAX_SHIFT * max(shape)
    if found.textured == 0:
        return "there is too little texture"
    if found.correlation < MIN_CORRELATION:
        return (
            f"they have too little in common (correlation {found.correlation:.2f}, needs {MIN_CORRELATION})"
        )
    if found.agreeing < MIN_AGREEING:
        return f"only {found.agreeing:.0%} of the picture moved alike (needs {MIN_AGREEING:.0%})"
    if abs(change) > MAX_SCALE_CHANGE:
        return f"the size would change by {change:+.1%} (at most {MAX_SCALE_CHANGE:.0%} is plausible)"
    if abs(turn) > MAX_TURN_DEG:
        return f"it would turn by {turn:+.1f}° (at most {MAX_TURN_DEG:.0f}° is plausible)"
    if shift > farthest:
        return f"it would move by {shift * scale:.0f} px (at most {farthest * scale:.0f} px is plausible)"
    if uncertainty > MAX_UNCERTAINTY_PX:
        return (
            f"too little texture tells where it lies (to {uncertainty * scale:.0f} px, "
            f"needs {MAX_UNCERTAINTY_PX * scale:.0f} px)"
        )
    return None
