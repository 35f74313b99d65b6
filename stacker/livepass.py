"""A second pass that does not wait for the last frame: it follows the survey at a distance of a frame or two.

A frame is fused under what the focus map says when the frame behind it has been surveyed too; what is fused already is
first weighed anew where the map has learned more (stacker.reweigh). The coarse levels, a small part of the work, follow
at a greater distance (stacker.smallplanes). When the last frame has come, two or three frames are left to be fused,
with the final map.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stacker import memory
from stacker.errors import CancelledError
from stacker.hotpixels import Defects
from stacker.livefusion import Guide, LiveFusion
from stacker.looked import Looked
from stacker.methods import Method
from stacker.settings import Prefer
from stacker.survey import Survey, Surveyed

_AHEAD = 1  # frames behind a frame that must be surveyed before it is fused


@dataclass
class LivePass:
    """Decides when which frame of a bracket that is being shot is fused.

    frames: all that came so far, in shot order. scratch: see LiveFusion. What is fused is given up, and begun anew,
    when the frames turn out to lie otherwise than was thought.
    """

    survey: Survey
    frames: Sequence[Looked]
    method: Method
    prefer: Prefer
    threads: int
    scratch: Path | None = None
    _fusion: LiveFusion | None = None
    _guide: Guide | None = None
    _known: int = 0  # frames that the focus map at hand is made from
    _pool: ThreadPoolExecutor = field(init=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads)

    def step(self, reference: int, defects: Defects, to_come: int | None) -> bool:
        """Fuse one more frame, if one is due; whether there was one.

        reference: number in the survey. defects: pixels to be painted over. to_come: how many frames are still to be
        surveyed; None when nobody knows. Raises OSError when there is no room to put anything aside.
        """
        fitting = self.survey.fitting(reference)
        if not fitting or to_come == 0:
            return False
        fusion = self._fusion_of(reference, defects)
        done = len(fusion.fused)
        guide = self._guide if self._known > done + _AHEAD else self._next_guide(fusion, fitting, to_come)
        if guide is None or done == len(fitting):
            return False
        index = fitting[done]
        fusion.add(self._looked(index), self.survey.alignment(index, reference), guide, to_come)
        # A map that is of no more use need not stay in memory.
        self._guide = guide if self._known > done + 1 + _AHEAD else None
        memory.trim()
        return True

    def agrees(self, reference: int, defects: Defects) -> bool:
        """Whether what is fused lies as the complete survey says, and is most of the bracket."""
        fusion = self._fusion
        return (
            fusion is not None
            and 2 * len(fusion.fused) >= len(self.survey.fitting(reference))
            and self._holds(fusion, reference, defects)
        )

    def complete(
        self, found: Surveyed, progress: Callable[[int, int, str], None], cancelled: Callable[[], bool]
    ) -> LiveFusion:
        """Fuse the rest; found: by the complete survey. Raises CancelledError, OSError."""
        fusion = self._fusion
        assert fusion is not None
        guide = fusion.guided_by(found if self.method.depth else None)
        with self._pool:
            for index in found.fitting[len(fusion.fused) :]:
                if cancelled():
                    raise CancelledError("the stack was cancelled")
                fusion.add(self._looked(index), found.alignments[index], guide)
                progress(len(fusion.fused), len(found.fitting), "fusing")
            fusion.complete(guide)
        return fusion

    def _next_guide(self, fusion: LiveFusion, fitting: Sequence[int], to_come: int | None) -> Guide | None:
        """What to fuse the next frame by; None while too little is known."""
        if not self.method.depth:
            return fusion.guided_by(None)
        done = len(fusion.fused)
        at_once = 2  # maps are dear: one serves two frames
        if to_come is not None and (len(fitting) + to_come - done) % 2:
            at_once = 1  # so that two are left at the end
        if len(fitting) < done + at_once + _AHEAD:
            return None
        self._known = len(fitting)
        memory.trim()
        found = self.survey.result(fusion.reference, ahead=True)
        memory.trim()
        guide = fusion.guided_by(found)
        del found
        memory.trim()
        return guide

    def _fusion_of(self, reference: int, defects: Defects) -> LiveFusion:
        """The one at work, or a new one when that would be another now."""
        fusion = self._fusion
        if fusion is None or not self._holds(fusion, reference, defects):
            fusion = self._fusion = self._guide = None  # their memory is needed now
            self._known = 0
            like = self._looked(reference)
            self._fusion = fusion = LiveFusion(
                like, reference, self.method, self.prefer, self._pool, defects, self.scratch, self.threads
            )
        return fusion

    def _holds(self, fusion: LiveFusion, reference: int, defects: Defects) -> bool:
        """Whether what is fused would be fused the same way now."""
        fitting = self.survey.fitting(reference)
        if reference != fusion.reference or len(fitting) < len(fusion.fused):
            return False
        for index, then in zip(fitting, fusion.fused, strict=False):
            now = self.survey.alignment(index, reference)
            same = now.index == then.index and np.array_equal(now.transform, then.transform)
            if not same or not np.array_equal(now.gain, then.gain):
                return False
        return _all_in(defects, fusion.defects)

    def _looked(self, number: int) -> Looked:
        """A frame by its number in the survey."""
        return next(frame for frame in self.frames if frame.slot == number)


def _all_in(some: Defects, others: Defects) -> bool:
    known = set(zip(others.rows.tolist(), others.columns.tolist(), strict=True))
    return known.issuperset(zip(some.rows.tolist(), some.columns.tolist(), strict=True))
