"""A stack in the making: two passes over the frames, one frame at a time.

The survey looks at a small copy of every frame: how it lies, and where it is sharp. The fusion takes each frame at
full size into a running result and drops it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import memory, reporting
from stacker.align import Alignment, valid_area
from stacker.aligned import aligned_planes
from stacker.checkpoint import Checkpoint, Survived
from stacker.coverage import coverage
from stacker.errors import CancelledError, FrameError, FrameShapeError, InputError
from stacker.finish import finish
from stacker.frames import FrameSource
from stacker.freememory import free_mb
from stacker.fusion import Fuser
from stacker.hotpixels import Defects, StuckPixels, no_defects, paint_over_into, repaired
from stacker.livepass import LivePass
from stacker.looked import Looked
from stacker.memory import Plan
from stacker.methods import METHODS
from stacker.planes import Planes, from_bgr
from stacker.report import Coverage, FrameReport, Report
from stacker.result import FuseResult
from stacker.saying import say
from stacker.secondpass import Cancelled, Preview, Progress, SecondPass, Standing
from stacker.sequence import better_order, order_of_focus
from stacker.settings import StackSettings
from stacker.sharpsofar import as_grey
from stacker.slabs import slab_of, slab_ranges
from stacker.state import RunningFusion
from stacker.survey import Survey, Surveyed, energy_of, survey_scale
from stacker.transforms import to_low
from stacker.transformsfile import KnownAligner
from stacker.validarea import Rectangle
from stacker.view import AlignedFrame

__all__ = ["Cancelled", "FuseResult", "Progress", "Stack", "never", "no_progress"]

Glimpse = tuple[NDArray[Any], NDArray[Any]]  # a small copy of a frame, and its focus measure

_GROWING_STEP = 4  # the growing picture is this many times smaller than the frames


def no_progress(done: int, total: int, what: str) -> None:
    """Tells nobody."""


def never() -> bool:
    """Goes on."""
    return False


@dataclass
class Stack:
    """One stack in the making: `look` at the frames in shot order, then `fuse`.

    growing: keep a small fused picture of the frames looked at so far, for `growing_picture`.
    scratch: a folder for what need not be in memory meanwhile, where that is short; None to keep it there.
    known: transforms found before, to be used instead of looking for them.
    defects: pixels known to be hot; those that show in the frames themselves are added.
    slab: so many neighbouring frames are fused on their own too, see `fuse`.
    live: the bracket is being shot; its frames may be fused while others are still to come, see `advance`. They are
    then seen from the first one, unless another one is asked for.
    """

    settings: StackSettings = field(default_factory=StackSettings)
    growing: bool = False
    scratch: Path | None = None
    known: KnownAligner | None = None
    defects: Defects = field(default_factory=no_defects)
    slab: int | None = None
    live: bool = False
    _stuck: StuckPixels | None = None
    _frames: list[Looked] = field(default_factory=list)
    _survey: Survey | None = None
    _shape: tuple[int, int] | None = None
    _plan: Plan | None = None
    _survived: Survived | None = None
    _grown: RunningFusion | None = None
    _live_pass: LivePass | None = None
    _defects_of: tuple[int, int, Defects] | None = None  # frames surveyed, reference, and those known by then
    _seconds: dict[str, float] = field(default_factory=dict)

    def look(self, source: FrameSource, at: int, glimpse: Callable[[], Glimpse] | None = None) -> FrameReport:
        """Survey one more frame. A frame that cannot be read is reported as left out, with the reason.

        glimpse: gives what self.glimpse would. Raises MemoryLimitError, before the first frame is read, when the limit
        cannot be met.
        """
        looked = Looked(source, at, source.names[at])
        self._frames.append(looked)
        index = len(self._frames) - 1
        with self._timed("survey"), one_opencv_thread():
            try:
                survey = self._survey_for(source)
                if self._live_pass is not None:
                    memory.trim()  # of which little is left beside what is fused
                low, energy = self.glimpse(source, at) if glimpse is None else glimpse()
                if self.settings.hot_pixels == "auto":
                    self._stuck = self._stuck or StuckPixels(survey.scale)
                    self._stuck.look(low)
                looked.slot = len(survey)
                small = survey.to_align(low)
                growing = self._to_grow(low) if self.growing else small
                del low  # its memory is needed now
                relative = survey.add_small(small, energy)
            except FrameError as error:
                looked.slot, looked.reason = None, error.said
                if self.known is not None:
                    self.known.skip()
                return FrameReport(index, looked.name, False, looked.reason)
            if self.growing and relative.reason is None:
                self._grow(growing, looked.slot)
        return FrameReport(
            index, looked.name, relative.reason is None, relative.reason, sharpness=survey.sharpness[-1]
        )

    def glimpse(self, source: FrameSource, at: int) -> Glimpse:
        """What the survey needs of a frame, and no other frame for. Raises FrameError."""
        scale = survey_scale(source.shape)
        low = source.low(at, scale)
        paint_over_into(low, self.defects.at(scale))
        return low, energy_of(low)

    @property
    def threads(self) -> int:
        """How many threads may work at a time."""
        return self._plan.threads if self._plan is not None else self.settings.most_threads

    def advance(self, expected: int | None = None) -> bool:
        """Fuse one more frame while others are still to come, if one is due; whether there was one.

        To be asked while nothing else is to do. expected: frames there will be in the end, when known.
        """
        survey = self._survey
        if not self.live or survey is None or not len(survey):
            return False
        try:
            reference = self._reference(survey, first=True)
        except InputError:  # it is still to come
            return False
        assert reference.slot is not None
        to_come = None if expected is None or expected < len(self._frames) else expected - len(self._frames)
        with one_opencv_thread(), self._timed("fusion"):
            try:
                self._live_pass = self._live_pass or self._start_live_pass(survey)
                return self._live_pass.step(
                    reference.slot, self._defects_seen(survey, reference.slot), to_come
                )
            except OSError:  # no room to put anything aside: all frames are fused at the end
                self.live, self._live_pass = False, None
                return False

    def order_of_focus(self, if_better: bool = True) -> list[int] | None:
        """The frames in the order of their focus, those that cannot be read at the end; None if they have it already.

        if_better: only when the order they were given in is clearly another one. To be asked before `fuse`.
        """
        if self._survey is None:
            return None
        signatures = self._survey.signatures
        slots = better_order(signatures) if if_better else order_of_focus(signatures)
        if slots is None or slots == sorted(slots):
            return None
        place = {frame.slot: index for index, frame in enumerate(self._frames) if frame.slot is not None}
        return [place[slot] for slot in slots] + [
            index for index, frame in enumerate(self._frames) if frame.slot is None
        ]

    def leave_out(self, name: str, reason: str) -> FrameReport:
        """Count a frame that cannot even be opened: the frames after it keep their numbers."""
        self._frames.append(Looked(None, 0, name, reason=reason))
        if self.known is not None:
            self.known.skip()
        return FrameReport(len(self._frames) - 1, name, False, reason)

    def growing_picture(self) -> Planes | None:
        """The frames looked at so far, fused at a quarter of their size; None before the first."""
        if self._grown is None or not self._grown.frames:
            return None
        with one_opencv_thread():
            whole = (0, 0, self._grown.shape[1], self._grown.shape[0])
            return finish(self._grown, METHODS["pyramid"], None, whole)

    def growing_depth(self, expected: int | None = None) -> NDArray[np.uint8] | None:
        """What of the growing picture is sharp already, in which of the expected frames: 1 the first, 255 the last.

        0 where nothing is sharp yet. Smaller than the picture, and of its form. None before two frames fit together.
        """
        with one_opencv_thread():
            known = None if self._survey is None else self._survey.sharp_so_far()
            if known is None:
                return None
            slots, depth = known
            used = [frame for frame in self._frames if frame.slot in slots]
            frames = max(expected or 0, len(self._frames))  # a bracket may be extended
            return as_grey(self._original_index(depth, used), frames)

    def fuse(
        self,
        progress: Progress = no_progress,
        cancelled: Cancelled = never,
        preview: Preview | None = None,
        keeper: Checkpoint | None = None,
        write_slab: Callable[[int, Planes], None] | None = None,
    ) -> FuseResult:
        """Fuse everything looked at. preview is called with a quarter-size picture now and then.

        keeper: saves how far the work has come. write_slab: takes the picture of each slab, numbered from 1, before
        the whole is fused. Raises InputError when no frame could be read, CancelledError.
        """
        reference, found = self._end_of_survey()
        if sum(frame.slot is not None for frame in self._frames) == 1:
            return self._single(reference, found)
        if keeper is not None:
            keeper.know(self._frames, reference, found, self.defects)
        pass_ = self._second_pass(reference, found)
        if self.slab is not None and write_slab is not None and self._survived is None:
            self._fuse_slabs(pass_, self.slab, write_slab, progress, cancelled)
        standing = self._standing(pass_, progress, cancelled)
        with one_opencv_thread(), self._timed("fusion"):
            planes = pass_.run(standing, progress, cancelled, preview, keeper)
        for slot, reason in standing.damaged.items():
            pass_.frames[slot].reason = reason
        return FuseResult(
            planes,
            self._original_index(found.focus.depth, pass_.frames),
            found.focus.confidence.astype(np.float32),
            found.grid_level,
            self._report(reference, found, pass_),
            self.threads,
        )

    def _standing(self, pass_: SecondPass, progress: Progress, cancelled: Cancelled) -> Standing:
        """How far the second pass has come already."""
        if self._survived is not None:
            return self._survived.standing(pass_)
        if self._live_pass is not None:
            live, self._live_pass = self._live_pass, None
            try:
                with one_opencv_thread(), self._timed("fusion"):
                    fusion = live.complete(pass_.found, progress, cancelled)
                return Standing(fusion.running, bands=1, done=len(pass_.frames), damaged=fusion.damaged)
            except OSError:  # what was put aside is lost
                del live
        return pass_.start()

    def _fuse_slabs(
        self,
        whole: SecondPass,
        size: int,
        write: Callable[[int, Planes], None],
        progress: Progress,
        cancelled: Cancelled,
    ) -> None:
        ranges = slab_ranges(len(whole.frames), size)
        if len(ranges) == 1:
            return  # the whole is the only slab
        for number, (first, end) in enumerate(ranges, start=1):
            slab = slab_of(whole, first, end)
            what = f"slab {number} of {len(ranges)}"
            with one_opencv_thread(), self._timed("slabs"):
                write(number, slab.run(slab.start(), _named(progress, what), cancelled))

    def align(
        self,
        write: Callable[[Looked, Planes], None],
        progress: Progress = no_progress,
        cancelled: Cancelled = never,
    ) -> Report:
        """Instead of fusing: hand over every frame as the reference frame sees it, cropped, one at a time.

        Raises InputError when no frame could be read, CancelledError.
        """
        reference, found = self._end_of_survey()
        pass_ = self._second_pass(reference, found)
        for count, (frame, slot) in enumerate(zip(pass_.frames, found.fitting, strict=True)):
            if cancelled():
                raise CancelledError("the work was cancelled")
            alignment = found.alignments[slot]
            try:
                planes = repaired(frame.opened.planes(frame.at), self.defects)
            except FrameError as error:
                frame.reason = error.said
                continue
            lying = AlignedFrame(planes, alignment.transform, alignment.gain, count)
            with one_opencv_thread(), self._timed("aligning"):
                write(frame, aligned_planes(lying, frame.opened.shape, pass_.area))
            progress(count + 1, len(pass_.frames), "writing")
        return self._report(reference, found, pass_)

    def _report(self, reference: Looked, found: Surveyed, pass_: SecondPass) -> Report:
        verdict = coverage(found.focus, len(pass_.frames))
        return reporting.report(
            self._frames, reference, found, verdict, self.settings.method, pass_.area, self._seconds
        )

    def take_up(self, source: FrameSource, survived: Survived) -> bool:
        """Instead of looking at the frames: go on from a checkpoint. False if that needs more memory than there is.

        Raises MemoryLimitError.
        """
        plan = self._planned(source)
        if survived.bands < plan.bands:
            return False
        self._shape, self._plan, self._survived = source.shape, plan, survived
        self.defects = survived.defects
        self._frames = [
            Looked(source, at, source.names[at], slot, reason)
            for at, (slot, reason) in enumerate(zip(survived.slots, survived.reasons, strict=True))
        ]
        return True

    def _end_of_survey(self) -> tuple[Looked, Surveyed]:
        if self._survived is not None:
            return self._frames[self._survived.reference], self._survived.found
        if self._survey is None or not len(self._survey):
            raise InputError(_nothing_usable(self._frames))
        reference = self._reference(self._survey, first=self._live_pass is not None)
        assert reference.slot is not None
        defects = self._defects_seen(self._survey, reference.slot)
        if self._live_pass is not None and not self._live_pass.agrees(reference.slot, defects):
            # Fused in vain: the frames lie otherwise than was thought, or came too fast.
            self._live_pass = None
            return self._end_of_survey()
        with self._timed("focus map"):
            found = self._survey.result(reference.slot, last=True)
            confidence = found.focus.confidence.astype(np.float16)  # not needed before the end
            found = replace(found, focus=replace(found.focus, confidence=confidence))
        self.defects = defects
        self._survey = self._grown = self._stuck = None  # their memory is needed now
        memory.trim()
        return reference, found

    def _defects_seen(self, survey: Survey, reference: int) -> Defects:
        """The hot pixels known so far, seen from a frame or not."""
        if self._stuck is None:
            return self.defects
        if self._defects_of is None or self._defects_of[:2] != (len(survey), reference):
            lie = [survey.alignment(index, reference).transform for index in survey.fitting(reference)]
            self._defects_of = len(survey), reference, self.defects.joined(self._stuck.found(lie))
        return self._defects_of[2]

    def _start_live_pass(self, survey: Survey) -> LivePass:
        assert self._plan is not None
        return LivePass(
            survey,
            self._frames,
            METHODS[self.settings.method],
            self.settings.prefer,
            self._plan.threads,
            self.scratch,
        )

    def _second_pass(self, reference: Looked, found: Surveyed) -> SecondPass:
        assert self._plan is not None
        readable = [frame for frame in self._frames if frame.slot is not None]
        return SecondPass(
            [readable[slot] for slot in found.fitting],
            found,
            METHODS[self.settings.method],
            self._plan,
            self._area(reference.opened, [found.alignments[slot] for slot in found.fitting]),
            self.settings.prefer,
            self.scratch,
            lambda planes: repaired(planes, self.defects),
        )

    def _survey_for(self, source: FrameSource) -> Survey:
        if self._survey is None:
            self._shape = source.shape
            self._plan = self._planned(source)
            self._survey = Survey(source.shape, self.settings.align, self.known)
            self.live = self.live and self._has_room_to_be_live(source, self._plan)
        if source.shape != self._shape:
            raise FrameShapeError(
                say(
                    "frame.other_size",
                    "{name}: is {size} pixels, the first frame {first}",
                    name=source.names[0],
                    size=f"{source.shape[1]}×{source.shape[0]}",
                    first=f"{self._survey.shape[1]}×{self._survey.shape[0]}",
                )
            )
        return self._survey

    def _planned(self, source: FrameSource) -> Plan:
        return memory.plan_within(
            self.settings.memory_limit_mb,
            source.shape,
            source.chroma_shift,
            source.dtype.itemsize,
            self.threads,
        )

    def _has_room_to_be_live(self, source: FrameSource, plan: Plan) -> bool:
        limit = self.settings.memory_limit_mb
        available = free_mb() if limit is None else limit
        whole = source.begin(0) is None
        kind = source.shape, source.chroma_shift, source.dtype.itemsize, plan.threads, whole
        return plan.bands == 1 and (available is None or memory.live_needed_mb(*kind) <= available)

    def _to_grow(self, low: NDArray[Any]) -> NDArray[Any]:
        """A small copy at the size of the growing picture."""
        assert self._survey is not None
        step = max(_GROWING_STEP // self._survey.scale, 1)
        size = low.shape[1] // step, low.shape[0] // step
        return np.asarray(cv2.resize(low, size, interpolation=cv2.INTER_AREA))

    def _grow(self, small: NDArray[Any], slot: int) -> None:
        assert self._survey is not None
        step = max(_GROWING_STEP // self._survey.scale, 1)
        planes = from_bgr(small, chroma_shift=1)
        if self._grown is None:
            self._grown = RunningFusion(planes.shape, 1, exact=planes.bit_depth > 8)
        alignment = self._survey.against_first(slot)
        if alignment.used:
            transform = to_low(alignment.transform, step * self._survey.scale)
            with ThreadPoolExecutor(1) as pool:
                fuser = Fuser(self._grown, METHODS["pyramid"], None, pool)
                fuser.add(AlignedFrame(planes, transform, alignment.gain, slot))

    def _reference(self, survey: Survey, first: bool = False) -> Looked:
        """The frame that the others are seen from; first: the first one that fits, if it may be any."""
        wanted = self.settings.align.reference
        if wanted is None:
            slot = survey.first_of_most() if first else survey.suggest_reference()
            return next(frame for frame in self._frames if frame.slot == slot)
        if wanted >= len(self._frames):
            raise InputError(
                f"reference frame {wanted} does not exist; there are {len(self._frames)} frames, from 0"
            )
        if self._frames[wanted].slot is None:
            raise InputError(f"reference frame {wanted} cannot be used: {self._frames[wanted].reason}")
        return self._frames[wanted]

    def _single(self, only: Looked, found: Surveyed) -> FuseResult:
        planes = repaired(only.opened.planes(only.at), self.defects)
        area = (0, 0, planes.shape[1], planes.shape[0])
        verdict = Coverage("unknown", 0.0, 0.0, "one frame says nothing about what lies before or behind it")
        nothing = np.zeros((1, 1), np.float32)
        report = reporting.report(
            self._frames, only, found, verdict, self.settings.method, area, self._seconds
        )
        return FuseResult(planes, nothing, nothing, 0, report)

    def _area(self, source: FrameSource, alignments: list[Alignment]) -> Rectangle:
        """The valid area, on even pixels where chroma has half the size; the whole frame without crop."""
        height, width = source.shape
        if not self.settings.crop:
            return 0, 0, width, height
        x, y, w, h = valid_area([alignment.transform for alignment in alignments], source.shape)
        if w < width // 4 or h < height // 4:
            return 0, 0, width, height  # frames far apart: half a picture is worse than a soft rim
        if source.chroma_shift:
            right, bottom = _even_end(x + w, width), _even_end(y + h, height)
            x, y = x + x % 2, y + y % 2
            w, h = right - x, bottom - y
        return x, y, w, h

    def _original_index(self, depth: NDArray[np.float32], used: Sequence[Looked]) -> NDArray[np.float32]:
        """Depth in frames of the bracket as it was given, where frames were left out in between."""
        position = {id(frame): index for index, frame in enumerate(self._frames)}
        index = [position[id(frame)] for frame in used]
        if index == list(range(len(index))):
            return depth
        return np.interp(depth, np.arange(len(index)), index).astype(np.float32)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.monotonic() - start


def _named(progress: Progress, what: str) -> Progress:
    """The same progress under another name."""
    return lambda done, total, _: progress(done, total, what)


def _even_end(end: int, frame_end: int) -> int:
    """The end of a cropped side on whole 2×2 pixels: to write an odd one as a JPEG takes its luma once more."""
    return end if end == frame_end else end - end % 2


def _nothing_usable(frames: list[Looked]) -> str:
    if not frames:
        return say("stacker.no_frames", "there are no frames")
    return say(
        "stacker.none_usable",
        "none of the {n} frames can be used; the first: {reason}",
        n=len(frames),
        reason=frames[0].reason,
    )


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """OpenCV works on the calling thread alone: patches and frames are what is done side by side."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
