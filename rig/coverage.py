"""Was it all covered? A verdict from the frames' own sharpness, with the repair to offer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from rig.advance import jumps, repeats
from rig.saying import Frames, Said, say

Curves = npt.NDArray[np.float64]

LEAST_SHARE = 0.02  # of the sharpest tile: less is no texture
CUT_SHARE = 0.04  # of the textured tiles that miss an end before it counts as cut: one hair is not all
FEW_TILES = 8  # of which one may be: of more, one alone is more often wrong than cut
CLEAR = 1.15  # times its median over the frames: what is alike in all of them has no focus to judge by
REACH = 0.75  # frames that an end frame's own depth of field covers beyond its position, at the usual overlap
MOST_EXTRA = 12  # frames offered at once; the next verdict may ask for more
# Of the logarithm, per focus step: what rises by less towards an end does so for other reasons, breathing for one. In
# frames less than 700 px wide, whose pixels are as large as the blur of several steps, most of it is such.
RISES = 0.03
BLIND_EXTRA = 6  # offered when the curve at the end is still so far from its peak that nothing can be told
TRUSTED = 4.0  # frames beyond the end up to which a peak can be extrapolated; the foot of a curve is too flat
IN_FOCUS = 0.25  # of a tile in focus: an end frame that shows so much of what is cut is not far from it
DIP = 0.7  # of what its neighbours let expect: over depth sharpness bends one way, so a dip is motion
DIP_SHARE = 0.5  # of the textured tiles
CLIPPED_SHARE = 0.01  # of a frame, burnt out


class Verdict(StrEnum):
    """What was found about a bracket."""

    COVERED = "covered"
    NEAR_CUT = "near_cut"
    FAR_CUT = "far_cut"
    GAP = "gap"
    REPEATED = "repeated"  # the drive did not move between two frames
    MOVED = "moved"
    CLIPPED = "clipped"
    UNSURE = "unsure"  # too few frames, or nothing textured


@dataclass(frozen=True)
class Repair:
    """What would put it right."""

    action: str  # "extend_near", "extend_far", "fill", "leave_out", "expose_less"
    frames: int  # to add or to leave out
    label: Said  # of the button
    sure: bool = True  # False: offered, but not done unasked


@dataclass(frozen=True)
class Finding:
    """One verdict, as a sentence, with the frames it is about (indices, 0 = nearest)."""

    verdict: Verdict
    sentence: Said
    frames: tuple[int, ...] = ()
    repair: Repair | None = None


@dataclass(frozen=True)
class Coverage:
    """Everything found, the gravest first; never empty."""

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The gravest."""
        return self.findings[0].verdict

    @property
    def sentence(self) -> Said:
        """The gravest, for the photographer."""
        return self.findings[0].sentence

    def extra_frames(self, action: str) -> int:
        """Frames that a repair ("extend_far") would add; 0 when it is not needed."""
        return sum(f.repair.frames for f in self.findings if f.repair and f.repair.action == action)


class SharpFrame(Protocol):
    """What is needed of a frame's facts (rig.capturereport.FrameFacts has it)."""

    @property
    def index(self) -> int:
        """Place in the bracket."""

    @property
    def position_steps(self) -> int:
        """Focus position."""

    @property
    def tile_sharpness(self) -> Sequence[Sequence[float]]:
        """Rows of tiles."""

    @property
    def box_sharpness(self) -> Sequence[Sequence[float]] | None:
        """Rows of tiles of the part that is to be covered; None: all is."""

    @property
    def clipped_share(self) -> float:
        """Burnt out, 0..1."""


def check_coverage(frames: Sequence[SharpFrame], step_steps: int) -> Coverage:
    """The verdict on these frames, ordered from near to far and planned step_steps apart.

    Where a part of the picture was chosen only that has to be covered; what the drive did shows everywhere.
    """
    if len(frames) < 3:
        return Coverage(
            (
                Finding(
                    Verdict.UNSURE, say("verdict.too_few", "Too few frames to tell whether all is covered.")
                ),
            )
        )
    curves = textured_curves([frame.tile_sharpness for frame in frames])
    chosen = [part for frame in frames if (part := frame.box_sharpness) is not None]
    wanted = textured_curves(chosen) if len(chosen) == len(frames) else curves
    if wanted.shape[1] == 0:
        return Coverage(
            (
                Finding(
                    Verdict.UNSURE,
                    say("verdict.no_texture", "Nothing in the frames is textured enough to tell."),
                ),
            )
        )
    findings = (
        *_gaps(frames, step_steps),
        *_jumps(curves, frames, step_steps),
        *_cut_end(wanted, frames, step_steps, near=True),
        *_cut_end(wanted, frames, step_steps, near=False),
        *_repeats(curves, frames, step_steps),
        *_moved(curves, frames),
        *_clipped(frames),
    )
    return Coverage(
        findings or (Finding(Verdict.COVERED, say("verdict.covered", "Covered from near to far.")),)
    )


