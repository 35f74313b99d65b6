"""How long an exposure may be while the picture sways: blurred by half a pixel of the sensor and no more."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rig.bump import shift_px
from rig.config import CameraSettings
from rig.devices.camera import Exposure
from rig.freshpreview import PreviewSource, fresh_preview
from rig.saying import Said, say
from rig.sharpness import luma_of

Places = npt.NDArray[np.float64]

LOOKS = 8  # previews: most of a second
BLUR_PX = 0.5  # of the frame, along an exposure
RING_HZ = 20.0  # of a tripod with a small rig on it (15 to 30 Hz), too fast for previews to follow
# Mean square of the change from step to step, against that of the steps between previews: 3 where each lies anywhere,
# 0.04 to 1.3 for sway of 0.3 to 1.8 Hz.
ERRATIC = 2.0
OVER = 1.5  # times the speed seen in most of a second: it sways for longer than that
MOST_GAIN = 4.0  # noise spoils more than blur beyond
WORTH = 0.9  # of the exposure: less of a difference is not


@dataclass(frozen=True)
class Sway:
    """How the picture moves while the rig stands still."""

    range_px: float  # of the frame: all that it moved
    speed_px_s: float

    @property
    def longest_s(self) -> float:
        """Of an exposure; infinite where it moves by next to nothing altogether."""
        return math.inf if self.range_px <= BLUR_PX else BLUR_PX / self.speed_px_s


def watch_sway(camera: PreviewSource, width_px: int, cancelled: Callable[[], bool]) -> Sway | None:
    """What some previews show of it; None where they show too little. To be called once all is settled.

    width_px: of a frame. Raises CameraTimeoutError.
    """
    seen = [fresh_preview(camera)]
    while len(seen) < LOOKS and not cancelled():
        seen.append(camera.preview())
    first, *others = [luma_of(one.image) for one in seen]
    shifts = [shift_px(first, one) for one in others]
    known = [one for one in shifts if one is not None]
    if len(known) < len(others) or len(seen) < LOOKS:
        return None
    places = np.array([(0.0, 0.0), *known]) * (width_px / first.shape[1])
    return sway_of(places, [one.timestamp_ns / 1e9 for one in seen])


def sway_of(places: Places, times_s: Sequence[float]) -> Sway:
    """From where the picture lay at these times: (n, 2) px.

    Slow sway (wind) is followed from preview to preview. Where a step tells nothing of the next one it rings faster
    than that, and its speed is that of an oscillation of this amplitude at RING_HZ. What rings just as often as
    previews come, or twice as often, looks like slow sway: it is not seen here.
    """
    steps = np.diff(places, axis=0)
    range_px = float(np.hypot(*np.ptp(places, axis=0)))
    speed = float((np.hypot(*steps.T) / np.maximum(np.diff(times_s), 1e-3)).max())
    if np.mean(np.diff(steps, axis=0) ** 2) > ERRATIC * np.mean(steps**2):
        speed = max(speed, math.pi * RING_HZ * range_px)
    return Sway(range_px, OVER * speed)


def shortened(exposure: Exposure, settings: CameraSettings, sway: Sway) -> Exposure:
    """The same light in a time in which it blurs little, as far as gain allows; itself where it need not be shorter."""
    if settings.exposure_us or settings.gain:
        return exposure
    limit_us = max(sway.longest_s * 1e6, exposure.exposure_us * exposure.gain / MOST_GAIN)
    if limit_us >= WORTH * exposure.exposure_us:
        return exposure
    longer = exposure.exposure_us / limit_us
    return replace(exposure, exposure_us=round(limit_us), gain=exposure.gain * longer)


def sway_sentence(sway: Sway, before: Exposure, after: Exposure) -> Said:
    """Why the exposure is shorter."""
    return say(
        "warning.sways",
        "The picture sways by {speed:.0f} pixels a second: exposed for {ms:.1f} ms at gain {gain:.1f} instead of "
        "{long_ms:.1f} ms, which blurs it by {blur:.1f} instead of {more:.1f} pixels.",
        speed=sway.speed_px_s,
        ms=after.exposure_us / 1000,
        gain=after.gain,
        long_ms=before.exposure_us / 1000,
        blur=min(sway.range_px, sway.speed_px_s * after.exposure_us / 1e6),
        more=min(sway.range_px, sway.speed_px_s * before.exposure_us / 1e6),
    )
