"""When is it still? Wait a fixed time after a move, or watch the previews until they stop moving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.config import CaptureSettings
from rig.devices.camera import Preview
from rig.devices.clock import Clock
from rig.freshpreview import PreviewSource
from rig.sharpness import luma_of

Gray = npt.NDArray[np.float32]

STILL_TIMES = 2  # in a row
LOOK_BACK = 2  # previews compared with: a swing met twice at the same place is not met there a third time
LEAST_LOOKS = 4  # after the first: where previews take long, the limit alone would end in mid-swing
STALE_PREVIEWS = 8  # that a camera's queue may hold
SLICE_S = 0.05  # a wait is cut into such pieces, so that a cancel is felt at once
NOISE_MARGIN = 1.05  # of the noise floor: over so many pixels, still previews differ by less than that
REDUCE = 2  # pixels averaged each way before comparing: a quarter of the noise, nearly all of the motion
DERIVATIVE_NOISE = 2 * 2 * (8**2 + 1) / 12**2  # of a white-noise variance, what gradient_energy shows of it


@dataclass(frozen=True)
class Settled:
    """How long the wait was and how still the picture is."""

    waited_s: float
    still: bool  # False when the limit was reached first: wind, or somebody at the tripod
    motion_px: float | None = None  # between the last two previews, in preview pixels; None: not watched
    last: Gray | None = None  # the last preview, to compare with after the exposure
    since_ns: int | None = (
        None  # on the camera's clock: when that was exposed, from which on it was seen to be still
    )


class Settler:
    """Waits after each move of one bracket; in watched mode it learns the camera's noise on the way."""

    def __init__(self, camera: PreviewSource, settings: CaptureSettings, clock: Clock) -> None:
        self._camera = camera
        self._settings = settings
        self._clock = clock
        self._floor = math.inf  # least mean square difference seen between previews

    @property
    def watches(self) -> bool:
        """Whether it looks at previews while it waits."""
        return self._settings.settle_mode == "watched"

    def learn(self, pairs: int = 3) -> None:
        """See what noise does to still previews. To be called before the first move, with exposure locked."""
        if not self.watches:
            return
        last = gray(self._camera.preview())
        for _ in range(pairs):
            now = gray(self._camera.preview())
            self._note_floor(last, now)
            last = now

    def wait(self, cancelled: Callable[[], bool]) -> Settled:
        """Return when it is still, when the limit is reached or when cancelled."""
        return self._watch(cancelled) if self.watches else self._wait_fixed(cancelled)

    def motion_since(self, settled: Settled, moment_ns: int) -> float:
        """Motion between the end of a watched wait and a preview exposed at or after a moment.

        In preview pixels; 0 when not watched.
        """
        if settled.last is None:
            return 0.0
        return self._motion(settled.last, gray(self._first_from(moment_ns)))

    def _wait_fixed(self, cancelled: Callable[[], bool]) -> Settled:
        left_s = self._settings.settle_s
        while left_s > 0 and not cancelled():
            self._clock.sleep(min(SLICE_S, left_s))
            left_s -= SLICE_S
        return Settled(self._settings.settle_s - max(0.0, left_s), still=True)

    def _watch(self, cancelled: Callable[[], bool]) -> Settled:
        begun_ns, quiet, looks = self._clock.monotonic_ns(), 0, 0
        seen = [gray(self._first_from(self._camera.now_ns()))]
        while True:
            preview = self._camera.preview()
            now = gray(preview)
            self._note_floor(seen[-1], now)
            motion = max(self._motion(before, now) for before in seen)
            quiet = quiet + 1 if motion <= self._settings.still_px else 0
            seen, looks = [*seen, now][-LOOK_BACK:], looks + 1
            waited_s = (self._clock.monotonic_ns() - begun_ns) / 1e9
            too_long = waited_s >= self._settings.settle_limit_s and looks >= LEAST_LOOKS
            if quiet >= STILL_TIMES or too_long or cancelled():
                still = quiet >= STILL_TIMES
                exposed_ns = preview.timestamp_ns + preview.exposure.exposure_us * 1000
                return Settled(waited_s, still, motion, now, exposed_ns if still else None)

    def _first_from(self, moment_ns: int) -> Preview:
        """Previews wait in the camera's queue: those exposed before the moment say nothing about it."""
        for _ in range(STALE_PREVIEWS):
            preview = self._camera.preview()
            if preview.timestamp_ns >= moment_ns:
                break
        return preview

    def _note_floor(self, last: Gray, now: Gray) -> None:
        self._floor = min(self._floor, mean_square_difference(last, now))

    def _motion(self, last: Gray, now: Gray) -> float:
        return REDUCE * motion_px(last, now, self._floor * NOISE_MARGIN)


def gray(preview: Preview) -> Gray:
    """Brightness of a preview against its mean: flicker of the light is no motion.

    Returns float32, reduced by REDUCE each way.
    """
    luma = luma_of(preview.image).astype(np.float32)
    size = max(luma.shape[1] // REDUCE, 8), max(luma.shape[0] // REDUCE, 8)
    reduced = cv2.resize(luma, size, interpolation=cv2.INTER_AREA)
    scaled: Gray = (reduced / max(float(luma.mean()), 1.0)).astype(np.float32)
    return scaled


def mean_square_difference(a: Gray, b: Gray) -> float:
    """Mean of the squared difference of two pictures of the same shape."""
    return float(np.mean((a - b) ** 2))


def motion_px(a: Gray, b: Gray, noise: float) -> float:
    """How far the picture moved from a to b, in pixels, whatever the direction.

    a, b: (h, w) float32, same shape. noise: mean square difference of still pictures.
    A shift by v changes each pixel by v times the gradient along it (Lucas and Kanade, 1981), so
    v² = 2 E[difference²] / E[|gradient|²] for gradients of all directions. True below about one pixel; larger
    motions give a smaller figure, but a large one. 0 where the picture has no more gradient than noise.
    """
    gradient = gradient_energy(a) - noise / 2 * DERIVATIVE_NOISE
    if gradient <= max(noise / 2 * DERIVATIVE_NOISE, 1e-9):
        return 0.0
    return math.sqrt(2 * max(0.0, mean_square_difference(a, b) - noise) / gradient)


def gradient_energy(a: Gray) -> float:
    """Mean squared gradient, by the derivative of a cubic through five pixels."""
    across = (8 * (a[:, 3:-1] - a[:, 1:-3]) - (a[:, 4:] - a[:, :-4])) / 12
    down = (8 * (a[3:-1] - a[1:-3]) - (a[4:] - a[:-4])) / 12
    return float(np.mean(across**2) + np.mean(down**2))