def textured_curves(frames: Sequence[Sequence[Sequence[float]]]) -> Curves:
    """Sharpness over the frames, (frames, textured tiles); a tile counts when it is sharp in some frame.

    frames: the rows of tiles of each.
    """
    curves = np.array([np.ravel(rows) for rows in frames], np.float64)
    tops = curves.max(axis=0)
    lows = np.median(curves, axis=0)
    textured = (tops > LEAST_SHARE * np.quantile(tops, 0.98)) & (tops > CLEAR * lows) & (tops > 0)
    return np.maximum(curves[:, textured], 1e-12)


def overshoot(curves: Curves, distances: Sequence[float]) -> npt.NDArray[np.float64]:
    """How far before the end each tile's peak lies: 0 when it is inside, inf when too far off to tell.

    curves: (3, tiles) > 0, sharpness of the end frame and the next two. distances: of these from the end, in
    focus steps, the first 0. The parabola goes through the logarithms, see rig.focuscurve.refined.
    """
    end, second, third = np.log(curves)
    first_slope = (second - end) / distances[1]
    bend = ((third - second) / (distances[2] - distances[1]) - first_slope) / distances[2]
    bends = bend < -1e-9
    summit = distances[1] / 2 - first_slope / (2 * np.where(bends, bend, -1.0))
    return np.where(bends, np.maximum(-summit, 0.0), np.inf)


def _cut_end(
    curves: Curves, frames: Sequence[SharpFrame], step_steps: int, near: bool
) -> tuple[Finding, ...]:
    towards = slice(0, 3) if near else slice(-1, -4, -1)
    places = [frame.position_steps for frame in frames[towards]]
    distances = [abs(place - places[0]) / max(step_steps, 1) for place in places]
    if not 0 < distances[1] < distances[2]:
        return ()
    best_at_end = curves.argmax(axis=0) == (0 if near else len(frames) - 1)
    end, _, third = curves[towards]
    telling = best_at_end & (np.log(end / third) >= RISES * distances[2])
    beyond = np.where(telling, overshoot(curves[towards], distances), 0.0)
    missing = beyond > REACH
    least = 2 if missing.size > FEW_TILES else 1
    if np.count_nonzero(missing) < max(least, CUT_SHARE * missing.size):
        return ()
    extra, end_tiles = _frames_to_add(beyond[missing]), curves[0 if near else -1, missing]
    sure = np.count_nonzero(end_tiles > IN_FOCUS * _usual_top(curves)) >= CUT_SHARE * missing.size
    if not (sure or near):
        return ()  # a background that is far from sharp even in the last frame is meant to stay blurred
    return ((_near_cut if near else _far_cut)(100 * missing.mean(), extra, bool(sure), frames),)


def _near_cut(percent: float, extra: int, sure: bool, frames: Sequence[SharpFrame]) -> Finding:
    sentence = say(
        "verdict.near_cut",
        "Near end cut: {percent:.0f}% of the subject is sharpest beyond the first frame.",
        percent=percent,
    )
    repair = Repair("extend_near", extra, say("repair.extend_near", "Extend {n} nearer", n=extra), sure)
    return Finding(Verdict.NEAR_CUT, sentence, (frames[0].index,), repair)


def _far_cut(percent: float, extra: int, sure: bool, frames: Sequence[SharpFrame]) -> Finding:
    sentence = say(
        "verdict.far_cut",
        "Far end cut: {percent:.0f}% of the subject is sharpest beyond the last frame.",
        percent=percent,
    )
    repair = Repair("extend_far", extra, say("repair.extend_far", "Extend {n} farther", n=extra), sure)
    return Finding(Verdict.FAR_CUT, sentence, (frames[-1].index,), repair)


def _usual_top(curves: Curves) -> float:
    """Sharpness of a tile in focus: of those whose peak lies inside, where there are some."""
    at = curves.argmax(axis=0)
    inside = (at > 0) & (at < len(curves) - 1)
    return float(np.median(curves.max(axis=0)[inside] if inside.any() else curves.max(axis=0)))


