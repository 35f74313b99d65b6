"""Alignment of a bracket: each frame to its neighbour, chained, and held against drift by key frames."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stacker import transforms as tf
from stacker.alignment import Alignment, RelativeAlignment
from stacker.errors import FrameShapeError
from stacker.lowcopy import LowCopy, prepare
from stacker.photometry import Gain, Tones, estimate_gain, measure_tones
from stacker.plausible import objection
from stacker.register import coarse_guess, register
from stacker.saying import say
from stacker.settings import AlignSettings
from stacker.transforms import Transform
from stacker.validarea import valid_area

__all__ = ["Aligner", "Alignment", "RelativeAlignment", "valid_area"]

_COARSEST = 9  # level: as coarse as the low copy has them
_KEY_FINEST = 1  # level: enough to see drift, at a quarter of the cost
_KEY_FRAMES = 8  # a key frame serves so many frames,
_KEY_CORRELATION = 0.80  # or until so little of its detail is left in them
_LARGEST_SIDE_PX = 1600  # of a low copy; more only costs: 0.3 px at full size is then 1/20 px or more
_GROUPS_HELD = 2
_UNUSUAL_LIGHT = 0.15  # natural logarithm of the gain, against most frames: a sixth of a stop is no flicker


@dataclass(frozen=True)
class _Pose:
    """Where a frame lies in its group. A group: frames that could be aligned with one another."""

    group: int  # index of the group's first frame
    transform: Transform  # to the group's first frame, low pixels
    gain: Gain
    variance: float  # expected squared error, low pixels
    reason: str | None = None  # why a group had to start here


@dataclass(frozen=True)
class _Held:
    """A frame kept for later frames to be compared with."""

    index: int
    copy: LowCopy
    tones: Tones


@dataclass
class _Group:
    """What later frames of a group are compared with: its newest frame, and one further back."""

    newest: _Held
    key: _Held  # without its finest level, once it is not the newest
    last_step: Transform = field(default_factory=tf.identity)
    length: int = 1


class Aligner:
    """Aligns frames in shot order from low copies; holds at most four of those, however long the bracket.

    frame_shape: (height, width, ...) of the full-size frames. low_scale: how many times smaller the low
    copies are (a low pixel is the mean of so many full-size pixels each way); None: settings.low_scale.
    """

    def __init__(
        self,
        frame_shape: tuple[int, ...],
        low_scale: float | None = None,
        settings: AlignSettings | None = None,
    ) -> None:
        self.settings = settings or AlignSettings()
        self.frame_shape = frame_shape[:2]
        self.low_scale = float(low_scale if low_scale is not None else self.settings.low_scale)
        self._scale = self.low_scale  # of the copies worked on
        self._low_shape: tuple[int, ...] | None = None
        self._poses: list[_Pose] = []
        self._groups: dict[int, _Group] = {}  # by their first frame; the one continued last comes last

    def __len__(self) -> int:
        return len(self._poses)

    def add(self, low: NDArray[Any]) -> RelativeAlignment:
        """Align the next frame. Never fails for what the picture shows: then `reason` says what is wrong.

        low: (h, w, 3) BGR or (h, w), uint8, uint16 or float in 0..1. Raises FrameShapeError if its size is
        not that of the first one.
        """
        if self._low_shape is None:
            self._low_shape = low.shape
        elif low.shape != self._low_shape:
            raise FrameShapeError(
                f"low copy {len(self)} has shape {low.shape}, the ones before have {self._low_shape}"
            )
        if self.settings.method == "none":
            return self._add_as_it_is()
        low, self._scale = _not_too_large(low, self.low_scale)
        held = _Held(len(self), prepare(low), measure_tones(low))
        reasons = []
        for group in reversed(list(self._groups)):
            aligned = self._align_with(group, held)
            if aligned.reason is None:
                return aligned
            reasons.append(aligned.reason)
        return self._start_group(held, reasons[-1] if reasons else None)

    def alignment_to_first(self, index: int) -> Alignment:
        """Frame `index` against frame 0; available, and final, as soon as it was added."""
        return self.alignment(index, 0)

    def solve(self, reference: int) -> list[Alignment]:
        """Every frame against the reference frame."""
        return [self.alignment(index, reference) for index in range(len(self))]

    def suggest_reference(self) -> int:
        """The middle one of the largest group of frames that can be aligned with one another.

        The others take its brightness too, so one that is lit like most of them is taken, as near to the middle as
        may be.
        """
        groups = [pose.group for pose in self._poses]
        largest = max(sorted(set(groups)), key=groups.count)
        members = [index for index, group in enumerate(groups) if group == largest]
        light = np.array([np.log(self._poses[index].gain).mean() for index in members])
        usual = np.abs(light - np.median(light)) <= _UNUSUAL_LIGHT
        middle = len(members) // 2
        fair = [place for place in range(len(members)) if usual[place]] or [middle]
        return members[min(fair, key=lambda place: abs(place - middle))]

    def alignment(self, index: int, reference: int) -> Alignment:
        """One frame against another; both must have been added."""
        pose, base = self._poses[index], self._poses[reference]
        if pose.group != base.group:
            return Alignment(
                index, tf.identity(), np.ones(3), False, self._why_apart(index, reference), float("inf")
            )
        transform = tf.to_full(tf.compose(tf.invert(base.transform), pose.transform), self._scale)
        residual = self._scale * float(np.sqrt(abs(pose.variance - base.variance)))
        return Alignment(index, transform, pose.gain / base.gain, True, None, residual)

    def _why_apart(self, index: int, reference: int) -> str:
        later = max(self._poses[index].group, self._poses[reference].group)
        reason = self._poses[later].reason or ""
        if later == index:
            return reason
        return say(
            "align.unconnected",
            "frame {frame} has no connection to the reference frame {reference}, because {reason}",
            frame=index,
            reference=reference,
            reason=reason,
        )

    def _add_as_it_is(self) -> RelativeAlignment:
        index = len(self)
        self._poses.append(_Pose(0, tf.identity(), np.ones(3), 0.0))
        return RelativeAlignment(
            index, index - 1 if index else None, tf.identity(), np.ones(3), 0.0, 1.0, None
        )

    def _start_group(self, held: _Held, reason: str | None) -> RelativeAlignment:
        """The frame fits nothing seen so far: it is the only odd one, or the first of a new view."""
        if len(self._groups) == _GROUPS_HELD:
            del self._groups[min(self._groups, key=lambda group: self._groups[group].length)]
        self._groups[held.index] = _Group(held, held)
        self._poses.append(_Pose(held.index, tf.identity(), np.ones(3), 0.0, reason))
        return RelativeAlignment(held.index, None, tf.identity(), np.ones(3), 0.0, 0.0, reason)

    def _align_with(self, number: int, held: _Held) -> RelativeAlignment:
        """Fit a frame to a group: against its newest frame, then against its key frame."""
        group = self._groups[number]
        before, base = group.newest, self._poses[group.newest.index]
        guess = coarse_guess(before.copy, held.copy, [tf.identity(), tf.invert(group.last_step)])
        found = register(before.copy, held.copy, guess, coarsest=_COARSEST)
        reason = objection(found, before.copy.shape, self._scale)
        if reason is not None:
            reason = say(
                "align.failed",
                "frame {frame} could not be aligned with frame {before}: {reason}",
                frame=held.index,
                before=before.index,
                reason=reason,
            )
            return RelativeAlignment(
                held.index, None, tf.identity(), np.ones(3), 0.0, found.correlation, reason
            )
        step = tf.invert(found.transform)
        pose = _Pose(
            number,
            tf.compose(base.transform, step),
            base.gain * estimate_gain(before.tones, held.tones, step),
            base.variance + found.variance,
        )
        key, likeness = group.key, found.correlation
        if key is not before:
            pose, likeness = self._hold_against_drift(key, held, pose)
        self._poses.append(pose)
        tired = likeness < _KEY_CORRELATION or held.index - key.index >= _KEY_FRAMES
        del self._groups[number]
        key = before if tired else key
        if len(key.copy.bands) > _KEY_FINEST:
            key = replace(key, copy=key.copy.without_finest())
        self._groups[number] = _Group(held, key, step, group.length + 1)
        step = tf.to_full(tf.compose(tf.invert(base.transform), pose.transform), self._scale)
        residual = self._scale * float(np.sqrt(found.variance))
        return RelativeAlignment(
            held.index, before.index, step, pose.gain / base.gain, residual, found.correlation, None
        )

    def _hold_against_drift(self, key: _Held, held: _Held, pose: _Pose) -> tuple[_Pose, float]:
        """The pose improved by a direct comparison with the key frame, and how alike the two are.

        Errors of the chain add up from frame to frame, that of the comparison does not, but it grows with the
        difference in focus: the two are averaged, each by how sure it is.
        """
        base = self._poses[key.index]
        guess = tf.compose(tf.invert(pose.transform), base.transform)
        found = register(key.copy, held.copy, guess, coarsest=_KEY_FINEST, finest=_KEY_FINEST)
        if objection(found, key.copy.shape, self._scale) is not None:
            return pose, 0.0
        direct = tf.compose(base.transform, tf.invert(found.transform))
        gain = base.gain * estimate_gain(key.tones, held.tones, tf.invert(found.transform))
        variance = base.variance + found.variance
        share = pose.variance / (pose.variance + variance) if pose.variance > 0 else 0.0
        mixed = replace(
            pose,
            transform=(1 - share) * pose.transform + share * direct,
            gain=pose.gain ** (1 - share) * gain**share,
            variance=(1 - share) * pose.variance,
        )
        return mixed, found.correlation


def _not_too_large(low: NDArray[Any], scale: float) -> tuple[NDArray[Any], float]:
    """The low copy halved until its longer side is no more than _LARGEST_SIDE_PX, and its scale then."""
    while max(low.shape[:2]) > _LARGEST_SIDE_PX:
        height, width = low.shape[0] // 2, low.shape[1] // 2
        low = cv2.resize(low[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)
        scale *= 2
    return low, scale
