"""The second pass: every frame at full size into the running result, part by part, one frame at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from stacker import memory
from stacker.errors import CancelledError, FrameError, InputError, OutputError
from stacker.finish import finish, put_coarse_together, small_picture
from stacker.fusion import Fuser
from stacker.kernel.jpegs import Decoding
from stacker.looked import Looked
from stacker.memory import Plan
from stacker.methods import Method
from stacker.parts import OVERLAP_PX, Part, parts_of
from stacker.pieces import Pieces
from stacker.planes import Planes
from stacker.prior import Prior
from stacker.pyramid import level_count, padded_shape
from stacker.readahead import ReadAhead
from stacker.rowsbehind import RowsBehind
from stacker.saying import say
from stacker.settings import Prefer
from stacker.state import RunningFusion
from stacker.survey import Surveyed
from stacker.validarea import Rectangle
from stacker.view import AlignedFrame, FrameView

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]
Preview = Callable[[Planes], object]  # what it returns is of no interest

_ROWS_AT_ONCE = 256  # that are put together: what this needs besides the picture stays small


@dataclass
class Standing:
    """How far a second pass has come: everything that is needed to go on from there."""

    running: RunningFusion
    bands: int  # that the finest levels are divided into, see stacker.parts
    part: int = 0  # the one at work
    done: int = 0  # frames of that part
    pieces: Pieces = field(default_factory=Pieces)  # of the picture, from the top
    damaged: dict[int, str] = field(
        default_factory=dict
    )  # place among the frames fused -> why it was left out


class Keeper(Protocol):
    """Somebody who keeps a copy of the standing, now and then, in case the power fails."""

    def keep(self, standing: Standing, at_once: bool = False) -> None:
        """Called after every frame; at_once when the work stops here."""
        ...


@dataclass(frozen=True)
class SecondPass:
    """What to fuse, and how. frames: those that fit the reference frame, by their slots of the focus map."""

    frames: Sequence[Looked]
    found: Surveyed
    method: Method
    plan: Plan
    area: Rectangle
    prefer: Prefer = "none"
    scratch: Path | None = None  # a folder for what need not be in memory meanwhile
    repair: Callable[[Planes], Planes] = lambda planes: planes

    def start(self) -> Standing:
        """Nothing fused yet."""
        source = self.frames[0].opened
        first = self._parts(self.plan.bands)[0]
        exact = source.dtype.itemsize > 1
        running = RunningFusion(source.shape, source.chroma_shift, exact, first.held)
        return Standing(running, self.plan.bands, pieces=self.room(self.plan.bands))

    def room(self, bands: int) -> Pieces:
        """Where the picture's pieces go."""
        return Pieces(self.scratch if bands > 1 else None)

    def run(
        self,
        standing: Standing,
        progress: Progress,
        cancelled: Cancelled,
        preview: Preview | None = None,
        keeper: Keeper | None = None,
    ) -> Planes:
        """Go on to the end: the fused picture, cropped to the area.

        Raises CancelledError, and InputError when no frame could be decoded at full size.
        """
        running = standing.running
        parts = self._parts(standing.bands)
        prior = None
        if self.method.depth:
            focus, level = self.found.focus, self.found.grid_level
            prior = Prior(focus, self.method, level, running.levels, self.prefer)
        total = len(parts) * len(self.frames)
        with ThreadPoolExecutor(self.plan.threads) as pool:
            while standing.part < len(parts):
                part = parts[standing.part]
                if standing.done == 0 and standing.part > 0:
                    running.move_to(part.held)
                fuser = Fuser(running, self.method, prior, pool, part, self.plan.threads)
                frames = ReadAhead(self._planes, pool if self.plan.threads > 1 else None)
                while standing.done < len(self.frames):
                    if cancelled():
                        if keeper is not None:
                            keeper.keep(standing, at_once=True)
                        raise CancelledError("the stack was cancelled")
                    self._add(fuser, standing, frames)
                    standing.done += 1
                    progress(standing.part * len(self.frames) + standing.done, total, "fusing")
                    if preview is not None and part.coarse and running.frames:
                        preview(small_picture(running, self.method, prior))
                    if keeper is not None:
                        keeper.keep(standing)
                if not running.frames:
                    raise InputError(
                        say(
                            "stacker.none_decoded",
                            "no frame can be decoded; the first: {reason}",
                            reason=standing.damaged[0],
                        )
                    )
                del fuser, frames  # their memory is needed now
                memory.trim()
                self._finish(standing, part, prior)
                memory.trim()
                standing.part, standing.done = standing.part + 1, 0
        running.move_to((0, 0))  # its memory is needed now
        memory.trim()
        return standing.pieces.joined()

    def _add(self, fuser: Fuser, standing: Standing, frames: ReadAhead[Planes]) -> None:
        slot = standing.done
        if not self._wanted(fuser, standing, slot):
            return
        alignment = self.found.alignments[self.found.fitting[slot]]
        try:
            planes = frames.take(slot)
        except FrameError as error:  # its small copy could be decoded; or the card is gone by now
            standing.damaged[slot] = error.said
            return
        view = FrameView(AlignedFrame(planes, alignment.transform, alignment.gain, slot), fuser.running.shape)
        following = (later for later in range(slot + 1, len(self.frames)))
        after = next((later for later in following if self._wanted(fuser, standing, later)), None)
        decoding = None if after is None or self.plan.threads == 1 else self._begin(after)
        behind = None if decoding is None else RowsBehind(decoding, planes)
        small = fuser.add_fine(view, behind)
        view = view.without_pixels()
        del planes  # the memory is for the next frame; what the patches took, too
        memory.trim()
        if after is not None:
            frames.begin(after, None if behind is None else partial(self._rest, after, behind))
        if small:
            fuser.add_coarse(view, small)

    def _wanted(self, fuser: Fuser, standing: Standing, slot: int) -> bool:
        return slot not in standing.damaged and fuser.needs(slot)

    def _planes(self, slot: int) -> Planes:
        frame = self.frames[slot]
        return self.repair(frame.opened.planes(frame.at))

    def _begin(self, slot: int) -> Decoding | None:
        frame = self.frames[slot]
        return frame.opened.begin(frame.at)

    def _rest(self, slot: int, behind: RowsBehind) -> Planes:
        """A frame that is decoded for the most part. Damaged, it is read anew: that says how."""
        planes = behind.finish()
        return self._planes(slot) if planes is None else self.repair(planes)

    def _finish(self, standing: Standing, part: Part, prior: Prior | None) -> None:
        """Put together what a part has made ready, some rows at a time.

        On one thread: these are many small calls, and two threads take as long, waiting for Python's lock.
        """
        x, y, width, height = self.area
        top, bottom = part.ready(standing.running.canvas)
        top, bottom = max(top, y), min(bottom, y + height)
        if bottom <= top:
            return
        coarse = put_coarse_together(standing.running, self.method, prior)
        memory.trim()
        for first in range(top, bottom, _ROWS_AT_ONCE):
            end = min(first + _ROWS_AT_ONCE, bottom)
            area = x, first, width, end - first
            try:
                standing.pieces.append(finish(standing.running, self.method, prior, area, coarse))
            except OSError as error:
                raise OutputError(
                    f"the picture cannot be put aside in {self.scratch}: {error.strerror}"
                ) from error
            if part.bottom == standing.running.canvas[0]:  # no other part needs these rows
                standing.running.forget_above(end - OVERLAP_PX)

    def _parts(self, bands: int) -> list[Part]:
        shape = self.frames[0].opened.shape
        return parts_of(padded_shape(shape, level_count(shape)), bands)