def _frames_to_add(beyond: npt.NDArray[np.float64]) -> int:
    """Enough for nearly every tile; a usual number where most are too far off to tell."""
    known = beyond[beyond <= TRUSTED]
    if len(known) * 2 <= len(beyond):
        return BLIND_EXTRA
    return min(max(math.ceil(float(np.quantile(known, 0.95)) - REACH), 1), MOST_EXTRA)


def _gaps(frames: Sequence[SharpFrame], step_steps: int) -> tuple[Finding, ...]:
    found = []
    for before, after in pairwise(frames):
        missing = (
            math.ceil((after.position_steps - before.position_steps) / max(step_steps, 1) * (1 - 1e-9)) - 1
        )
        if missing < 1:
            continue
        sentence = say(
            "verdict.gap",
            "Gap between frames {before} and {after}: {n} missing.",
            before=before.index + 1,
            after=after.index + 1,
            n=missing,
        )
        repair = Repair("fill", missing, say("repair.fill", "Shoot {n} between", n=missing))
        found.append(Finding(Verdict.GAP, sentence, (before.index, after.index), repair))
    return tuple(found)


def _distances(frames: Sequence[SharpFrame], step_steps: int) -> list[float]:
    return [
        max(after.position_steps - before.position_steps, 1) / max(step_steps, 1)
        for before, after in pairwise(frames)
    ]


def _jumps(curves: Curves, frames: Sequence[SharpFrame], step_steps: int) -> tuple[Finding, ...]:
    """Gaps that the drive did not count: it slipped, or was pushed."""
    found = []
    for at in jumps(curves, _distances(frames, step_steps)):
        before, after = frames[at], frames[at + 1]
        if after.position_steps - before.position_steps < 2:
            continue  # no place between that the drive could go to
        sentence = say(
            "verdict.jump",
            "Gap between frames {before} and {after}: the focus went farther than the drive was told.",
            before=before.index + 1,
            after=after.index + 1,
        )
        repair = Repair("fill", 1, say("repair.fill", "Shoot {n} between", n=1), sure=False)
        found.append(Finding(Verdict.GAP, sentence, (before.index, after.index), repair))
    return tuple(found)


def _repeats(curves: Curves, frames: Sequence[SharpFrame], step_steps: int) -> tuple[Finding, ...]:
    found = []
    for first, last in repeats(curves, _distances(frames, step_steps)):
        which = [frame.index for frame in frames[first : last + 1]]
        found.append(Finding(Verdict.REPEATED, _same_focus(which, last == len(frames) - 1), tuple(which)))
    return tuple(found)


def _same_focus(which: list[int], to_the_end: bool) -> Said:
    if to_the_end:
        return say(
            "verdict.stood_still",
            "{frames} show the same focus: the drive did not move any more after frame {first}: look for what "
            "holds it.",
            frames=Frames(which),
            first=which[0] + 1,
        )
    return say(
        "verdict.lost_steps",
        "{frames} show the same focus: the drive lost its steps there, and what follows is nearer than it was told.",
        frames=Frames(which),
    )


def _moved(curves: Curves, frames: Sequence[SharpFrame]) -> tuple[Finding, ...]:
    places = np.array([frame.position_steps for frame in frames], np.float64)
    spans = np.maximum(places[2:] - places[:-2], 1.0)
    share = ((places[1:-1] - places[:-2]) / spans)[:, np.newaxis]  # of the way to the neighbour behind
    logs = np.log(curves)
    dips = logs[1:-1] < math.log(DIP) + (1 - share) * logs[:-2] + share * logs[2:]
    bad = [frames[int(at) + 1].index for at in np.flatnonzero(dips.mean(axis=1) > DIP_SHARE)]
    if not bad:
        return ()
    sentence = say("verdict.moved", "The subject or the rig moved in {frames}.", frames=Frames(bad))
    repair = Repair("leave_out", len(bad), say("repair.leave_out", "Leave out {n}", n=len(bad)))
    return (Finding(Verdict.MOVED, sentence, tuple(bad), repair),)


def _clipped(frames: Sequence[SharpFrame]) -> tuple[Finding, ...]:
    bad = [frame.index for frame in frames if frame.clipped_share > CLIPPED_SHARE]
    if not bad:
        return ()
    sentence = say("verdict.clipped", "Highlights are burnt out in {frames}.", frames=Frames(bad))
    repair = Repair("expose_less", 0, say("repair.expose_less", "Expose less"))
    return (Finding(Verdict.CLIPPED, sentence, tuple(bad), repair),)
