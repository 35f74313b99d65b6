"""Whether a registration can be believed: two neighbouring frames of one bracket differ only so much."""

from __future__ import annotations

import numpy as np

from stacker import transforms as tf
from stacker.register import Registration
from stacker.saying import say

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
        return say("align.no_texture", "there is too little texture")
    if found.correlation < MIN_CORRELATION:
        return say(
            "align.unlike",
            "they have too little in common (correlation {correlation:.2f}, needs {least})",
            correlation=float(found.correlation),
            least=MIN_CORRELATION,
        )
    if found.agreeing < MIN_AGREEING:
        return say(
            "align.disagree",
            "only {percent:.0f} % of the picture moved alike (needs {least:.0f} %)",
            percent=float(100 * found.agreeing),
            least=float(100 * MIN_AGREEING),
        )
    if abs(change) > MAX_SCALE_CHANGE:
        return say(
            "align.scale",
            "the size would change by {percent:+.1f} % (at most {most:.0f} % is plausible)",
            percent=float(100 * change),
            most=float(100 * MAX_SCALE_CHANGE),
        )
    if abs(turn) > MAX_TURN_DEG:
        return say(
            "align.turn",
            "it would turn by {degrees:+.1f}° (at most {most:.0f}° is plausible)",
            degrees=turn,
            most=float(MAX_TURN_DEG),
        )
    if shift > farthest:
        return say(
            "align.shift",
            "it would move by {px:.0f} px (at most {most:.0f} px is plausible)",
            px=float(shift * scale),
            most=float(farthest * scale),
        )
    if uncertainty > MAX_UNCERTAINTY_PX:
        return say(
            "align.uncertain",
            "too little texture tells where it lies (to {px:.0f} px, needs {least:.0f} px)",
            px=float(uncertainty * scale),
            least=float(MAX_UNCERTAINTY_PX * scale),
        )
    return None
