"""A running result whose focus map is not complete yet: it is weighed anew whenever the map has learned more."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np

from stacker import memory
from stacker.alignment import Alignment
from stacker.errors import FrameError
from stacker.focusmap import FocusMap
from stacker.fusion import Fuser
from stacker.hotpixels import Defects, repair_rows, repaired
from stacker.kernel.finest import FinestWeights
from stacker.looked import Looked
from stacker.methods import Method
from stacker.patches import Patch
from stacker.planes import Planes
from stacker.prior import Prior
from stacker.reweigh import Remembered, Reweighing
from stacker.rowsahead import RowsAhead
from stacker.settings import Prefer
from stacker.smallplanes import Kept, SmallPlanes
from stacker.state import FINE_LEVELS, RunningFusion
from stacker.survey import Surveyed
from stacker.view import AlignedFrame, FrameView

# The coarse levels follow at a distance: at most so many frames wait, and so many are left to wait then.
_COARSE_WAIT, _COARSE_FOLLOWS = 12, 6


@dataclass(frozen=True)
class Guide:
    """The focus map at hand, and how frames are fused by it. focus, prior: None when the method needs none.

    up_to_date: the patches that are weighed by it already.
    """

    fuser: Fuser
    focus: FocusMap | None = None
    prior: Prior | None = None
    grid_level: int = 0
    weights: FinestWeights | None = None  # None without the kernel
    up_to_date: set[Patch] = field(default_factory=set)


class LiveFusion:
    """Takes in frames one by one, each under the latest focus map.

    like: a frame of the bracket. reference: what the frames are seen from, its number in the survey. defects: are
    painted over. scratch: a folder for what waits; None to keep it in memory. threads: of the pool. Raises OSError when
    that folder is full, now and when a frame is added.
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
        threads: int = 1,
    ) -> None:
        source = like.opened
        exact = source.dtype.itemsize > 1
        self.running = RunningFusion(source.shape, source.chroma_shift, exact)
        self.reference = reference
        self.defects = defects
        self.fused: list[Alignment] = []  # the first slots of the focus map, as they were fused
        self.damaged: dict[int, str] = {}  # slot -> why it was left out
        self._method, self._prefer, self._pool = method, prefer, pool
        self._threads = threads
        self._reweighs = Lock()
        self._small = SmallPlanes(_COARSE_WAIT, scratch)
        self._waiting: deque[FrameView] = deque()  # that the small planes belong to
        self._coarse_by: tuple[int, Prior] | None = None  # slot that went in last, and what it was weighed by
        self._weighed_by: dict[Patch, Remembered] = {}  # the same of the finest levels
        self._last: dict[Patch, int] = {}

    def guided_by(self, found: Surveyed | None) -> Guide:
        """To go on by what a survey has found so far; None when the method needs no focus map."""
        if found is None:
            return Guide(self._fuser(None))
        # Three planes less: what weighs nothing, or not before the end.
        nothing = np.zeros_like(found.focus.empty)
        focus = replace(found.focus, confidence=found.focus.mixed, empty=nothing)
        prior = Prior(focus, self._method, found.grid_level, self.running.levels, self._prefer)
        focus = replace(focus, strength=nothing)
        fuser = self._fuser(prior)
        return Guide(fuser, focus, prior, found.grid_level, fuser.finest_weights())

    def _fuser(self, prior: Prior | None) -> Fuser:
        return Fuser(self.running, self._method, prior, self._pool, threads=self._threads)

    def add(self, looked: Looked, alignment: Alignment, guide: Guide, to_come: int | None = None) -> None:
        """Take in the frame at the next slot. One that is damaged is left out.

        to_come: as many are still to be surveyed, if that is known: before the last one, the coarse levels catch up.
        Raises DamagedRowsError when damage shows in the middle of a frame, by which this result is spoiled.
        """
        slot = len(self.fused)
        self.fused.append(alignment)
        decoding = looked.opened.begin(looked.at)
        rows = None
        try:
            if decoding is None:
                planes = repaired(looked.opened.planes(looked.at), self.defects)
            else:
                rows = RowsAhead(decoding, looked.opened.shape, self._repair, self._threads)
                planes = rows.planes
        except FrameError as error:  # its small copy could be decoded; or the card is gone by now
            self.damaged[slot] = str(error)
            return
        view = self._view(planes, slot)
        before = None if guide.prior is None else partial(self._bring_up_to_date, guide=guide, slot=slot)
        small = guide.fuser.add_fine(view, rows, before)
        if rows is not None:
            rows.finish()
        view = view.without_pixels()
        del planes, rows  # their memory is needed now
        self._small.append(small)
        self._waiting.append(view)
        if len(self._waiting) >= (_COARSE_WAIT if to_come != 1 else _COARSE_FOLLOWS + 1):
            self._add_coarse(len(self._waiting) - _COARSE_FOLLOWS, guide, small)

    def _repair(self, planes: Planes, first: int, end: int) -> None:
        repair_rows(planes, self.defects, first, end)

    def complete(self, guide: Guide) -> RunningFusion:
        """Take in what waits; the running result of all frames."""
        self._weighed_by.clear()  # its memory is needed now
        self._add_coarse(len(self._waiting), guide)
        return self.running

    def _add_coarse(self, frames: int, guide: Guide, room: list[Kept] | None = None) -> None:
        """Take in the coarse levels of the frames that have waited longest. room: see SmallPlanes.take."""
        memory.trim()
        now = None if guide.prior is None else guide.prior.from_level(FINE_LEVELS + 1)
        if now is not None and self._coarse_by is not None:
            last, before = self._coarse_by
            Reweighing(self.running, self._method, before, now, last).coarse()
            memory.trim()
        for _ in range(frames):
            view = self._waiting.popleft()
            room = self._small.take(room)
            guide.fuser.add_coarse(view, room)
            self._coarse_by = None if now is None else (view.slot, now)

    def _bring_up_to_date(self, patch: Patch, guide: Guide, slot: int) -> None:
        """Weigh what a patch holds by the map at hand, before the frame at that slot is taken in there."""
        if patch not in guide.up_to_date:
            with (
                self._reweighs
            ):  # two threads at so many small calls would do little but wait for Python's lock
                self._weigh_anew(patch, guide)
        self._last[patch] = slot

    def _weigh_anew(self, patch: Patch, guide: Guide) -> None:
        assert guide.prior is not None
        assert guide.focus is not None
        if patch in self._last:
            then, last = self._weighed_by[patch], self._last[patch]
            if guide.weights is not None:
                place = patch.top, patch.left, patch.bottom, patch.right
                guide.weights.weigh_anew(*place, then.maps(self._method), last)
            else:
                before = then.as_prior(self._method, self._prefer)
                Reweighing(self.running, self._method, before, guide.prior, last).fine(patch)
        self._weighed_by[patch] = Remembered(guide.focus, guide.grid_level, patch)
        guide.up_to_date.add(patch)

    def _view(self, planes: Planes, slot: int) -> FrameView:
        """A fused frame as the reference frame sees it."""
        alignment = self.fused[slot]
        return FrameView(AlignedFrame(planes, alignment.transform, alignment.gain, slot), self.running.shape)
