"""The frames of a bracket as the stacker sees them: one at a time, all of one size, from files or arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from stacker.errors import FrameError, FrameShapeError, InputError
from stacker.formats.header import Header
from stacker.formats.metadata import Metadata
from stacker.imagefile import begin_planes, read_header, read_low, read_metadata, read_planes
from stacker.inputs import list_inputs
from stacker.kernel.jpegs import Decoding
from stacker.order import Order, sort_paths
from stacker.planes import Planes, from_bgr, low_from_planes, with_bit_depth, with_chroma_shift
from stacker.saying import say

Array = npt.NDArray[Any]

SMALLEST_PX = 2  # of a side; there is no copy of half the size below


@dataclass(frozen=True)
class FrameProblem:
    """A frame that was given but cannot be used, and the sentence that says why."""

    name: str
    reason: str


class FrameSource(Protocol):
    """Frames in shot order, all of one shape, dtype and chroma size; index 0 is the first.

    low and planes may raise FrameError: damage shows only when a frame is decoded. The others are not
    concerned. They may be called from several threads, in any order.
    """

    names: Sequence[str]
    shape: tuple[int, int]  # (h, w), pixels, upright
    dtype: np.dtype[Any]  # uint8 or uint16
    chroma_shift: int  # 1: chroma at half size
    problems: Sequence[FrameProblem]  # frames given, but not among these
    warnings: Sequence[str]  # what else the photographer should know about the input

    def __len__(self) -> int: ...

    def low(self, index: int, scale: int) -> Array:
        """Frame `index` made `scale` (1, 2, 4, 8) times smaller: (h // scale, w // scale, 3) BGR."""
        ...

    def planes(self, index: int) -> Planes:
        """Frame `index` in full; the arrays are the caller's own."""
        ...

    def begin(self, index: int) -> Decoding | None:
        """The same, to be decoded from the top into planes that are there; None where it comes only whole."""
        ...

    def metadata(self, index: int) -> Metadata:
        """EXIF and ICC profile of frame `index`."""
        ...


class ArraySource:
    """Frames that are in memory already: (h, w, 3) BGR or (h, w) grey, uint8 or uint16, all alike.

    Raises InputError without frames, FrameShapeError when one differs from the first.
    """

    def __init__(
        self, frames: Sequence[Array], names: Sequence[str] | None = None, chroma_shift: int = 0
    ) -> None:
        if not len(frames):
            raise InputError("there are no frames")
        for index, frame in enumerate(frames):
            if frame.shape != frames[0].shape or frame.dtype != frames[0].dtype:
                raise FrameShapeError(
                    f"frame {index} of shape {frame.shape}, {frame.dtype} differs from the first: "
                    f"{frames[0].shape}, {frames[0].dtype}"
                )
        self._frames = frames
        self.names: Sequence[str] = names or [f"frame {index}" for index in range(len(frames))]
        self.shape = (int(frames[0].shape[0]), int(frames[0].shape[1]))
        self.dtype: np.dtype[Any] = frames[0].dtype
        self.chroma_shift = chroma_shift
        self.problems: Sequence[FrameProblem] = ()
        self.warnings: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self._frames)

    def low(self, index: int, scale: int) -> Array:
        """See FrameSource."""
        return low_from_planes(from_bgr(self._frames[index]), scale)

    def planes(self, index: int) -> Planes:
        """See FrameSource."""
        return from_bgr(self._frames[index].copy(), self.chroma_shift)

    def begin(self, index: int) -> Decoding | None:
        """None: arrays are there."""
        return None

    def metadata(self, index: int) -> Metadata:
        """None: arrays carry nothing."""
        return Metadata()


