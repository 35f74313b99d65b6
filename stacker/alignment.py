"""Where a frame lies and how bright it is against another, as values."""

from __future__ import annotations

from dataclasses import dataclass

from stacker.photometry import Gain
from stacker.transforms import Transform


@dataclass(frozen=True)
class RelativeAlignment:
    """A frame against the earlier frame that it was compared with."""

    index: int
    neighbour: int | None  # None: the first frame, or a frame that fits no earlier one
    transform: Transform  # (2, 3), this frame's full-size pixels to the neighbour's
    gain: Gain  # (3,) B, G, R: brings this frame to the neighbour's brightness; see stacker.photometry
    residual: float  # expected error of the transform, full-size pixels, rms over the frame
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
