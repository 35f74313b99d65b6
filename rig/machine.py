"""The devices as one machine: started, brought to a known focus position, read, and left safe."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from rig.byhand import check_by_hand
from rig.config import Settings
from rig.devices.build import Devices, build_devices
from rig.devices.camera import Camera, Coming, Exposure, Frame, Image, Limits, Preview, Roi
from rig.devices.gpio import kept_here
from rig.devices.gpiolines import users
from rig.devices.panel import Hold, Press, Signal
from rig.errors import CameraError, CameraTimeoutError, NotAllowedError, RigError
from rig.flashtime import check_time_for_flash
from rig.focuser import Focuser
from rig.saying import Said, say
from rig.status import FocusStatus

Build = Callable[[Settings], Devices]

CLOSE_WAIT_S = 30.0  # for the camera; a preview takes seconds, reopening a hung one included
LOUPE_TURN_S = 0.5  # the live picture of another phone is read nearly all the time: wait for the gap after it
DEVICE_PARTS = {"camera", "motor", "panel", "flash"}  # of the settings, that drivers are made from
FOCUSER_SETTINGS = {  # but these are the focuser's, which is made anew in a moment
    "motor.steps_per_um",
    "motor.min_steps",
    "motor.max_steps",
    "motor.backlash_steps",
    "motor.home_margin_steps",
}


class Machine:
    """Camera, focus drive and panel. start() and close() are for the thread that owns the motor."""

    def __init__(self, settings: Settings, build: Build = build_devices) -> None:
        self.settings = settings  # once started: with the lens and travel that a simulated rig brings
        self._asked = settings
        self._build = build
        self._devices: Devices | None = None
        self._focuser: Focuser | None = None
        self._camera_lock = threading.Lock()  # held by whoever reads the camera: previews, or a bracket
        self._showing = threading.RLock()
        self._shown, self._going_off = Signal.OFF, False  # what the panel is to show; whether it stays dark
        self._wanted = threading.Event()  # a bracket waits for the camera: previews stand back

    # --- life -----------------------------------------------------------------------------------
    def start(
        self, on_press: Callable[[Press], None], on_hold: Callable[[Hold], None] = lambda hold: None
    ) -> Devices:
        """Build and start the devices; a camera that gives pictures when it returns. Raises RigError."""
        self.close()
        self._devices = self._build(self._asked)
        self.settings = self._devices.settings
        self._focuser = Focuser(self._devices.motor, self.settings.motor)
        self._devices.panel.on_press(on_press)
        self._devices.panel.on_hold(on_hold)
        with self.camera() as camera:
            camera.start()
        return self._devices

    def find_position(self, remembered_steps: int | None, cancelled: Callable[[], bool]) -> Said | None:
        """Home; without endstop believe it stands where it stood. A sentence when that is unsure."""
        focuser = self.focuser
        if focuser.has_endstop:
            if focuser.home(cancelled) or not cancelled():
                return None
            return say(
                "endstop.search_stopped",
                "looking for the endstop was stopped: focus positions are not reliable until the next start",
            )
        if remembered_steps is not None:
            self.devices.motor.set_position(remembered_steps)
            return None
        self.devices.motor.set_position(self.settings.motor.min_steps)
        return say(
            "endstop.none", "there is no endstop: the present focus counts as the near end of the travel"
        )

    def adopt(self, changes: Mapping[str, Any]) -> bool:
        """Take changed settings, by dotted name; True when the devices have to be started again for them.

        Raises ConfigError, and nothing has changed then.
        """
        self._asked, self.settings = self._asked.changed(changes), self.settings.changed(changes)
        if self._devices is not None and self._focuser is not None:
            self._focuser = Focuser(self._devices.motor, self.settings.motor, self._focuser.homed)
        return any(name.split(".")[0] in DEVICE_PARTS and name not in FOCUSER_SETTINGS for name in changes)

    def close(self) -> None:
        """Motor and lines safe, camera released. Safe in every state and to call twice."""
        taken = self._take_camera(
            CLOSE_WAIT_S
        )  # a preview under way comes to its end first, or hangs for good
        try:
            devices, self._devices = self._devices, None
            if devices is not None:
                devices.close()
        finally:
            if taken:
                self._camera_lock.release()

    # --- parts ----------------------------------------------------------------------------------
    @property
    def devices(self) -> Devices:
        """The devices. Raises NotAllowedError while there are none."""
        if self._devices is None:
            raise NotAllowedError(say("action.devices_not_started", "the devices are not started"))
        return self._devices

    @property
    def focuser(self) -> Focuser:
        """The focus drive. Raises NotAllowedError before the first start."""
        if self._focuser is None:
            raise NotAllowedError(say("action.drive_not_started", "the focus drive is not started"))
        return self._focuser

    def check_by_hand(self, settings: Settings) -> None:
        """Raise ConfigError for a time or gain that the camera cannot do, where it is known what it can."""
        try:
            limits = self.devices.camera.limits
        except (CameraError, NotAllowedError):  # not started: it cannot be asked
            return
        check_by_hand(settings.camera, limits)
        check_time_for_flash(settings.camera, settings.flash, limits)

    def lines_are_free(self) -> bool:
        """Whether nobody else has a GPIO line that the settings name; False also where the kernel does not tell."""
        wanted = {pin for pin in self._asked.pins.values() if pin}
        found = users(wanted - kept_here)
        return found is not None and not found

    @property
    def has_endstop(self) -> bool:
        """Whether positions count from an endstop; False as well while there are no devices."""
        return self._focuser is not None and self._focuser.has_endstop

    @contextmanager
    def camera(self) -> Iterator[Camera]:
        """The camera, for this thread alone."""
        self._take_camera()
        try:
            yield self.devices.camera
        finally:
            self._camera_lock.release()

    @contextmanager
    def camera_lent(self) -> Iterator[None]:
        """Within camera(): let others look while this thread has nothing to expose."""
        self._camera_lock.release()
        try:
            yield
        finally:
            self._take_camera()

    @contextmanager
    def camera_shown(self, show: Callable[[Callable[[], Image]], None]) -> Iterator[Camera]:
        """The camera for this thread alone; who looks sees the previews it reads."""
        with self.camera() as camera:
            yield _Shown(camera, show)

    def _take_camera(self, limit_s: float = -1) -> bool:
        """limit_s: give up after so long; -1: never."""
        self._wanted.set()
        taken = self._camera_lock.acquire(timeout=limit_s)
        self._wanted.clear()
        return taken

    @contextmanager
    def lit(self) -> Iterator[None]:
        """The rig's light on, where there is one; a light that stays on must not spoil a bracket."""
        light = self.devices.light
        if light is None:
            yield
            return
        light.on()
        try:
            yield
        finally:
            with contextlib.suppress(RigError):
                light.off()

    @contextmanager
    def unlit(self, back: Callable[[], bool]) -> Iterator[None]:
        """Within lit(): the light off meanwhile, and on again at the end where back() says so. Raises GpioError."""
        light = self.devices.light
        if light is None or not light.lit:
            yield
            return
        with contextlib.suppress(RigError):
            light.off()
        yield
        if back():
            light.on()

    # --- stopping -------------------------------------------------------------------------------
    def halt(self) -> None:
        """Stop the motor within one step, from any thread; nothing moves until the focuser is rearmed."""
        if self._focuser is not None:
            self._focuser.stop()

    def make_safe(self) -> None:
        """No current through a motor that nobody watches."""
        if self._focuser is not None:
            with contextlib.suppress(RigError):
                self._focuser.release()

    # --- looking --------------------------------------------------------------------------------
    def preview(self, roi: Roi | None = None) -> tuple[Preview, int] | None:
        """The next live picture and its age in ms; None while the camera is used for a bracket.

        roi: only this part of it, by the sensor's own pixels. A camera that times out is restarted once, unless
        it has reopened itself in vain. Raises CameraError.
        """
        patience_s = 0.0 if roi is None else LOUPE_TURN_S
        if self._wanted.is_set() or not self._camera_lock.acquire(timeout=patience_s):
            return None
        try:
            devices = self._devices
            if devices is None:
                return None
            camera = devices.camera
            look = camera.preview if roi is None else partial(camera.loupe, roi)
            try:
                preview = look()
            except CameraTimeoutError:
                camera.stop()
                camera.start()
                preview = look()
            _ = preview.image  # a simulated one takes its time when it is first looked at
            age_ns = devices.camera.now_ns() - preview.timestamp_ns
            return preview, max(0, round(age_ns / 1e6))
        finally:
            self._camera_lock.release()

    def focus(self, near_steps: int | None, far_steps: int | None) -> FocusStatus:
        """Where the focus drive is, as a value."""
        motor = self.settings.motor
        position = self._focuser.position_steps if self._focuser is not None else motor.min_steps
        return FocusStatus(
            position_steps=position,
            position_um=round(position / motor.steps_per_um, 3),
            min_steps=motor.min_steps,
            max_steps=motor.max_steps,
            near_steps=near_steps,
            far_steps=far_steps,
        )

    def show(self, signal: Signal) -> None:
        """Tell the panel; a panel that fails must not stop a bracket. While the rig switches off it stays dark."""
        with self._showing:
            if signal is not Signal.REFUSED:
                self._shown = signal
            if self._devices is not None and not self._going_off:
                with contextlib.suppress(RigError):
                    self._devices.panel.show(signal)

    def go_off(self) -> None:
        """The panel dark for good: whatever still ends meanwhile is not ready for anything."""
        with self._showing:
            before = self._shown
            self.show(Signal.OFF)
            self._going_off, self._shown = True, before

    def stay_on(self) -> None:
        """It does not switch off after all: the panel shows what there is to show now."""
        with self._showing:
            self._going_off = False
            self.show(self._shown)


