"""A camera that looks at a scene through the lens of the optical bench."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import simplejpeg

from rig.devices.camera import Coming, Exposure, Frame, Preview, Roi
from rig.devices.cameraerrors import capture_late, none_found, not_started
from rig.devices.exposurelock import check_within
from rig.devices.frame_timeline import LIMITS, READOUT_NS, SETTLED_FRAMES, FrameTimeline, quantise
from rig.devices.heap import give_back_memory
from rig.devices.optical_bench import OpticalBench
from rig.devices.scenes.ahead import Ahead
from rig.devices.scenes.canvas import SENSOR_MM
from rig.devices.scenes.surface import F32, U8
from rig.devices.scenes.view import Pose, SceneView
from rig.devices.sensor_sim import (
    DAYLIGHT_GAINS,
    ROOM_COLUMNS,
    ROOM_ROWS,
    development,
    hot_pixels,
    luma_eighth,
    vignette,
)
from rig.devices.yuv import even_box
from rig.errors import CameraError, CameraTimeoutError
from rig.saying import say

CONTROL_DELAY = 3  # frames until the sensor does what it was told
LOCK_TIMEOUT_S = 5.0
STRIP_ROWS = 64
JPEG_QUALITY = 94
CORNER_LOSS = 0.28  # of light, in the corners
TIDY_EVERY = 10  # previews; what drawing them leaves in the heap is as much as the scene itself
FREE_AFTER_S = 90.0  # full-size surfaces are let go when nothing was drawn of them for so long
Box = tuple[int, int, int, int]  # left, top, width, height in px

WHAT = {  # may come late, or never
    "lock": say("camera.a_lock", "lock"),
    "capture": say("camera.a_capture", "capture"),
    "preview": say("camera.a_preview", "preview"),
}


def _late(what: str, timeout_s: float) -> CameraTimeoutError:
    return CameraTimeoutError(
        say(
            "camera.late",
            "{what} was not delivered within {limit:g} s",
            what=WHAT[what],
            limit=timeout_s,
        )
    )


class _Undrawn(Preview):
    """A preview that is drawn when somebody looks: those that are only let pass cost nothing."""

    def __init__(self, draw: Callable[[], U8], seq: int, timestamp_ns: int, exposure: Exposure) -> None:
        for name, value in (
            ("_draw", draw),
            ("_drawing", threading.Lock()),  # the rig and a phone may look at the same time
            ("seq", seq),
            ("timestamp_ns", timestamp_ns),
            ("exposure", exposure),
        ):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name != "image":
            raise AttributeError(name)
        with self.__dict__["_drawing"]:
            if "image" not in self.__dict__:
                object.__setattr__(self, "image", self.__dict__["_draw"]())
        return self.__dict__["image"]


class SimCamera:
    """Frames of a scene, exposed when and where a free-running sensor would expose them."""

    name = "simulated camera"
    warning = None
    restarts = 0  # it leaves that to others
    limits = LIMITS

    def __init__(
        self,
        bench: OpticalBench,
        size: tuple[int, int] = (4056, 3040),
        *,
        preview_width_px: int = 1024,
        threads: int = 2,
    ) -> None:
        self.size = size
        self.pixel_um = SENSOR_MM[0] * 1000 / size[0]
        self._bench, self._clock, self._threads = bench, bench.clock, threads
        shrink = max(-(-size[0] // preview_width_px), 1)  # a whole number, as a sensor bins
        self.preview_size = size[0] // shrink, size[1] // shrink
        self._full = SceneView(bench.scene, size, bench.seed)
        same = self.preview_size == size
        self._small = (
            self._full if same else SceneView(bench.scene, self.preview_size, bench.seed, quick=True)
        )
        self._ahead = None if same else Ahead(self._full)
        self._timeline: FrameTimeline | None = None
        self._captures = 0
        self._seq = 0
        self._last_shown = -1
        self._last_full_ns = 0
        self._last_focus_um = bench.focus_um
        self._develop = lru_cache(maxsize=2)(development)

    # --- life -----------------------------------------------------------------------------------
    def start(self) -> None:
        """Ready for previews and captures when it returns."""
        if self._bench.faults.camera_absent:
            raise none_found()
        self._bench.powered = True
        self._small.draw()
        if self._timeline is None:
            red, blue = DAYLIGHT_GAINS
            ideal = Exposure(self._bench.scene.exposure_us, 1.0, (red, blue))
            self._timeline = FrameTimeline(self._clock.monotonic_ns(), ideal)
            self._last_shown = -1

    def stop(self) -> None:
        """Release the camera and everything drawn."""
        self._timeline = None
        if self._ahead is not None:
            self._ahead.forget()
        self._full.free()
        self._small.free()

    # --- exposure -------------------------------------------------------------------------------
    def lock(self, exposure: Exposure | None = None) -> Exposure:
        """Hold exposure, gain and white balance; returns what the sensor now does."""
        timeline = self._running()
        self._stall("lock", LOCK_TIMEOUT_S)
        frame = timeline.first_from(self._clock.monotonic_ns())
        if exposure is None:
            control = timeline.control_of(frame)
            if control.held is not None:
                return control.held
            frame = max(frame, control.first + SETTLED_FRAMES)
            exposure = timeline.ideal
        check_within(exposure, self.limits)
        held = quantise(exposure)
        timeline.change(frame + CONTROL_DELAY, held)
        self._wait_until(timeline.ready_at(frame + CONTROL_DELAY))
        return held

    def unlock(self) -> None:
        """Give exposure, gain and white balance back to automatic control."""
        timeline = self._running()
        frame = timeline.first_from(self._clock.monotonic_ns())
        if timeline.control_of(frame).held is not None:
            timeline.change(frame + CONTROL_DELAY, None)

    # --- pictures -------------------------------------------------------------------------------
    def preview(self, timeout_s: float = 2.0) -> Preview:
        """The next live picture; like a real one it was exposed a little while ago."""
        self._free_when_idle(self._clock.monotonic_ns())
        preview = self._shown(self._small, None, timeout_s)
        self._draw_ahead()
        return preview

    def loupe(self, roi: Roi, timeout_s: float = 2.0) -> Preview:
        """The next live picture of a part; see Camera. For the first one the scene is drawn at full size."""
        self._last_full_ns = self._clock.monotonic_ns()
        return self._shown(self._full, even_box(roi, self.size), timeout_s)

    def capture(self, not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        """One full frame whose exposure started at or after not_before_ns."""
        timeline = self._running()
        self._captures += 1
        self._break_on_request(timeout_s)
        self._stall("capture", timeout_s)
        frame = max(timeline.first_from(not_before_ns), timeline.newest_ready(self._clock.monotonic_ns()))
        if self._captures in self._bench.faults.lock_lost_at:
            timeline.change(frame, None)
        self._await_exposed(frame, timeout_s, "capture")
        exposure = timeline.exposure_of(frame)
        self._hit_on_request(timeline.start_of(frame), exposure)
        picture = self._drawing(timeline, self._full, frame)()
        self._last_full_ns = self._clock.monotonic_ns()
        jpeg = simplejpeg.encode_jpeg(picture, JPEG_QUALITY, "BGR", "420", fastdct=False)
        luma = luma_eighth(picture, (self.size[0] // 8, self.size[1] // 8))
        del picture
        if self._full is not self._small:
            give_back_memory()
        return Frame(jpeg, self.size, exposure, timeline.start_of(frame), luma)

    def coming(self, not_before_ns: int) -> Coming:
        """The first frame whose exposure will start at or after not_before_ns; see Camera."""
        return self._running().coming(not_before_ns)

    def now_ns(self) -> int:
        """The camera's monotonic clock, for not_before_ns."""
        return self._clock.monotonic_ns()

    # --- within ---------------------------------------------------------------------------------
    def _shown(self, view: SceneView, box: Box | None, timeout_s: float) -> Preview:
        timeline = self._running()
        self._stall("preview", timeout_s)
        frame = max(timeline.newest_ready(self._clock.monotonic_ns()), self._last_shown + 1)
        self._await_exposed(frame, timeout_s, "preview")
        self._last_shown = frame
        self._seq += 1
        draw = self._drawing(timeline, view, frame, box)
        return _Undrawn(draw, self._seq, timeline.start_of(frame), timeline.exposure_of(frame))

    def _running(self) -> FrameTimeline:
        if self._timeline is None:
            raise not_started()
        if not self._bench.powered:
            raise CameraError(say("camera.no_supply", "the camera has no supply; start it again"))
        return self._timeline

    def _stall(self, what: str, timeout_s: float) -> None:
        if what in self._bench.faults.camera_stalls:
            self._clock.sleep(timeout_s)
            raise _late(what, timeout_s)

    def _break_on_request(self, timeout_s: float) -> None:
        faults = self._bench.faults
        if self._captures in faults.camera_timeout_at:
            self._clock.sleep(timeout_s)
            raise capture_late(self._captures, timeout_s)
        if faults.brownout_at == self._captures:
            self._bench.powered = False
            raise CameraError(
                say(
                    "camera.supply_dipped",
                    "the supply dipped at capture {n} and the camera is gone",
                    n=self._captures,
                )
            )

    def _hit_on_request(self, start_ns: int, exposure: Exposure) -> None:
        faults = self._bench.faults
        if self._captures == faults.bump_at:
            self._bench.bump(start_ns)
        if self._captures == faults.knock_at:
            self._bench.come_to_rest(start_ns + exposure.exposure_us * 500)

    def _await_exposed(self, frame: int, timeout_s: float, what: str) -> None:
        """Wait for the end of a frame's exposure, when it could be handed out in time."""
        timeline = self._running()
        if (timeline.ready_at(frame) - self._clock.monotonic_ns()) / 1e9 > timeout_s:
            self._clock.sleep(timeout_s)
            raise _late(what, timeout_s)
        self._wait_until(timeline.start_of(frame) + timeline.exposure_of(frame).exposure_us * 1000)

    def _drawing(
        self, timeline: FrameTimeline, view: SceneView, frame: int, box: Box | None = None
    ) -> Callable[[], U8]:
        """What draws a frame while a camera would process it, and hands it out when that could.

        box: only that part. All it depends on is settled now, for later the focus moves on.
        """
        pose, exposure, ready_ns = (
            self._pose(timeline, frame),
            timeline.exposure_of(frame),
            timeline.ready_at(frame),
        )

        start_ns, exposure_ns = timeline.start_of(frame), exposure.exposure_us * 1000
        light = self._bench.brightness(start_ns, start_ns + exposure_ns)
        light *= exposure.exposure_us / (timeline.ideal.exposure_us * timeline.ideal.gain)
        height = view.size[1]
        # the rows are exposed one after the other: an instant of light reaches those open then, and no others
        flashed = self._bench.flashed(start_ns + READOUT_NS * np.arange(height) // height, exposure_ns)

        def draw() -> U8:
            picture = self._picture(view, pose, exposure, (light + flashed).astype(np.float32), frame, box)
            self._wait_until(ready_ns)
            return picture

        return draw

    def _draw_ahead(self) -> None:
        """Begin with the full frame: once the exposure is held and the focus stands, it will be asked for soon.

        The surfaces already when the focus moves at all. They are drawn while a camera would do nothing.
        """
        timeline, focus_um = self._running(), self._bench.focus_um
        moved, self._last_focus_um = focus_um != self._last_focus_um, focus_um
        held = timeline.control_of(self._last_shown).held is not None
        if self._ahead is not None and (held or moved):
            self._last_full_ns = self._clock.monotonic_ns()
            self._ahead.begin(focus_um if held else None)

    def _wait_until(self, t_ns: int) -> None:
        self._clock.sleep((t_ns - self._clock.monotonic_ns()) / 1e9)

    def _free_when_idle(self, now_ns: int) -> None:
        if self._seq % TIDY_EVERY == 0:
            give_back_memory()
        if self._full is not self._small and (now_ns - self._last_full_ns) / 1e9 > FREE_AFTER_S:
            if self._ahead is not None:
                self._ahead.forget()
            self._full.free()

    def _picture(
        self,
        view: SceneView,
        pose: Pose,
        exposure: Exposure,
        light: F32,
        frame: int,
        box: Box | None = None,
    ) -> U8:
        """The frame, or a part of it, as BGR; strips are drawn by several threads straight into the picture.

        light: (h,) what each row was given, of a full exposure at gain 1.
        """
        exposed = view.expose(pose)
        width, height = view.size
        tables = self._develop(exposure.gain, exposure.colour_gains, (width, STRIP_ROWS), self._bench.seed)
        brightness = (light * np.float32(exposure.gain))[:, np.newaxis]
        left, top, wide, high = box or (0, 0, width, height)
        first = top - top % STRIP_ROWS
        last = min(-(-(top + high) // STRIP_ROWS) * STRIP_ROWS, height)
        picture = np.empty((last - first, width, 3), np.uint8)

        def draw(top: int) -> None:
            rows = min(STRIP_ROWS, height - top)
            falloff = vignette(view.size, top, rows, CORNER_LOSS) * brightness[top : top + rows]
            rng = np.random.default_rng([self._bench.seed, frame, top])
            shift = int(rng.integers(ROOM_COLUMNS)), int(rng.integers(ROOM_ROWS))
            picture[top - first : top - first + rows] = tables.develop(
                exposed.rows(top, rows), falloff, shift
            )

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(draw, range(first, last, STRIP_ROWS)))
        self._heat(picture, exposure, view.size, first)
        return (
            picture if box is None else picture[top - first : top - first + high, left : left + wide].copy()
        )

    def _heat(self, picture: U8, exposure: Exposure, size: tuple[int, int], first: int) -> None:
        """Pixels that glow, the more the longer the exposure. first: row of the frame that the picture begins with."""
        glow = min(round(90 * exposure.exposure_us * exposure.gain / 20_000), 255)
        x, y, channel = hot_pixels(size, self._bench.seed).T
        inside = (y >= first) & (y < first + len(picture))
        x, y, channel = x[inside], y[inside] - first, channel[inside]
        picture[y, x, channel] = np.maximum(picture[y, x, channel], glow)

    def _pose(self, timeline: FrameTimeline, frame: int) -> Pose:
        """Where the optics were in the middle of the exposure, and how far the picture moved meanwhile.

        By a flash there is nothing to be seen but its instant.
        """
        start_ns, exposure_ns = timeline.start_of(frame), timeline.exposure_of(frame).exposure_us * 1000
        instant_ns = self._bench.flash_within(start_ns, start_ns + exposure_ns)
        moments = [start_ns + exposure_ns * i // 8 if instant_ns is None else instant_ns for i in range(9)]
        shifts = np.array([self._bench.shift_um_at(t) for t in moments])
        shift, low, high = shifts.mean(axis=0), shifts.min(axis=0), shifts.max(axis=0)
        smear = (high - low) * np.sign(shifts[-1] - shifts[0])
        return Pose(
            self._bench.focus_um_at(moments[4]),
            (float(shift[0]), float(shift[1])),
            (float(smear[0]), float(smear[1])),
        )
