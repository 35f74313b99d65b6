"""A scene at one frame size: what falls on the sensor, strip by strip."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from rig.devices.heap import give_back_memory
from rig.devices.scenes.blur import QUICK_STEPS_PX, STEPS_PX
from rig.devices.scenes.canvas import SENSOR_MM, Canvas
from rig.devices.scenes.keptrows import KeptRows, Rows
from rig.devices.scenes.light import Half, from_half, to_half
from rig.devices.scenes.render import THREADS, FocusedScene
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.surface import F32, Surface

BREATHING_CENTRE = (0.03, -0.02)  # the axis misses the middle of the sensor by these shares of its size
SPARE_ROWS = 6  # for the diffraction blur and the interpolation

KEPT_WIDTH = 1100  # surfaces for frames up to this wide are shared by all views


@lru_cache(maxsize=3)
def _draw_once(scene: Scene, canvas: Canvas) -> list[Surface]:
    """Small surfaces, kept while the program runs: they take seconds to draw and few megabytes."""
    return scene.build(canvas)


@dataclass(frozen=True)
class Pose:
    """The state of the optics during one exposure."""

    focus_um: float
    shift_um: tuple[float, float] = (0.0, 0.0)  # of the picture on the sensor
    smear_um: tuple[float, float] = (0.0, 0.0)  # way travelled on the sensor during the exposure


class SceneView:
    """Draws a scene for one frame size. The surfaces are drawn on first use and kept until free().

    quick: coarser blur, for previews.
    """

    def __init__(self, scene: Scene, size: tuple[int, int], seed: int, *, quick: bool = False) -> None:
        self._steps = QUICK_STEPS_PX if quick else STEPS_PX
        self.scene, self.size = scene, size
        self.pitch_um = SENSOR_MM[0] * 1000 / size[0]
        self._canvas = Canvas(size, scene.lens.magnification, seed)
        self._guard = threading.Lock()
        self._surfaces: list[Surface] | None = None
        self._focused: tuple[float, KeptRows] | None = None
        self._last: Exposed | None = None

    def free(self) -> None:
        """Let go of everything drawn."""
        with self._guard:
            self._surfaces = self._focused = self._last = None
        give_back_memory()

    @property
    def drawn(self) -> bool:
        """True while surfaces are kept."""
        return self._surfaces is not None

    def draw(self, focus_um: float | None = None, enough: Callable[[], bool] = lambda: False) -> None:
        """Draw now rather than at the first exposure: the surfaces, and all rows of a focus until it is enough."""
        if focus_um is None:
            self._built()
            return
        rows = self._focus(focus_um)

        def draw(number: int) -> None:
            if not enough():
                rows.band(number)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(draw, range(rows.bands)))

    def expose(self, pose: Pose) -> Exposed:
        """The picture with this focus, still in linear light; its rows are drawn when asked for."""
        if self._last is not None and self._last.pose == pose:
            return self._last
        self._last = None  # nothing may hold the old one while the next is drawn
        exposed = Exposed(self, self._focus(pose.focus_um), pose, keep=self.size[0] <= KEPT_WIDTH)
        self._last = exposed
        return exposed

    def blur_px(self, z_um: float, focus_um: float) -> float:
        """Signed diameter on this frame of a point at depth z."""
        return self.scene.lens.blur_um(z_um, focus_um) / self.pitch_um

    def _built(self) -> list[Surface]:
        with self._guard:
            if self._surfaces is None:
                small = self.size[0] <= KEPT_WIDTH
                self._surfaces = (
                    _draw_once(self.scene, self._canvas) if small else self.scene.build(self._canvas)
                )
                give_back_memory()
            return self._surfaces

    def _focus(self, focus_um: float) -> KeptRows:
        surfaces = self._built()
        with self._guard:
            if self._focused is None or self._focused[0] != focus_um:
                self._focused = None  # free the old one first
                focused = FocusedScene(
                    surfaces, lambda z: self.blur_px(z, focus_um), self._canvas.size_px, self._steps
                )
                self._focused = focus_um, KeptRows(focused)
                if self.size[0] > KEPT_WIDTH:
                    give_back_memory()
            return self._focused[1]


class Exposed:
    """One exposure's light on the sensor. keep: remember rows drawn, for a still scene is asked for again."""

    def __init__(self, view: SceneView, focused: Rows, pose: Pose, keep: bool = False) -> None:
        self.pose = pose
        self._kept: dict[tuple[int, int], Half] | None = {} if keep else None
        self._view, self._focused = view, focused
        self._scale = view.scene.lens.breathing_scale(pose.focus_um)
        self._shift_px = tuple(s / view.pitch_um for s in pose.shift_um)
        self._smear_px = (pose.smear_um[0] / view.pitch_um, pose.smear_um[1] / view.pitch_um)
        self._sigma_px = view.scene.lens.diffraction_sigma_um / view.pitch_um

    def rows(self, top: int, count: int) -> F32:
        """Linear light (count, width, 3) BGR of these rows of the frame; may be called from any thread."""
        if self._kept is None:
            return self._draw(top, count)
        if (top, count) not in self._kept:  # half precision: a sixth of the last bit that a frame has
            self._kept[top, count] = to_half(self._draw(top, count))
        return from_half(self._kept[top, count])

    def _draw(self, top: int, count: int) -> F32:
        width, height = self._view.size
        canvas_w, canvas_h = self._focused.canvas
        axis = [side * (0.5 + off) for side, off in zip((width, height), BREATHING_CENTRE, strict=True)]
        # frame pixel p shows canvas point (p - axis - shift) / scale + axis + margin
        margin = ((canvas_w - width) / 2, (canvas_h - height) / 2)
        inverse = 1 / self._scale
        offset = [margin[i] + axis[i] - (axis[i] + self._shift_px[i]) * inverse for i in (0, 1)]
        spare = SPARE_ROWS + math.ceil(abs(self._smear_px[1]))
        first = math.floor(top * inverse + offset[1]) - spare
        last = math.ceil((top + count) * inverse + offset[1]) + spare
        first_in, last_in = min(max(first, 0), canvas_h - 1), max(min(last, canvas_h), 1)
        light = self._soften(self._focused.rows(first_in, last_in - first_in))
        matrix = np.array([[inverse, 0, offset[0]], [0, inverse, offset[1] + top * inverse - first_in]])
        matrix[:, 2] += 0.5 * (inverse - 1)  # from pixel edges to pixel middles
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpAffine(light, matrix, (width, count), flags=flags, borderMode=cv2.BORDER_REPLICATE),
            np.float32,
        )

    def _soften(self, light: F32) -> F32:
        """Diffraction, and the way the picture travelled during the exposure."""
        if self._sigma_px > 0.25:
            light = np.asarray(cv2.GaussianBlur(light, (5, 5), self._sigma_px), np.float32)
        if math.hypot(*self._smear_px) > 0.4:
            light = np.asarray(cv2.filter2D(light, -1, smear_kernel(self._smear_px)), np.float32)
        return light


def smear_kernel(way_px: tuple[float, float]) -> F32:
    """Line of light along the way a point travelled; sums to 1."""
    reach = math.ceil(max(abs(way_px[0]), abs(way_px[1])) / 2) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for t in np.linspace(-0.5, 0.5, 8 * reach + 1):
        x, y = t * way_px[0] + reach, t * way_px[1] + reach
        column, row = int(x), int(y)
        fx, fy = x - column, y - row
        kernel[row : row + 2, column : column + 2] += np.outer([1 - fy, fy], [1 - fx, fx])
    return np.asarray(kernel / kernel.sum(), np.float32)