class _Shown:
    """A camera whose previews are also shown to whoever looks."""

    def __init__(self, camera: Camera, show: Callable[[Callable[[], Image]], None]) -> None:
        self._camera = camera
        self._show = show
        self.name = camera.name
        self.size = camera.size
        self.pixel_um = camera.pixel_um

    @property
    def warning(self) -> Said | None:
        return self._camera.warning

    @property
    def restarts(self) -> int:
        return self._camera.restarts

    @property
    def limits(self) -> Limits:
        return self._camera.limits

    def start(self) -> None:
        self._camera.start()

    def stop(self) -> None:
        self._camera.stop()

    def lock(self, exposure: Exposure | None = None) -> Exposure:
        return self._camera.lock(exposure)

    def unlock(self) -> None:
        self._camera.unlock()

    def preview(self, timeout_s: float = 2.0) -> Preview:
        preview = self._camera.preview(timeout_s)
        self._show(
            lambda: preview.image
        )  # those that nobody looks at, neither here nor there, need not be drawn
        return preview

    def loupe(self, roi: Roi, timeout_s: float = 2.0) -> Preview:
        return self._camera.loupe(roi, timeout_s)

    def capture(self, not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        return self._camera.capture(not_before_ns, timeout_s)

    def coming(self, not_before_ns: int) -> Coming:
        return self._camera.coming(not_before_ns)

    def now_ns(self) -> int:
        return self._camera.now_ns()
