"""Alignment of a bracket: each frame to its neighbour, chained, and held against drift by key frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stacker import transforms as tf
from stacker.errors import FrameShapeError
from stacker.lowcopy import LowCopy, prepare
from stacker.photometry import Gain, Tones, estimate_gain, measure_tones
from stacker.register import Registration, coarse_guess, register
from stacker.settings import AlignSettings
from stacker.transforms import Transform
from stacker.validarea import valid_area

__all__ = ["Aligner", "Alignment", "RelativeAlignment", "valid_area"]

# What two frames next to each other in one bracket must satisfy; see _objection.
_MIN_CORRELATION = 0.40
_MIN_AGREEING = 0.30
_MAX_SCALE_CHANGE = 0.08
_MAX_TURN_RAD = np.radians(6)
_MAX_SHIFT = 0.25  # of the frame's longer side
_MAX_UNCERTAINTY_PX = 3.0  # full size

_COARSEST = 9  # level; as coarse as a low copy has them
_KEY_FRAMES = 8  # a key frame serves this many frames, or until little of its detail is left in them
_KEY_CORRELATION = 0.80


@dataclass(frozen=True)
class RelativeAlignment:
    """A frame against the earlier frame that it was compared with."""

    index: int
    neighbour: int | None  # None: the first frame, or a frame that fits no earlier one
    transform: Transform  # (2, 3), this frame's full-size pixels to the neighbour's
    gain: Gain  # (3,) B, G, R: brings this frame to the neighbour's brightness; see stacker.photometry
    residual_px: float  # expected error of the transform, full-size pixels, rms over the frame
    correlation: float  # of the textured tiles after alignment, 0..1
    reason: str | None  # why it could not be aligned, a sentence


@dataclass(frozen=True)
class Alignment:
    """A frame against the reference frame."""

    index: int
    transform: Transform  # (2, 3) float64, this frame's full-size pixels to the reference frame's
    gain: Gain  # (3,) B, G, R: brings this frame to the reference frame's brightness; see stacker.photometry
    used: bool
    reason: str | None  # why it is not used, a sentence
    residual: float  # expected error of the transform, full-size pixels, rms over the frame


@dataclass(frozen=True)
class _Pose:
    """Where a frame lies in its group. A group: frames that could be aligned with one another."""

    group: int
    transform: Transform  # to the group's first frame, low pixels
    gain: Gain
    variance: float  # expected squared error, low pixels
    reason: str | None = None


@dataclass
class _Anchor:
    """A frame still held for later frames to be compared with."""

    index: int
    copy: LowCopy
    tones: Tones


@dataclass
class _Group:
    """What later frames of a group are compared with: its newest frame, and one further back against drift."""

    newest: _Anchor
    key: _Anchor
    last_step: Transform = field(default_factory=tf.identity)


class Aligner:
    """Aligns frames in shot order from low copies; holds at most four of those, however long the bracket.

    frame_shape: (height, width, ...) of the full-size frames. low_scale: how many times smaller the low copies
    are; a low pixel is the mean of low_scale x low_scale full-size pixels. Default: settings.low_scale.
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
        self._poses: list[_Pose] = []
        self._groups: dict[int, _Group] = {}  # at most two, the one being continued last
        self._low_shape: tuple[int, ...] | None = None

    def __len__(self) -> int:
        return len(self._poses)

    def add(self, low: NDArray[Any]) -> RelativeAlignment:
        """Align the next frame. Never fails for what the picture shows: then `reason` says what is wrong.

        low: (h, w, 3) BGR or (h, w), uint8, uint16 or float in 0..1. Raises FrameShapeError if its size is not
        that of the first one.
        """
        if self._low_shape is None:
            self._low_shape = low.shape
        elif low.shape != self._low_shape:
            raise FrameShapeError(
                f"low copy {len(self)} has shape {low.shape}, the ones before have {self._low_shape}"
            )
        if self.settings.method == "none":
            return self._add_as_it_is()
        anchor = _Anchor(len(self._poses), prepare(low), measure_tones(low))
        first_objection = None
        for group in reversed(list(self._groups)):
            found, objection = self._try(group, anchor)
            if found is not None:
                return found
            first_objection = first_objection or objection
        return self._start_group(anchor, first_objection)

    def alignment_to_first(self, index: int) -> Alignment:
        """Frame `index` against frame 0; available as soon as it was added."""
        return self.alignment(index, 0)

    def solve(self, reference: int) -> list[Alignment]:
        """Every frame against the reference frame."""
        return [self.alignment(index, reference) for index in range(len(self))]

    def suggest_reference(self) -> int:
        """The middle one of the frames that can be aligned with one another; of the largest such group."""
        groups = [pose.group for pose in self._poses]
        largest = max(set(groups), key=groups.count)
        members = [index for index, group in enumerate(groups) if group == largest]
        return members[len(members) // 2]

    def alignment(self, index: int, reference: int) -> Alignment:
        """Frame `index` against frame `reference`; available as soon as both were added."""
        pose, base = self._poses[index], self._poses[reference]
        if pose.group != base.group:
            reason = (
                pose.reason or base.reason or f"frame {index} could not be aligned with frame {reference}"
            )
            return Alignment(index, tf.identity(), np.ones(3), False, reason, float("inf"))
        transform = tf.to_full(tf.compose(tf.invert(base.transform), pose.transform), self.low_scale)
        residual = self.low_scale * float(np.sqrt(abs(pose.variance - base.variance)))
        return Alignment(index, transform, pose.gain / base.gain, True, None, residual)

    def _add_as_it_is(self) -> RelativeAlignment:
        index = len(self._poses)
        self._poses.append(_Pose(0, tf.identity(), np.ones(3), 0.0))
        return RelativeAlignment(
            index, index - 1 if index else None, tf.identity(), np.ones(3), 0.0, 1.0, None
        )

    def _start_group(self, anchor: _Anchor, objection: str | None) -> RelativeAlignment:
        group = len(self._poses)
        self._poses.append(_Pose(group, tf.identity(), np.ones(3), 0.0, objection))
        while len(self._groups) > 1:  # keep the one last continued: this frame may be the only odd one
            del self._groups[next(iter(self._groups))]
        self._groups[group] = _Group(anchor, anchor)
        return RelativeAlignment(anchor.index, None, tf.identity(), np.ones(3), 0.0, 0.0, objection)

    def _try(self, number: int, anchor: _Anchor) -> tuple[RelativeAlignment | None, str | None]:
        """Fit a frame to a group: against its newest frame, then against its key frame."""
        group = self._groups[number]
        before = group.newest
        guess = coarse_guess(before.copy, anchor.copy, [tf.identity(), tf.invert(group.last_step)])
        found = register(before.copy, anchor.copy, guess, coarsest=_COARSEST)
        objection = self._objection(found, before.index, anchor.index)
        if objection is not None:
            return None, objection
        step = tf.invert(found.transform)
        variance = found.variance
        gain = estimate_gain(before.tones, anchor.tones, step)
        base = self._poses[before.index]
        pose = _Pose(number, tf.compose(base.transform, step), base.gain * gain, base.variance + variance)
        key_correlation = 1.0
        if group.key is not before:
            pose, key_correlation = self._hold_against_drift(group.key, anchor, pose)
        self._poses.append(pose)
        tired = key_correlation < _KEY_CORRELATION or anchor.index - group.key.index >= _KEY_FRAMES
        group.key = before if tired else group.key
        group.newest, group.last_step = anchor, step
        self._groups[number] = self._groups.pop(number)  # last in the order: the one being continued
        step = tf.compose(tf.invert(base.transform), pose.transform)
        return RelativeAlignment(
            anchor.index,
            before.index,
            tf.to_full(step, self.low_scale),
            pose.gain / base.gain,
            self.low_scale * float(np.sqrt(variance)),
            found.correlation,
            None,
        ), None

    def _hold_against_drift(self, key: _Anchor, anchor: _Anchor, pose: _Pose) -> tuple[_Pose, float]:
        """The pose improved by a direct comparison with the key frame, and how alike the two are."""
        base = self._poses[key.index]
        guess = tf.compose(tf.invert(pose.transform), base.transform)
        found = register(key.copy, anchor.copy, guess, coarsest=1, finest=1)
        if self._objection(found, key.index, anchor.index) is not None:
            return pose, 0.0
        variance = base.variance + found.variance
        share = pose.variance / max(pose.variance + variance, 1e-12)
        step = tf.invert(found.transform)
        direct = tf.compose(base.transform, step)
        gain = base.gain * estimate_gain(key.tones, anchor.tones, step)
        mixed = _Pose(
            pose.group,
            (1 - share) * pose.transform + share * direct,
            pose.gain ** (1 - share) * gain**share,
            pose.variance * variance / max(pose.variance + variance, 1e-12),
        )
        return mixed, found.correlation

    def _objection(self, found: Registration, earlier: int, index: int) -> str | None:
        """Why a registration cannot be believed, or None."""
        low = self._low_shape or (1, 1)
        scale, turn = tf.scale_of(found.transform), tf.angle_of(found.transform)
        shift = tf.distance(found.transform, tf.identity(), (low[0], low[1]))
        if found.textured == 0:
            why = "there is too little texture"
        elif found.correlation < _MIN_CORRELATION:
            why = f"they have too little in common (correlation {found.correlation:.2f}, needs {_MIN_CORRELATION:.2f})"
        elif found.agreeing < _MIN_AGREEING:
            why = f"only {found.agreeing:.0%} of the picture moved alike (needs {_MIN_AGREEING:.0%})"
        elif abs(scale - 1) > _MAX_SCALE_CHANGE:
            why = f"the size would change by {scale - 1:+.1%} (at most {_MAX_SCALE_CHANGE:.0%} is plausible)"
        elif abs(turn) > _MAX_TURN_RAD:
            why = f"it would turn by {np.degrees(turn):+.1f}° (at most {np.degrees(_MAX_TURN_RAD):.0f}° is plausible)"
        elif shift > _MAX_SHIFT * max(low[:2]):
            limit = _MAX_SHIFT * max(self.frame_shape)
            why = f"it would move by {shift * self.low_scale:.0f} px (at most {limit:.0f} px is plausible)"
        else:
            return None
        return f"frame {index} could not be aligned with frame {earlier}: {why}"