class FileSource:
    """Frames in files, opened anew for every reading, so that none stays in memory. Made by open_frames."""

    def __init__(
        self,
        files: Sequence[tuple[Path, Header]],
        problems: Sequence[FrameProblem] = (),
        warnings: Sequence[str] = (),
    ) -> None:
        self.paths = [path for path, _ in files]
        self._headers = [header for _, header in files]
        self.names: Sequence[str] = [path.name for path in self.paths]
        self.shape = self._headers[0].shape
        self.dtype: np.dtype[Any] = np.dtype(f"uint{max(header.bit_depth for header in self._headers)}")
        self.chroma_shift = min(header.chroma_shift for header in self._headers)
        self.problems = problems
        self.warnings = warnings

    def __len__(self) -> int:
        return len(self.paths)

    def reordered(self, order: Sequence[int]) -> FileSource:
        """The same frames in another order."""
        files = [(self.paths[index], self._headers[index]) for index in order]
        return FileSource(files, self.problems, self.warnings)

    def low(self, index: int, scale: int) -> Array:
        """See FrameSource; straight from the DCT for a JPEG."""
        low = read_low(self.paths[index], scale, self._headers[index])
        return low if low.dtype == self.dtype else low.astype(self.dtype) * 257

    def planes(self, index: int) -> Planes:
        """See FrameSource."""
        planes = read_planes(self.paths[index], self._headers[index])
        if planes.shape != self.shape:
            raise FrameShapeError(f"{self.names[index]}: its header promised another size than it has")
        planes = with_bit_depth(planes, 8 * self.dtype.itemsize)
        return with_chroma_shift(planes, self.chroma_shift)

    def begin(self, index: int) -> Decoding | None:
        """See FrameSource."""
        header = self._headers[index]
        if (8 * self.dtype.itemsize, self.chroma_shift) != (header.bit_depth, header.chroma_shift):
            return None
        return begin_planes(self.paths[index], header)

    def metadata(self, index: int) -> Metadata:
        """See FrameSource."""
        return read_metadata(self.paths[index])


def open_frames(inputs: Sequence[Path], order: Order = "given", exclude: Collection[Path] = ()) -> FileSource:
    """The frames in these files, in order, or in one folder (by name unless order is "time").

    Reads headers only. What cannot be a frame is reported in `problems`: no picture, or not of the size that
    most have. In a folder, files that are no pictures, and raws beside a JPEG of the same name, are passed
    over with a warning; so are the files in `exclude`, the results of this job. Raises InputError when no
    frame is left.
    """
    paths, warnings = list_inputs(inputs, exclude)
    if len(inputs) == 1 and inputs[0].is_dir() and order in ("given", "focus"):
        order = "name"
    readable: list[tuple[Path, Header]] = []
    problems = []
    for path in paths:
        try:
            readable.append((path, read_header(path)))
        except FrameError as error:
            problems.append(FrameProblem(path.name, error.said))
    if not readable:
        raise InputError(problems[0].reason if len(problems) == 1 else _nothing_left(inputs, problems))
    headers = dict(readable)
    ordered = sort_paths([path for path, _ in readable], order)
    kept, odd = _of_majority_size([(path, headers[path]) for path in ordered])
    if min(kept[0][1].shape) < SMALLEST_PX:
        raise InputError(
            say(
                "stacker.too_small",
                "frames of {size} pixels are too small to be stacked",
                size=_size(kept[0][1].shape),
            )
        )
    return FileSource(kept, [*problems, *odd], warnings)


def _of_majority_size(
    files: Sequence[tuple[Path, Header]],
) -> tuple[list[tuple[Path, Header]], list[FrameProblem]]:
    """The frames of the size that most have (in a draw, the first such size); the others as problems."""
    [(shape, _)] = Counter(header.shape for _, header in files).most_common(1)
    kept = [(path, header) for path, header in files if header.shape == shape]
    odd = [
        FrameProblem(
            path.name,
            say(
                "frame.odd_size",
                "{name}: is {size}, most frames are {usual}",
                name=path.name,
                size=_size(header.shape),
                usual=_size(shape),
            ),
        )
        for path, header in files
        if header.shape != shape
    ]
    return kept, odd


def _nothing_left(inputs: Sequence[Path], problems: Sequence[FrameProblem]) -> str:
    where = inputs[0] if len(inputs) == 1 else f"the {len(inputs)} files given"
    return f"there is no usable frame in {where}; the first is {problems[0].reason}"


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[1]}×{shape[0]}"
