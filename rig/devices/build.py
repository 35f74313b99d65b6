"""Settings -> Devices: the one place that picks real or simulated. Real drivers are imported when chosen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2

from rig.config import NOT_FITTED, Settings
from rig.devices.camera import Camera
from rig.devices.clock import Clock, RealClock
from rig.devices.flash import Flash
from rig.devices.light import Light
from rig.devices.motor import FocusMotor
from rig.devices.panel import Panel
from rig.errors import CameraError, ConfigError, GpioError, RigError
from rig.lens import focus_step_um
from rig.saying import Said, say

if TYPE_CHECKING:
    from rig.devices.build_sim import SimDevices
    from rig.devices.gpio import Gpio

FULL_SIZE_PX = (4056, 3040)
# More than the simulated mechanics lose, and the distance kept from the simulated endstop.
SIM_BACKLASH_STEPS = 24
SIM_MARGIN_STEPS = 10
SIM_ROOM = 0.001  # of daylight, in the darkened room that a flash is used in
REPLAY_GAP_STEPS = 50  # between the frames of a replay; any number will do


@dataclass(frozen=True)
class Suggestion:
    """A bracket that suits a simulated subject, for a demonstration without jogging."""

    near_steps: int
    far_steps: int
    step_steps: int | None  # None: from the optics


@dataclass(frozen=True)
class Devices:
    """Everything with a plug, real or simulated, and the settings that fit it."""

    camera: Camera
    motor: FocusMotor
    panel: Panel
    clock: Clock
    settings: Settings  # as given; a simulated rig brings its own lens and travel
    light: Light | None = None
    flash: Flash | None = None
    simulated: str | None = None  # name of the scene; None on a real rig
    suggestion: Suggestion | None = None
    warnings: tuple[Said, ...] = ()  # what is missing although the rig works
    release_lines: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Motor and lines safe, camera released. Safe to call twice; a broken device stops no other."""
        for release in (
            self._dark,
            self.motor.release,
            self.camera.stop,
            self.panel.close,
            self.release_lines,
        ):
            with contextlib.suppress(RigError):
                release()

    def _dark(self) -> None:
        if self.light is not None:
            self.light.off()


def build_devices(
    settings: Settings,
    sim: str | None = None,
    *,
    clock: Clock | None = None,
    size_px: tuple[int, int] | None = None,
    find_camera: Callable[[], str | None] | None = None,
) -> Devices:
    """The devices these settings ask for; nothing is started or moved yet.

    sim: a scene's name or "replay:FOLDER", in place of what the settings say. size_px: of simulated frames,
    else camera.sim_width_px wide.
    find_camera: why there is no camera, None when there is one; asked when the driver is "auto".
    Raises ConfigError for an unknown scene, CameraError or GpioError when a chosen driver cannot start.
    """
    # The rig's pictures are small: waking further threads for them costs more than it saves.
    cv2.setNumThreads(1)
    camera = settings.camera
    size_px = size_px or sim_size(camera.sim_width_px)
    if sim is not None:
        return _simulated(settings, sim, clock, size_px)
    if camera.driver == "sim":
        return _simulated(settings, camera.scene, clock, size_px)
    if camera.driver == "replay":
        return _simulated(settings, f"replay:{camera.replay_folder}", clock, size_px)
    if camera.driver == "auto":
        missing = (find_camera or why_no_camera)()
        if missing is not None:
            return _simulated(
                settings,
                camera.scene,
                clock,
                size_px,
                (say("sim.used", "{why}: this is the simulated rig", why=missing),),
            )
    return _real(settings, clock or RealClock())


def sim_size(width_px: int) -> tuple[int, int]:
    """Width and height of a simulated frame of this width: the sensor's shape, even numbers."""
    return width_px // 2 * 2, round(width_px * FULL_SIZE_PX[1] / FULL_SIZE_PX[0] / 2) * 2


def why_no_camera() -> Said | None:
    """Why no Raspberry Pi camera can be used, as the start of a sentence; None when there is one."""
    from rig.devices.camera_picamera2 import load_library

    try:
        picamera2: Any = load_library().open
        found = picamera2.global_camera_info()
    except (CameraError, AttributeError, RuntimeError, OSError) as error:
        return say("camera.unusable", "No camera: {why}", why=error)
    return None if found else say("camera.not_connected", "No camera is connected")


def simulated_settings(settings: Settings, found: SimDevices) -> Settings:
    """The settings with the lens and the travel of a simulated rig; the rest stays the user's."""
    scene, replayed = found.scene, replayed_frames(found)
    backlash, margin = (SIM_BACKLASH_STEPS, SIM_MARGIN_STEPS) if replayed is None else (0, 1)
    fitting = settings.changed(
        {
            "optics.magnification": scene.lens.magnification,
            "optics.f_number": scene.lens.f_number,
            "optics.pupil_ratio": 1.0,
            "motor.driver": "sim",
            "motor.steps_per_um": scene.steps_per_um,
            "motor.steps_per_s": found.motor.steps_per_s,
            "motor.backlash_steps": backlash,
            "motor.home_margin_steps": margin,
            "motor.min_steps": backlash + margin,  # so that the endstop is position 0, as the scenes count
            "motor.max_steps": scene.travel_steps,
        }
    )
    if replayed is None:
        return fitting
    # How far apart the frames were shot is not known: they count as one focus step apart.
    return fitting.changed({"motor.steps_per_um": REPLAY_GAP_STEPS / focus_step_um(fitting.optics)})


def replayed_frames(found: SimDevices) -> int | None:
    """How many frames a replay answers with; None when it is no replay."""
    from rig.devices.camera_replay import ReplayCamera

    return len(found.camera.replay.paths) if isinstance(found.camera, ReplayCamera) else None


