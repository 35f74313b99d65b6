"""What can be chosen about a stack, as frozen and checked values."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal, get_args

from stacker.errors import SettingsError

AlignMethod = Literal["auto", "none"]
FuseMethod = Literal["auto", "pyramid", "depthmap", "average"]
Prefer = Literal["none", "near", "far"]
HotPixels = Literal["auto", "keep"]


@dataclass(frozen=True)
class AlignSettings:
    """How frames are brought to the reference frame's geometry and brightness."""

    method: AlignMethod = "auto"
    reference: int | None = None  # index of the reference frame; None = the middle one, or live the first
    low_scale: int = 4  # alignment works on copies this many times smaller; 1/4 holds 0.3 px at full size

    def __post_init__(self) -> None:
        if self.method not in get_args(AlignMethod):
            raise SettingsError(
                f"align method {self.method!r} is not one of {', '.join(get_args(AlignMethod))}"
            )
        if self.reference is not None and self.reference < 0:
            raise SettingsError(f"reference frame {self.reference} is negative; the first frame is 0")
        if self.low_scale not in (1, 2, 4, 8):
            raise SettingsError(f"low_scale {self.low_scale} is not one of 1, 2, 4, 8")


@dataclass(frozen=True)
class StackSettings:
    """Everything a job needs besides its frames and where to put the result."""

    method: FuseMethod = "auto"
    align: AlignSettings = field(default_factory=AlignSettings)
    prefer: Prefer = "none"  # which depth wins where two lie over one another and both have contrast
    hot_pixels: HotPixels = "auto"  # paint over what stays bright while the scene moves
    crop: bool = True  # to the valid area
    threads: int = 0  # 0 = one per core
    memory_limit_mb: int | None = None  # of the whole process; None = what is free

    @property
    def most_threads(self) -> int:
        """How many threads may work at a time, where memory allows."""
        return self.threads or os.cpu_count() or 1

    def __post_init__(self) -> None:
        if self.method not in get_args(FuseMethod):
            raise SettingsError(f"method {self.method!r} is not one of {', '.join(get_args(FuseMethod))}")
        if self.prefer not in get_args(Prefer):
            raise SettingsError(f"prefer {self.prefer!r} is not one of {', '.join(get_args(Prefer))}")
        if self.prefer != "none" and self.method != "auto":
            raise SettingsError(f"a preference for {self.prefer} needs method auto; {self.method} knows none")
        if self.hot_pixels not in get_args(HotPixels):
            raise SettingsError(
                f"hot pixels {self.hot_pixels!r} is not one of {', '.join(get_args(HotPixels))}"
            )
        if self.threads < 0:
            raise SettingsError(f"threads {self.threads} is negative; 0 means one per core")
