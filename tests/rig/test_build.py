"""Which devices the settings lead to, and that nothing is imported that was not chosen."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_rpi_gpio import FakeRpiGpio

from rig.config import NOT_FITTED, Settings
from rig.devices import gpio
from rig.devices.build import build_devices, why_no_camera
from rig.devices.build_sim import scene_names
from rig.devices.camera_picamera2 import Picamera2Camera
from rig.devices.camera_sim import SimCamera
from rig.devices.clock import SimClock
from rig.devices.flash_sim import SimFlash
from rig.devices.motor_none import NoMotor
from rig.devices.motor_sim import SimMotor
from rig.errors import ConfigError, GpioError, MotorError
from rig.focuser import Focuser
from rig.plan import plan_bracket

NO_PINS = {f"panel.{pin}": NOT_FITTED for pin in ("button_pin", "led_pin", "buzzer_pin", "light_pin")}


def real(**changes: object) -> Settings:
    named = {name.replace("__", "."): value for name, value in changes.items()}
    return Settings().changed({"camera.driver": "picamera2", **named})


def test_without_a_camera_the_rig_is_simulated_and_says_why() -> None:
    devices = build_devices(Settings(), clock=SimClock(), find_camera=lambda: "No camera is connected")

    assert isinstance(devices.camera, SimCamera)
    assert devices.simulated == "bristles"
    assert devices.warnings == ("No camera is connected: this is the simulated rig",)


def test_with_a_camera_the_real_driver_is_taken() -> None:
    devices = build_devices(Settings().changed(NO_PINS), find_camera=lambda: None)

    assert isinstance(devices.camera, Picamera2Camera)
    assert devices.simulated is None


def test_a_flash_that_is_set_is_there_also_in_the_simulated_rig_and_its_room_is_dark() -> None:
    lit, dark = (
        build_devices(Settings().changed({"flash.pin": pin}), "target", clock=SimClock(), size_px=(320, 240))
        for pin in (NOT_FITTED, 18)
    )

    assert lit.flash is None and isinstance(dark.flash, SimFlash)
    shown = []
    for devices in (lit, dark):
        devices.camera.start()
        shown.append(float(devices.camera.preview().image.mean()))
    assert shown[1] < 0.2 * shown[0]


def test_frames_that_are_played_again_are_not_flashed_and_that_is_told(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.full((240, 320, 3), 90, np.uint8))
    devices = build_devices(Settings().changed({"flash.pin": 18}), f"replay:{tmp_path}", clock=SimClock())

    assert devices.flash is None
    assert devices.warnings == ("Frames that are played again are not lit by the flash.",)


@pytest.mark.parametrize("busy", ["panel.led_pin", "panel.button_pin", "panel.light_pin", "flash.pin"])
def test_what_was_built_before_a_busy_line_is_closed_again(
    monkeypatch: pytest.MonkeyPatch, busy: str
) -> None:
    library = FakeRpiGpio()
    monkeypatch.setattr(gpio, "load_library", lambda: library)
    settings = real(motor__driver="stepdir", panel__light_pin=23, flash__pin=18)
    library.fail[settings.value(busy)] = Exception("'GPIO busy'")
    before = threading.enumerate()

    with pytest.raises(GpioError, match="in use by another program"):
        build_devices(settings)

    assert [thread.name for thread in threading.enumerate() if thread not in before] == []
    closed = [call for call in library.calls if call[0] == "cleanup"]
    assert len(closed) == 1 and settings.motor.step_pin in closed[0]


def test_the_camera_is_looked_for_only_when_nothing_else_is_said() -> None:
    def never_asked() -> str:
        raise AssertionError

    build_devices(Settings(), "target", find_camera=never_asked)
    build_devices(Settings().changed({"camera.driver": "sim"}), find_camera=never_asked)


def test_a_computer_without_picamera2_is_told_apart_in_a_sentence() -> None:
    if why_no_camera() is None:
        pytest.skip("this computer has a Raspberry Pi camera")

    assert (why_no_camera() or "").startswith("No camera")


@pytest.mark.parametrize("scene", scene_names())
def test_a_simulated_rig_brings_its_own_lens_and_travel(scene: str) -> None:
    devices = build_devices(Settings(), scene, clock=SimClock(), size_px=(320, 240))

    assert devices.simulated == scene
    assert devices.settings.motor.driver == "sim"
    assert devices.settings.optics.f_number == 2.8


@pytest.mark.parametrize("scene", scene_names())
def test_the_suggested_bracket_can_be_planned(scene: str) -> None:
    devices = build_devices(Settings(), scene, clock=SimClock(), size_px=(320, 240))
    suggestion = devices.suggestion
    assert suggestion is not None

    plan = plan_bracket(devices.settings, suggestion.near_steps, suggestion.far_steps, suggestion.step_steps)

    assert 12 <= plan.frames <= 60


def test_what_the_user_chose_about_the_bracket_holds_on_the_simulated_rig_too() -> None:
    wanted = Settings().changed({"optics.overlap": 0.5, "capture.settle_s": 0.1})

    settings = build_devices(wanted, "target").settings

    assert (settings.optics.overlap, settings.capture.settle_s) == (0.5, 0.1)


def test_an_unknown_scene_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="'moon' is not one of bristles, target, bumpy, or replay:FOLDER"):
        build_devices(Settings(), "moon")


@pytest.mark.parametrize("count", [1, 2, 7, 40, 150])
def test_every_frame_of_a_replay_is_shot_once_and_in_order(tmp_path: Path, count: int) -> None:
    for index in range(count):
        cv2.imwrite(str(tmp_path / f"{index}.png"), np.full((24, 32, 3), index, np.uint8))
    devices = build_devices(Settings(), f"replay:{tmp_path}", clock=SimClock())
    focuser = Focuser(devices.motor, devices.settings.motor)
    devices.camera.start()
    focuser.home()
    suggestion = devices.suggestion
    assert suggestion is not None

    plan = plan_bracket(devices.settings, suggestion.near_steps, suggestion.far_steps, suggestion.step_steps)
    levels = []
    for position in plan.positions_steps:
        focuser.goto(position)
        levels.append(round(devices.camera.capture(devices.camera.now_ns()).luma_small.mean()))

    assert levels == list(range(count))
    assert plan.warnings == ()


def test_settings_may_name_the_replay() -> None:
    with pytest.raises(ConfigError, match=r"needs camera\.replay_folder"):
        Settings().changed({"camera.driver": "replay"})


def test_a_motor_on_a_computer_without_gpio_is_refused() -> None:
    try:
        build_devices(real(motor__driver="stepdir"))
    except GpioError as error:
        assert "RPi.GPIO" in str(error)
    else:
        pytest.skip("this computer has a GPIO header")


def test_a_missing_panel_does_not_stop_the_rig() -> None:
    devices = build_devices(real())
    if not devices.warnings:
        pytest.skip("this computer has a GPIO header")

    assert devices.warnings[0].startswith("The button and the LED do not work")


def test_without_a_motor_only_where_the_lens_stands_can_be_shot() -> None:
    devices = build_devices(real().changed(NO_PINS))
    focuser = Focuser(devices.motor, devices.settings.motor)

    assert isinstance(devices.motor, NoMotor)
    assert focuser.goto(0, fresh=True) == 0
    with pytest.raises(MotorError, match=r"no focus motor is set up; name its driver in motor\.driver"):
        focuser.goto(100)


def test_a_camera_can_be_tried_with_a_simulated_motor() -> None:
    assert isinstance(build_devices(real(motor__driver="sim").changed(NO_PINS)).motor, SimMotor)


def test_closing_leaves_everything_safe_and_may_be_repeated() -> None:
    devices = build_devices(Settings(), "target", clock=SimClock(), size_px=(320, 240))
    devices.camera.start()
    devices.motor.move_by(10)

    devices.close()
    devices.close()

    assert isinstance(devices.motor, SimMotor)
    assert not devices.motor.energised


def test_a_simulated_rig_imports_no_hardware_driver() -> None:
    program = (
        "import sys; from rig.config import Settings; from rig.devices.build import build_devices;"
        "build_devices(Settings(), 'target');"
        "print([m for m in sys.modules"
        " if m.startswith(('picamera2', 'RPi', 'lgpio')) or m.endswith(('_gpio', '_picamera2'))])"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
