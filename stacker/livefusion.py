"""A running result whose focus map is not complete yet: it is weighed anew whenever the map has learned more."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from stacker.alignment import Alignment
from stacker.errors import FrameError
from stacker.focusmap import FocusMap
from stacker.fusion import Fuser
from stacker.hotpixels import Defects, repaired
from stacker.looked import Looked
from stacker.methods import Method
from stacker.patches import Patch
from stacker.planes import Planes
from stacker.prior import Prior
from stacker.reweigh import Remembered, Reweighing
from stacker.settings import Prefer
from stacker.smallplanes import SmallPlanes
from stacker.state import FINE_LEVELS, RunningFusion
from stacker.survey import Surveyed
from stacker.view import AlignedFrame, FrameView

# The coarse levels follow at a distance: at most so many frames wait, and so many are taken in at a time.
_COARSE_WAIT, _COARSE_AT_ONCE = 12, 6


@dataclass(frozen=True)
class Guide:
    """The focus map at hand, and how frames are fused by it. focus, prior: None when the method needs none.

    up_to_date: the patches that are weighed by it already.
    """

    fuser: Fuser
    focus: FocusMap | None = None
    prior: Prior | None = None
    grid_level: int = 0
    up_to_date: set[Patch] = field(default_factory=set)


class LiveFusion:
    """Takes in frames one by one, each under the latest focus map.

    like: a frame of the bracket. reference: what the frames are seen from, its number in the survey. defects: are
    painted over. scratch: a folder for what waits; None to keep it in memory. Raises OSError when that is full, now and
    when a frame is added.
    """

    def __init__(
        self,
        like: Looked,
        reference: int,
        method: Method,
        prefer: Prefer,
        pool: Executor,
        defects: Defects,
        scratch: Path | None,
    ) -> None:
        source = like.opened
        exact = source.dtype.itemsize > 1
        self.running = RunningFusion(source.shape, source.chroma_shift, exact)
        self.reference = reference
        self.defects = defects
        self.fused: list[Alignment] = []  # the first slots of the focus map, as they were fused
        self.damaged: dict[int, str] = {}  # slot -> why it was left out
        self._method, self._prefer, self._pool = method, prefer, pool
        self._small = SmallPlanes(_COARSE_WAIT, scratch)
        self._waiting: deque[FrameView] = deque()  # that the small planes belong to
        self._coarse_by: tuple[int, Prior] | None = None  # slot that went in last, and what it was weighed by
        self._weighed_by: dict[Patch, Remembered] = {}  # the same of the finest levels
        self._last: dict[Patch, int] = {}

    def guided_by(self, found: Surveyed | None) -> Guide:
        """To go on by what a survey has found so far; None when the method needs no focus map."""
        if found is None:
            return Guide(Fuser(self.running, self._method, None, self._pool))
        # Three planes less: what weighs nothing, or not before the end.
        nothing = np.zeros_like(found.focus.empty)
        focus = replace(found.focus, confidence=found.focus.mixed, empty=nothing)
        prior = Prior(focus, self._method, found.grid_level, self.running.levels, self._prefer)
        focus = replace(focus, strength=nothing)
        return Guide(Fuser(self.running, self._method, prior, self._pool), focus, prior, found.grid_level)

    def add(self, looked: Looked, alignment: Alignment, guide: Guide) -> None:
        """Take in the frame at the next slot. One that is damaged is left out."""
        slot = len(self.fused)
        self.fused.append(alignment)
        try:
            planes = repaired(looked.opened.planes(looked.at), self.defects)
        except FrameError as error:  # its small copy could be decoded; or the card is gone by now
            self.damaged[slot] = str(error)
            return
        if guide.prior is not None:
            active = guide.fuser.active(slot)
            list(self._pool.map(lambda patch: self._bring_up_to_date(patch, guide), active))
            self._last.update(dict.fromkeys(active, slot))
        view = self._view(planes, slot)
        small = guide.fuser.add_fine(view)
        view = view.without_pixels()
        del planes  # its memory is needed now
        self._small.append(small)
        del small
        self._waiting.append(view)
        if len(self._waiting) == _COARSE_WAIT:
            self._add_coarse(_COARSE_AT_ONCE, guide)

    def complete(self, guide: Guide) -> RunningFusion:
        """Take in what waits; the running result of all frames."""
        self._weighed_by.clear()  # its memory is needed now
        self._add_coarse(len(self._waiting), guide)
        return self.running

    def _add_coarse(self, frames: int, guide: Guide) -> None:
        """Take in the coarse levels of the frames that have waited longest."""
        now = None if guide.prior is None else guide.prior.from_level(FINE_LEVELS + 1)
        if now is not None and self._coarse_by is not None:
            last, before = self._coarse_by
            Reweighing(self.running, self._method, before, now, last).coarse()
        for _ in range(frames):
            view = self._waiting.popleft()
            guide.fuser.add_coarse(view, self._small.take())
            self._coarse_by = None if now is None else (view.slot, now)

    def _bring_up_to_date(self, patch: Patch, guide: Guide) -> None:
        """Weigh what a patch holds by the map at hand."""
        if patch in guide.up_to_date:
            return
        assert guide.prior is not None
        assert guide.focus is not None
        if patch in self._last:
            before = self._weighed_by[patch].as_prior(self._method, self._prefer)
            Reweighing(self.running, self._method, before, guide.prior, self._last[patch]).fine(patch)
        self._weighed_by[patch] = Remembered(guide.focus, guide.grid_level, patch)
        guide.up_to_date.add(patch)

    def _view(self, planes: Planes, slot: int) -> FrameView:
        """A fused frame as the reference frame sees it."""
        alignment = self.fused[slot]
        return FrameView(AlignedFrame(planes, alignment.transform, alignment.gain, slot), self.running.shape)