def _simulated(
    settings: Settings,
    name: str,
    clock: Clock | None,
    size_px: tuple[int, int],
    warnings: tuple[Said, ...] = (),
) -> Devices:
    from rig.devices.build_sim import REPLAY, simulated_devices
    from rig.devices.flash_sim import SimFlash
    from rig.devices.light_sim import SimLight
    from rig.devices.optical_bench import Mechanics

    # Frames shot elsewhere are to be met exactly: their drive has no play, and its travel fits their number.
    played_again = name.startswith(REPLAY)
    mechanics = Mechanics(backlash_steps=0, start_at=0.0) if played_again else Mechanics()
    flashed = settings.flash.pin != NOT_FITTED and not played_again
    if flashed:
        mechanics = replace(mechanics, daylight=SIM_ROOM)
    found = simulated_devices(
        name,
        size=size_px,
        clock=clock,
        mechanics=mechanics,
        preview_width_px=settings.camera.preview_width_px,
    )
    if settings.flash.pin and played_again:
        warnings = (
            *warnings,
            say("replay.no_flash", "Frames that are played again are not lit by the flash."),
        )
    replayed = replayed_frames(found)
    if replayed is not None:
        travel_um = (0.0, REPLAY_GAP_STEPS * max(replayed - 1, 1) / found.scene.steps_per_um)
        found.bench.scene = replace(found.scene, travel_um=travel_um)
    fitting = simulated_settings(settings, found)
    return Devices(
        camera=found.camera,
        motor=found.motor,
        panel=found.panel,
        clock=found.bench.clock,
        settings=fitting,
        light=SimLight(found.bench, settings.panel.light_lead_s),
        flash=SimFlash(found.bench, settings.flash.pulse_ms / 1000) if flashed else None,
        simulated=name,
        suggestion=_suggest(fitting, found),
        warnings=warnings,
    )


def _suggest(settings: Settings, found: SimDevices) -> Suggestion:
    low, high = settings.motor.min_steps, settings.motor.max_steps
    replayed = replayed_frames(found)
    if replayed is not None:
        return Suggestion(low, high if replayed > 1 else low, None)
    near, far = found.scene.textured_range_steps
    return Suggestion(max(near, low), min(far, high), None)


def _real(settings: Settings, clock: Clock) -> Devices:
    from rig.devices.camera_picamera2 import Picamera2Camera

    warnings: list[Said] = []
    with contextlib.ExitStack() as built:  # closed again where one that follows cannot be built
        gpio = _gpio(settings, warnings)
        release_lines = gpio.close if gpio is not None else lambda: None
        built.callback(release_lines)
        camera = Picamera2Camera(settings.camera)
        if settings.motor.driver == "none":
            # Nothing to take up, so that the one position there is can be "gone to".
            settings = settings.changed({"motor.backlash_steps": 0, "motor.min_steps": 0})
        motor = _motor(settings, gpio, clock)
        panel = _panel(settings, gpio)
        built.callback(panel.close)
        light = _light(settings, gpio)
        flash = _flash(settings, gpio)
        built.pop_all()
    return Devices(
        camera=camera,
        motor=motor,
        panel=panel,
        clock=clock,
        settings=settings,
        light=light,
        flash=flash,
        warnings=tuple(warnings),
        release_lines=release_lines,
    )


def _gpio(settings: Settings, warnings: list[Said]) -> Gpio | None:
    """The GPIO header where something needs it. A rig without button still works; without motor, or flash, not."""
    if not any(settings.pins.values()):
        return None
    from rig.devices.gpio import Gpio

    try:
        return Gpio()
    except GpioError as error:
        if settings.motor.pins or settings.flash.pin:
            raise
        warnings.append(say("panel.not_working", "The button and the LED do not work: {why}", why=error))
        return None


def _motor(settings: Settings, gpio: Gpio | None, clock: Clock) -> FocusMotor:
    driver = settings.motor.driver
    if driver == "sim":
        return _motor_without_wires(settings, clock)
    if driver == "none" or gpio is None:
        from rig.devices.motor_none import NoMotor

        return NoMotor()
    if driver == "stepdir":
        from rig.devices.motor_stepdir import StepDirMotor

        return StepDirMotor(gpio, settings.motor)
    if driver == "uln2003":
        from rig.devices.motor_uln2003 import Uln2003Motor

        return Uln2003Motor(gpio, settings.motor)
    raise ConfigError(say("motor.no_driver", 'motor.driver = "{driver}" has no driver', driver=driver))


def _motor_without_wires(settings: Settings, clock: Clock) -> FocusMotor:
    """A simulated motor beside a real camera: to try the camera before the mechanics are built."""
    from rig.devices.motor_sim import SimMotor
    from rig.devices.optical_bench import OpticalBench
    from rig.devices.scenes import find_scene

    bench = OpticalBench(find_scene(settings.camera.scene), clock)
    return SimMotor(bench, steps_per_s=settings.motor.steps_per_s)


def _panel(settings: Settings, gpio: Gpio | None) -> Panel:
    if gpio is None or not any(settings.panel.pins.values()):
        from rig.devices.panel_sim import SimPanel

        return SimPanel()
    from rig.devices.panel_gpio import GpioPanel

    return GpioPanel(gpio, settings.panel)


def _light(settings: Settings, gpio: Gpio | None) -> Light | None:
    if gpio is None or not settings.panel.light_pin:
        return None
    from rig.devices.light_gpio import GpioLight

    return GpioLight(gpio, settings.panel.light_pin, settings.panel.light_lead_s)


def _flash(settings: Settings, gpio: Gpio | None) -> Flash | None:
    if gpio is None or not settings.flash.pin:
        return None
    from rig.devices.flash_gpio import GpioFlash

    return GpioFlash(gpio, settings.flash)
