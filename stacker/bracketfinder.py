"""Which frames of a card belong together: by camera and exposure, by gaps in time, by how the focus moves on.

Everything here is arithmetic on facts that others have read; nothing is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from stacker.formats.shotfacts import ShotFacts
from stacker.order import natural_key
from stacker.sequence import Signature

MOST_FRAMES = 600  # what is longer is a time lapse, and its signatures are not compared
FEWEST_FRAMES = 3  # two alike pictures are a second try more often than a bracket
LONGEST_GAP_S = 90.0  # a rail turned by hand, with a look at every frame, is faster than this
SHORTEST_GAP_S = 3.0  # the pause between two brackets of a burst; clocks often tell whole seconds
GAP_OF_MEDIAN = 4.0  # twice the usual interval is a frame that was deleted since
# Automatic exposure wanders by a third of a stop within a bracket; brackets of exposures step by two thirds or more.
SAME_EXPOSURE_STOPS = 0.5
# Of seven real brackets shot back to back with themselves or another, all joints were above, no inner step was.
RESTART_OF_MEDIAN, RESTART_NEARER, OTHER_SUBJECT = 1.2, 0.6, 3.0
PROGRESS = 1.4  # frames half a bracket apart differ so much more than neighbours do


@dataclass(frozen=True)
class FoundFrame:
    """What tells one frame from another without its picture."""

    folder: str
    name: str
    shape: tuple[int, int]  # (h, w), px
    facts: ShotFacts

    @property
    def maker(self) -> tuple[str, str, tuple[int, int]]:
        """The very camera, at one picture size: only such frames can be stacked together."""
        return self.facts.camera, self.facts.body, self.shape

    @property
    def setting(self) -> tuple[str, float | None, float | None]:
        """What stays the same within a bracket."""
        return self.facts.lens, self.facts.focal_mm, self.facts.f_number


@dataclass(frozen=True)
class Group:
    """Neighbouring frames first..last (both included). bracket: they are one, as far as can be told."""

    first: int
    last: int
    bracket: bool

    def __len__(self) -> int:
        return self.last - self.first + 1


def shot_order(frames: Sequence[FoundFrame]) -> list[int]:
    """Indices camera by camera, by time within each; frames that tell no time by folder and name."""

    def key(index: int) -> tuple[object, ...]:
        frame = frames[index]
        when = frame.facts.taken_s
        by_name = natural_key(frame.folder), natural_key(frame.name)
        camera = frame.facts.camera, frame.facts.body
        if when is None:
            return camera, 0, *by_name
        return camera, 1, when, *by_name

    return sorted(range(len(frames)), key=key)


def find_groups(frames: Sequence[FoundFrame], signatures: Mapping[int, Signature]) -> list[Group]:
    """Every frame, in the given order (that of `shot_order`), as one of neighbouring groups.

    signatures: where frames are sharp (stacker.sequence), by index, of those looked at so far. Runs looked at
    as a whole are cut where the focus starts anew, and count as a bracket only if it moves on.
    """
    groups: list[Group] = []
    for start, end in _runs(frames):
        run = [signatures[index] for index in range(start, end) if index in signatures]
        length = end - start
        if len(run) < length or not FEWEST_FRAMES <= length <= MOST_FRAMES:
            groups.append(Group(start, end - 1, FEWEST_FRAMES <= length <= MOST_FRAMES))
            continue
        for first, last in _cut_at_restarts(run):
            is_bracket = last - first >= FEWEST_FRAMES and focus_moves_on(run[first:last])
            groups.append(Group(start + first, start + last - 1, is_bracket))
    return _joined(groups, frames)


def fits_together(a: FoundFrame, b: FoundFrame) -> bool:
    """Whether two frames can be of one bracket: same camera, size, lens and, about, exposure."""
    if a.maker != b.maker or a.setting != b.setting:
        return False
    light, other = a.facts.brightness, b.facts.brightness
    return light is None or other is None or abs(light - other) <= SAME_EXPOSURE_STOPS


def focus_moves_on(signatures: Sequence[Signature]) -> bool:
    """Whether the frames differ more the further apart they are: a burst of one focus does not."""
    if len(signatures) < FEWEST_FRAMES:
        return False
    distances = _distances(signatures)
    half = max(2, len(signatures) // 2)
    near, far = np.median(np.diagonal(distances, 1)), np.median(np.diagonal(distances, half))
    return bool(far > PROGRESS * near)


def _runs(frames: Sequence[FoundFrame]) -> list[tuple[int, int]]:
    """Start and end (excluded) of runs without a gap."""
    cuts = [at for at in range(1, len(frames)) if _apart(frames[at - 1], frames[at])]
    runs: list[tuple[int, int]] = []
    for start, end in pairwise([0, *cuts, len(frames)]):
        if end > start:
            runs += _cut_at_gaps([frame.facts.taken_s for frame in frames[start:end]], start)
    return runs


def _apart(a: FoundFrame, b: FoundFrame) -> bool:
    """Two neighbours that are certainly not of one bracket."""
    if not fits_together(a, b):
        return True
    when, then = a.facts.taken_s, b.facts.taken_s
    if when is None or then is None:  # names are all there is: flies_08.jpg is not followed by step01.jpg
        return when != then or (a.folder, _word(a.name)) != (b.folder, _word(b.name))
    return then - when > LONGEST_GAP_S


def _word(name: str) -> str:
    return "".join(letter for letter in name if not letter.isdigit()).casefold()


def _cut_at_gaps(times: Sequence[float | None], start: int) -> list[tuple[int, int]]:
    """Cut where an interval is long against the usual one, again within each piece."""
    known = [time for time in times if time is not None]
    if len(known) < len(times) or len(times) < 2:
        return [(start, start + len(times))]
    intervals = np.diff(np.asarray(known))
    limit = max(SHORTEST_GAP_S, GAP_OF_MEDIAN * float(np.median(intervals)))
    cuts = [int(at) + 1 for at in np.flatnonzero(intervals > limit)]
    if not cuts:
        return [(start, start + len(times))]
    pieces: list[tuple[int, int]] = []
    for first, last in pairwise([0, *cuts, len(times)]):
        pieces += _cut_at_gaps(times[first:last], start + first)
    return pieces


def _cut_at_restarts(signatures: Sequence[Signature]) -> list[tuple[int, int]]:
    """Cut where a frame is nearer to an earlier one than to the one before it, or to none at all."""
    distances = _distances(signatures)
    steps = np.diagonal(distances, 1)
    usual, long = float(np.median(steps)), float(np.percentile(steps, 75))
    cuts = [0]
    for at, step in enumerate(steps, start=1):
        if min(at - cuts[-1], len(signatures) - at) < FEWEST_FRAMES:
            continue
        nearest = float(np.min(distances[at, cuts[-1] : at - 1]))
        again = step > RESTART_OF_MEDIAN * usual and nearest < RESTART_NEARER * step
        if again or step > OTHER_SUBJECT * long:
            cuts.append(at)
    return list(pairwise([*cuts, len(signatures)]))


def _distances(signatures: Sequence[Signature]) -> NDArray[np.float64]:
    every = np.asarray(signatures, np.float64)
    return np.array([np.linalg.norm(every - one, axis=1) for one in every])


def _joined(groups: Sequence[Group], frames: Sequence[FoundFrame]) -> list[Group]:
    """Single pictures between two brackets as one group, as long as they are of one camera."""
    joined: list[Group] = []
    for group in groups:
        before = joined[-1] if joined else None
        same = before is not None and frames[before.last].maker == frames[group.first].maker
        if before is not None and same and not before.bracket and not group.bracket:
            joined[-1] = Group(before.first, group.last, bracket=False)
        else:
            joined.append(group)
    return joined
