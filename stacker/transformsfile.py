"""Transforms in a file: found in one stack, used again in another (docs/stacking.md describes the format)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stacker import transforms as tf
from stacker.alignment import Alignment, RelativeAlignment
from stacker.atomic import write_atomically
from stacker.errors import SettingsError
from stacker.report import Report

SCHEMA = "fieldstack.transforms/1"

# What a lens and a lamp can do, generously; beyond it the file is broken.
_SCALES, _GAINS = (0.1, 10.0), (1 / 64, 64.0)


@dataclass(frozen=True)
class KnownFrame:
    """How one frame lies on the reference frame, and how bright it is against that."""

    transform: tf.Transform  # (2, 3), frame pixels to reference pixels
    gain: tuple[float, float, float]  # B, G, R
    used: bool
    reason: str | None = None  # why it is not used


@dataclass(frozen=True)
class KnownTransforms:
    """What a transforms file says."""

    name: str  # of the file, for messages
    size: tuple[int, int]  # width, height of the frames, px
    reference: int
    frames: tuple[KnownFrame, ...]

    def check(self, count: int, shape: tuple[int, int]) -> None:
        """Raise SettingsError when they were found for other frames than these, of (height, width)."""
        if count != len(self.frames):
            raise SettingsError(f"{self.name} is for {len(self.frames)} frames, there are {count}")
        if self.size != (shape[1], shape[0]):
            mine = f"{self.size[0]}×{self.size[1]}"
            raise SettingsError(
                f"{self.name} is for frames of {mine} pixels, these have {shape[1]}×{shape[0]}"
            )


class KnownAligner:
    """Does the work of stacker.align.Aligner by looking it up."""

    def __init__(self, known: KnownTransforms) -> None:
        self._known = known
        self._next = 0
        self._taken: list[int] = []

    def __len__(self) -> int:
        return len(self._taken)

    def skip(self) -> None:
        """The next frame cannot be read."""
        self._next += 1

    def add(self, low: Any) -> RelativeAlignment:
        """Take the next frame; its picture does not matter."""
        self._taken.append(self._next)
        self._next += 1
        index = len(self._taken) - 1
        here = self.alignment(index, 0)
        return RelativeAlignment(
            index, index - 1 if index else None, here.transform, here.gain, 0.0, 1.0, here.reason
        )

    def alignment_to_first(self, index: int) -> Alignment:
        """Frame `index` against frame 0."""
        return self.alignment(index, 0)

    def solve(self, reference: int) -> list[Alignment]:
        """Every frame against the reference frame."""
        return [self.alignment(index, reference) for index in range(len(self))]

    def suggest_reference(self) -> int:
        """The reference frame of the file, or the middle one of those that are used."""
        if self._known.reference in self._taken:
            return self._taken.index(self._known.reference)
        used = [index for index, frame in enumerate(self._taken) if self._known.frames[frame].used]
        return used[len(used) // 2] if used else 0

    def alignment(self, index: int, reference: int) -> Alignment:
        """One frame against another."""
        mine, other = (self._known.frames[self._taken[each]] for each in (index, reference))
        if index == reference:
            return Alignment(index, tf.identity(), np.ones(3), True, None, 0.0)
        for frame in (mine, other):
            if not frame.used:
                reason = frame.reason or f"{self._known.name} leaves it out"
                return Alignment(index, tf.identity(), np.ones(3), False, reason, float("inf"))
        transform = tf.compose(tf.invert(other.transform), mine.transform)
        return Alignment(index, transform, np.array(mine.gain) / other.gain, True, None, 0.0)


def save_transforms(path: Path, report: Report, shape: tuple[int, int]) -> None:
    """Write what a stack of frames of (height, width) found. Raises OutputError."""
    frames: list[dict[str, Any]] = []
    for frame in report.frames:
        if frame.index < 0:
            continue
        frames.append(
            {
                "name": frame.name,
                "used": frame.used,
                "reason": frame.reason,
                "transform": frame.transform,
                "gain": frame.gain,
            }
        )
    facts = {"schema": SCHEMA, "size": [shape[1], shape[0]], "reference": report.reference, "frames": frames}
    write_atomically(path, (json.dumps(facts, indent=2) + "\n").encode())


def load_transforms(path: Path) -> KnownTransforms:
    """What a file says. Raises SettingsError, naming the file and what is wrong with it."""
    try:
        facts = json.loads(path.read_text())
        if facts.get("schema") != SCHEMA:
            raise SettingsError(f"{path} is no file of transforms: its schema should be {SCHEMA!r}")
        width, height = (int(side) for side in facts["size"])
        frames = tuple(_known_frame(path, index, frame) for index, frame in enumerate(facts["frames"]))
        reference = int(facts["reference"])
        if not 0 <= reference < len(frames):
            raise SettingsError(
                f"{path}: the reference frame {reference} is none of its {len(frames)} frames"
            )
        return KnownTransforms(path.name, (width, height), reference, frames)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        if isinstance(error, SettingsError):
            raise
        raise SettingsError(f"{path} is no file of transforms ({type(error).__name__}: {error})") from error


def _known_frame(path: Path, index: int, facts: dict[str, Any]) -> KnownFrame:
    if not facts["used"]:
        return KnownFrame(tf.identity(), (1.0, 1.0, 1.0), False, facts.get("reason"))
    transform = np.array(facts["transform"], np.float64)
    gain = tuple(float(value) for value in facts["gain"])
    if transform.shape != (2, 3) or not np.isfinite(transform).all():
        raise SettingsError(f"{path}: the transform of frame {index} is no (2, 3) matrix of numbers")
    if not _SCALES[0] <= tf.scale_of(transform) <= _SCALES[1]:
        raise SettingsError(
            f"{path}: the transform of frame {index} scales it by more than {_SCALES[1]:g} times"
        )
    if len(gain) != 3 or not all(_GAINS[0] <= value <= _GAINS[1] for value in gain):
        raise SettingsError(f"{path}: the gain of frame {index} is not three numbers of 1/64..64")
    return KnownFrame(transform, (gain[0], gain[1], gain[2]), True)
