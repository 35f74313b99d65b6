"""A stack in the making: two passes over the frames, one frame at a time.

The survey looks at a small copy of every frame: how it lies, and where it is sharp. The fusion takes each frame at
full size into a running result and drops it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import memory
from stacker.align import Alignment, valid_area
from stacker.coverage import coverage
from stacker.errors import CancelledError, FrameError, FrameShapeError, InputError
from stacker.finish import finish, small_picture
from stacker.frames import FrameSource
from stacker.fusion import Fuser
from stacker.methods import METHODS, Method
from stacker.planes import Planes, from_bgr
from stacker.prior import Prior
from stacker.report import Coverage, FrameReport, Report
from stacker.settings import StackSettings
from stacker.state import RunningFusion
from stacker.survey import Survey, Surveyed
from stacker.transforms import to_low
from stacker.validarea import Rectangle
from stacker.view import AlignedFrame

Progress = Callable[[int, int, str], None]
Cancelled = Callable[[], bool]

_GROWING_STEP = 4  # the growing picture is this many times smaller than the frames


def no_progress(done: int, total: int, what: str) -> None:
    """Tells nobody."""


def never() -> bool:
    """Goes on."""
    return False


@dataclass(frozen=True)
class FuseResult:
    """What came out of a stack.

    depth: index of the sharpest frame, with fractions, and confidence: 0..1; both (h, w) float32 on cells of
    2**cell_level pixels of the reference frame. At the size of the picture they would be larger than it.
    """

    planes: Planes  # the fused picture, cropped to report.area
    depth: NDArray[np.float32]
    confidence: NDArray[np.float32]
    cell_level: int
    report: Report

    def enlarge(self, cells: NDArray[Any]) -> NDArray[Any]:
        """A map of cells at the size of the picture, (h, w) of the same dtype."""
        x, y, width, height = self.report.area
        step = 1 << self.cell_level
        # A cell's middle lies half a cell from its corner.
        to_cells = np.array([[1 / step, 0, (x + 0.5) / step - 0.5], [0, 1 / step, (y + 0.5) / step - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(cells, to_cells, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
        )


@dataclass
class _Looked:
    """A frame of the bracket, and what the survey found."""

    source: FrameSource | None  # None when it could not even be opened
    at: int  # index within its source
    name: str
    slot: int | None = None  # number in the survey; None when it could not be read
    reason: str | None = None

    @property
    def opened(self) -> FrameSource:
        """The source of a frame that was read before."""
        assert self.source is not None
        return self.source


@dataclass
class Stack:
    """One stack in the making: `look` at the frames in shot order, then `fuse`.

    growing: keep a small fused picture of the frames looked at so far, for `growing_picture`.
    """

    settings: StackSettings = field(default_factory=StackSettings)
    growing: bool = False
    _frames: list[_Looked] = field(default_factory=list)
    _survey: Survey | None = None
    _shape: tuple[int, int] | None = None
    _grown: RunningFusion | None = None
    _seconds: dict[str, float] = field(default_factory=dict)

    def look(self, source: FrameSource, at: int) -> FrameReport:
        """Survey one more frame. A frame that cannot be read is reported as left out, with the reason."""
        looked = _Looked(source, at, source.names[at])
        self._frames.append(looked)
        index = len(self._frames) - 1
        with self._timed("survey"), one_opencv_thread():
            try:
                survey = self._survey_for(source)
                low = source.low(at, survey.scale)
                looked.slot = len(survey)
                relative = survey.add(low)
            except FrameError as error:
                looked.slot, looked.reason = None, str(error)
                return FrameReport(index, looked.name, False, looked.reason)
            if self.growing and relative.reason is None:
                self._grow(low, looked.slot)
        return FrameReport(
            index, looked.name, relative.reason is None, relative.reason, sharpness=survey.sharpness[-1]
        )

    def leave_out(self, name: str, reason: str) -> FrameReport:
        """Count a frame that cannot even be opened: the frames after it keep their numbers."""
        self._frames.append(_Looked(None, 0, name, reason=reason))
        return FrameReport(len(self._frames) - 1, name, False, reason)

    def growing_picture(self) -> Planes | None:
        """The frames looked at so far, fused at a quarter of their size; None before the first."""
        if self._grown is None or not self._grown.frames:
            return None
        with one_opencv_thread():
            whole = (0, 0, self._grown.shape[1], self._grown.shape[0])
            return finish(self._grown, METHODS["pyramid"], None, whole)

    def fuse(
        self,
        progress: Progress = no_progress,
        cancelled: Cancelled = never,
        preview: Callable[[Planes], None] | None = None,
    ) -> FuseResult:
        """Fuse everything looked at. preview is called with a quarter-size picture now and then.

        Raises InputError when no frame could be read, MemoryLimitError, CancelledError.
        """
        readable = [frame for frame in self._frames if frame.slot is not None]
        if not readable or self._survey is None:
            raise InputError(_nothing_usable(self._frames))
        reference = self._reference(self._survey)
        assert reference.slot is not None
        with self._timed("focus map"):
            found = self._survey.result(reference.slot)
        self._survey = self._grown = None  # their memory is needed now
        memory.trim()
        used = [readable[slot] for slot in found.fitting]
        if len(readable) == 1:
            return self._single(reference, found)
        method = METHODS[self.settings.method]
        with one_opencv_thread(), self._timed("fusion"):
            running, prior = self._run(used, found, method, progress, cancelled, preview)
        area = self._area(reference.opened, [found.alignments[slot] for slot in found.fitting])
        with one_opencv_thread(), self._timed("finish"):
            planes = finish(running, method, prior, area)
        return FuseResult(
            planes,
            self._original_index(found.focus.depth, used),
            found.focus.confidence,
            found.grid_level,
            self._report(area, reference, found, coverage(found.focus, len(used))),
        )

    def _run(
        self,
        used: list[_Looked],
        found: Surveyed,
        method: Method,
        progress: Progress,
        cancelled: Cancelled,
        preview: Callable[[Planes], None] | None,
    ) -> tuple[RunningFusion, Prior | None]:
        """The second pass."""
        source = used[0].opened
        wanted = self.settings.threads or os.cpu_count() or 1
        sample_bytes = source.dtype.itemsize
        threads = memory.threads_within(
            self.settings.memory_limit_mb, source.shape, source.chroma_shift, sample_bytes, wanted
        )
        running = RunningFusion(source.shape, source.chroma_shift, exact=sample_bytes > 1)
        prior = Prior(found.focus, method, found.grid_level, running.levels) if method.depth else None
        with ThreadPoolExecutor(threads) as pool:
            fuser = Fuser(running, method, prior, pool)
            for count, frame in enumerate(used):
                if cancelled():
                    raise CancelledError("the stack was cancelled")
                alignment = found.alignments[found.fitting[count]]
                planes = frame.opened.planes(frame.at)
                fuser.add(AlignedFrame(planes, alignment.transform, alignment.gain, count))
                del planes  # before the next one is decoded
                progress(count + 1, len(used), "fusing")
                if preview is not None:
                    preview(small_picture(running, method, prior))
        return running, prior

    def _survey_for(self, source: FrameSource) -> Survey:
        if self._survey is None:
            self._shape = source.shape
            self._survey = Survey(source.shape, self.settings.align)
        if source.shape != self._shape:
            raise FrameShapeError(
                f"{source.names[0]}: is {source.shape[1]}×{source.shape[0]} pixels, "
                f"the first frame {self._survey.shape[1]}×{self._survey.shape[0]}"
            )
        return self._survey

    def _grow(self, low: NDArray[np.uint8], slot: int) -> None:
        assert self._survey is not None
        step = max(_GROWING_STEP // self._survey.scale, 1)
        size = low.shape[1] // step, low.shape[0] // step
        planes = from_bgr(cv2.resize(low, size, interpolation=cv2.INTER_AREA), chroma_shift=1)
        if self._grown is None:
            self._grown = RunningFusion(planes.shape, 1, exact=planes.bit_depth > 8)
        alignment = self._survey.against_first(slot)
        if alignment.used:
            transform = to_low(alignment.transform, step * self._survey.scale)
            with ThreadPoolExecutor(1) as pool:
                fuser = Fuser(self._grown, METHODS["pyramid"], None, pool)
                fuser.add(AlignedFrame(planes, transform, alignment.gain, slot))

    def _reference(self, survey: Survey) -> _Looked:
        wanted = self.settings.align.reference
        if wanted is None:
            slot = survey.suggest_reference()
            return next(frame for frame in self._frames if frame.slot == slot)
        if wanted >= len(self._frames):
            raise InputError(
                f"reference frame {wanted} does not exist; there are {len(self._frames)} frames, from 0"
            )
        if self._frames[wanted].slot is None:
            raise InputError(f"reference frame {wanted} cannot be used: {self._frames[wanted].reason}")
        return self._frames[wanted]

    def _single(self, only: _Looked, found: Surveyed) -> FuseResult:
        planes = only.opened.planes(only.at)
        area = (0, 0, planes.shape[1], planes.shape[0])
        verdict = Coverage("unknown", 0.0, 0.0, "one frame says nothing about what lies before or behind it")
        nothing = np.zeros((1, 1), np.float32)
        report = self._report(area, only, found, verdict)
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
            w, h = w - x % 2, h - y % 2
            x, y = x + x % 2, y + y % 2
        return x, y, w, h

    def _original_index(self, depth: NDArray[np.float32], used: list[_Looked]) -> NDArray[np.float32]:
        """Depth in frames of the bracket as it was given, where frames were left out in between."""
        position = {id(frame): index for index, frame in enumerate(self._frames)}
        index = [position[id(frame)] for frame in used]
        if index == list(range(len(index))):
            return depth
        return np.interp(depth, np.arange(len(index)), index).astype(np.float32)

    def _report(self, area: Rectangle, reference: _Looked, found: Surveyed, verdict: Coverage) -> Report:
        frames = tuple(self._frame_report(index, frame, found) for index, frame in enumerate(self._frames))
        problems = []
        for given in {id(frame.source): frame.source for frame in self._frames if frame.source}.values():
            problems += [FrameReport(-1, problem.name, False, problem.reason) for problem in given.problems]
        left_out = [frame.reason for frame in (*frames, *problems) if frame.reason]
        return Report(
            method=self.settings.method,
            size=(area[2], area[3]),
            area=area,
            reference=self._frames.index(reference),
            frames=(*frames, *problems),
            coverage=verdict,
            warnings=tuple(f"left out: {reason}" for reason in left_out),
            seconds={stage: round(seconds, 3) for stage, seconds in self._seconds.items()},
            peak_memory_mb=round(memory.peak_mb(), 1),
        )

    def _frame_report(self, index: int, frame: _Looked, found: Surveyed) -> FrameReport:
        if frame.slot is None:
            return FrameReport(index, frame.name, False, frame.reason)
        pose = found.alignments[frame.slot]
        sharpness = round(found.sharpness[frame.slot], 3)
        if not pose.used:
            return FrameReport(index, frame.name, False, f"{frame.name}: {pose.reason}", sharpness=sharpness)
        return FrameReport(
            index,
            frame.name,
            True,
            transform=tuple(tuple(round(float(value), 7) for value in row) for row in pose.transform),
            gain=(float(pose.gain[0]), float(pose.gain[1]), float(pose.gain[2])),
            error_px=round(pose.residual, 3),
            sharpness=sharpness,
        )

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.monotonic() - start


def _nothing_usable(frames: list[_Looked]) -> str:
    if not frames:
        return "there are no frames"
    return f"none of the {len(frames)} frames can be used; the first: {frames[0].reason}"


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """OpenCV works on the calling thread alone: patches and frames are what is done side by side."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
