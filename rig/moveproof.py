"""Whether the drive moves at all: go far enough that the picture must change, and look whether it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rig.config import Settings
from rig.devices.camera import Preview
from rig.focuser import Focuser
from rig.freshpreview import PreviewSource, fresh_preview
from rig.lens import depth_of_field_um, working_f_number
from rig.sharpness import luma_of

Map = npt.NDArray[np.float32]

LEAST_DEPTHS = 4.0  # depths of field to go
FARTHER_S = 20.0  # of moving beyond that, when nothing has changed there: before anybody is blamed
BLUR_PX = 8.0  # preview pixels by which the blur of everything changes on the way
SENSOR_WIDTH_UM = 6287.0  # of the HQ camera
TILES = (12, 16)  # rows, columns of the picture, looked at one by one: a subject may fill few of them
LEAST_TILES = 12  # with something to see in them
LEAST_DETAIL = 1e-5  # squared gradient against squared brightness; a blank wall has less
OVER_NOISE = 0.5  # of what noise alone shows in one picture: what two have in common is detail from there on
# Of the tiles' logarithms, three quarters within so many times what they are within without a move (0.01, at high
# gain 0.05); at most what a moving drive shows half of.
NOISE_TIMES, LEAST_APART, MOST_APART = 3.0, 0.02, 0.2
SAME_SHAPE = 0.5  # correlation of the gradients: the same thing in the same place, if it sways a little


def moves(
    camera: PreviewSource,
    focuser: Focuser,
    settings: Settings,
    settle: Callable[[], object],
    cancelled: Callable[[], bool],
) -> bool | None:
    """Whether the picture changes when the drive is sent away; None where it shows too little to tell.

    The focus is left elsewhere. Exposure must be locked. Two places are looked at, for of something flat the one
    may happen to be as far out of focus as where it stood; and one much farther, for the settings may take steps for
    larger than they are. Wind counts as change: in doubt the drive moves.
    Raises CameraTimeoutError, MotorError.
    """
    here = focuser.position_steps
    places = _places(here, way_steps(settings, _look_width(camera)), focuser)
    if not places:
        return None
    seen = look(camera)
    calm = difference(seen, look(camera))
    if calm is None:
        return None
    for place in places:
        focuser.goto(place, cancelled)
        settle()
        if cancelled():
            return None
        now = difference(seen, look(camera))
        if now is None:
            return None
        if not now.is_none(calm):
            return True
    return False


def way_steps(settings: Settings, width_px: int) -> float:
    """So far everything in the picture changes its blur: by BLUR_PX, and by several depths of field."""
    optics = settings.optics
    pixel_um = SENSOR_WIDTH_UM / max(width_px, 1)
    blur_um = BLUR_PX * pixel_um * working_f_number(optics) / optics.magnification**2
    return max(blur_um, LEAST_DEPTHS * depth_of_field_um(optics)) * settings.motor.steps_per_um


def _look_width(camera: PreviewSource) -> int:
    return int(camera.preview().image.shape[1])


def _places(here: int, way: float, focuser: Focuser) -> tuple[int, ...]:
    """Half the way, the whole of it, and far beyond; none where the travel has no room for the whole."""
    for sign in (1, -1):
        end = here + sign * round(way)
        if focuser.clamped(end) == end:
            beyond = focuser.clamped(end + sign * round(FARTHER_S * focuser.settings.steps_per_s))
            return here + sign * round(way / 2), end, beyond
    return ()


@dataclass(frozen=True)
class Look:
    """The gradients of two pictures, one right after the other: what they have in common is no noise."""

    first: tuple[Map, Map]  # across, down
    second: tuple[Map, Map]

    @property
    def detail(self) -> Map:
        """Squared gradient per tile, free of noise."""
        return _in_common(self.first, self.second)

    @property
    def noise(self) -> float:
        """What noise adds to the squared gradient of one picture."""
        pairs = zip(self.first, self.second, strict=True)
        return float(sum(np.mean((a - b) ** 2) for a, b in pairs)) / 2


def look(camera: PreviewSource) -> Look:
    """What is to be seen now."""
    first = fresh_preview(camera)
    return Look(_gradients(first), _gradients(camera.preview()))


@dataclass(frozen=True)
class Difference:
    """Between two looks."""

    apart: float  # of the logarithms of the tiles' detail, three quarters are within this
    alike: float  # correlation of the gradients, usually

    def is_none(self, calm: Difference) -> bool:
        """Whether both showed the same. calm: between two looks from one place."""
        most = min(NOISE_TIMES * calm.apart + LEAST_APART, MOST_APART)
        return self.apart < most and self.alike > SAME_SHAPE


def difference(before: Look, after: Look) -> Difference | None:
    """How far two looks differ in sharpness and in place; None where there is too little to see."""
    a, b = before.detail, after.detail
    floor = max(OVER_NOISE * max(before.noise, after.noise), LEAST_DETAIL)
    seen = np.maximum(a, b) > floor
    if np.count_nonzero(seen) < LEAST_TILES:
        return None
    a, b = np.maximum(a[seen], floor / 4), np.maximum(b[seen], floor / 4)
    shared = _in_common(before.first, after.first)[seen]
    apart = float(np.quantile(np.abs(np.log(b / a)), 0.75))
    return Difference(apart, float(np.median(shared / np.sqrt(a * b))))


def _gradients(preview: Preview) -> tuple[Map, Map]:
    # the median takes hot pixels away, which stay as sharp as they are wherever the focus is
    luma = cv2.medianBlur(luma_of(preview.image), 3).astype(np.float32)
    smooth = cv2.GaussianBlur(luma / max(float(luma.mean()), 1.0), (3, 3), 0)
    across, down = (cv2.Sobel(smooth, cv2.CV_32F, *way, ksize=3, scale=1 / 8) for way in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _in_common(a: tuple[Map, Map], b: tuple[Map, Map]) -> Map:
    rows, columns = TILES
    product = a[0] * b[0] + a[1] * b[1]
    return np.asarray(cv2.resize(product, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
