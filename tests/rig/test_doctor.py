"""What the doctor sees, and what it advises."""

from __future__ import annotations

import json

import pytest
from kernelfiles import kernel_files

from rig.cameramemory import check_camera_memory
from rig.config import CameraSettings, Settings
from rig.diagnosis import Health
from rig.doctor import (
    check_camera,
    check_flash,
    check_folder,
    check_gpio,
    check_heat,
    check_kernel,
    check_limits,
    check_memory,
    check_packages,
    check_python,
    check_system,
    check_throttled,
    diagnose,
)

NO_CAMERA = "No camera, for picamera2 is not installed"


def test_a_laptop_can_do_the_main_job_on_the_simulated_rig(tmp_path):
    diagnosis = diagnose(Settings(), tmp_path, no_camera=lambda: NO_CAMERA)
    assert diagnosis.can_work
    assert diagnosis.simulated
    assert "simulated" in diagnosis.sentence


def test_a_rig_with_its_camera_can_shoot(tmp_path):
    diagnosis = diagnose(Settings(), tmp_path, no_camera=lambda: None)
    assert diagnosis.sentence == "The rig can shoot and stack."


def test_a_camera_that_was_asked_for_and_is_not_there_is_bad(tmp_path):
    settings = Settings().changed({"camera.driver": "picamera2"})
    diagnosis = diagnose(settings, tmp_path, no_camera=lambda: "No camera is connected")
    assert not diagnosis.can_work
    assert "camera" in diagnosis.sentence


def test_a_missing_camera_comes_with_the_cable_as_advice():
    assert "cable" in check_camera(Settings(), "No camera is connected").advice


def test_the_diagnosis_is_plain_json(tmp_path):
    told = json.loads(json.dumps(diagnose(Settings(), tmp_path, no_camera=lambda: None).as_dict()))
    assert told["can_work"] is True
    assert {check["name"] for check in told["checks"]} >= {"system", "Python", "camera", "GPIO", "memory"}


def test_a_folder_that_cannot_be_written_is_bad(tmp_path):
    (tmp_path / "file").write_text("")
    check = check_folder(Settings(), tmp_path / "file" / "data")
    assert check.health is Health.BAD
    assert "--data" in check.advice


@pytest.mark.parametrize(
    ("free", "health"), [(10**8, Health.BAD), (10**9, Health.NOTE), (10**10, Health.GOOD)]
)
def test_room_on_the_card_is_told_in_brackets(tmp_path, free, health):
    assert check_folder(Settings(), tmp_path, lambda _: free).health is health


def test_a_limit_on_file_sizes_that_no_picture_fits_is_bad():
    assert check_limits(Settings(), file_limit=1_000_000).health is Health.BAD


def test_an_old_python_is_bad():
    assert check_python((3, 9, 2)).health is Health.BAD


def test_a_missing_library_is_named():
    found, missing = check_packages(("numpy", "no-such-library"))
    assert found.health is Health.GOOD
    assert (missing.name, missing.health) == ("no-such-library", Health.BAD)


def test_without_the_compiled_kernel_stacking_is_slower_but_nothing_is_bad():
    assert check_kernel(True, jpegs_at_once=True).advice is None
    assert "libjpeg-dev" in check_kernel(True, jpegs_at_once=False).advice
    without = check_kernel(False, jpegs_at_once=False)
    assert without.health is Health.NOTE
    assert "gcc" in without.advice


def test_a_pi_is_called_by_its_model(tmp_path):
    root = kernel_files(tmp_path, **{"proc__device-tree__model": "Raspberry Pi Zero 2 W Rev 1.0\0"})
    assert check_system(root).found.startswith("Raspberry Pi Zero 2 W Rev 1.0,")


def test_little_memory_is_worth_a_note(tmp_path):
    root = kernel_files(tmp_path, proc__meminfo="MemTotal: 426000 kB\nMemAvailable: 180000 kB\n")
    check = check_memory(root)
    assert check.health is Health.NOTE
    assert "184.3 MB of 436.2 MB" in check.found


@pytest.mark.parametrize(("millidegrees", "health"), [("45123", Health.GOOD), ("81000", Health.NOTE)])
def test_heat_is_told(tmp_path, millidegrees, health):
    root = kernel_files(tmp_path, sys__class__thermal__thermal_zone0__temp=millidegrees)
    assert [check.health for check in check_heat(root)] == [health]


def test_a_computer_that_tells_no_temperature_has_no_such_line(tmp_path):
    assert check_heat(tmp_path) == ()


@pytest.mark.parametrize(
    ("bits", "health", "word"),
    [
        ("0x0", Health.GOOD, "never"),
        ("0x50005", Health.NOTE, "now: under-voltage, throttled"),
        ("0x10000", Health.NOTE, "now: fine; since the start: under-voltage"),
        ("junk", Health.NOTE, "unknown"),
    ],
)
def test_the_supply_is_told_from_the_firmwares_bits(bits, health, word):
    check = check_throttled(bits)
    assert check.health is health
    assert word in check.found


STEPDIR = Settings().changed({"motor.driver": "stepdir"})


@pytest.fixture
def rpi_lgpio(monkeypatch):
    monkeypatch.setattr("rig.doctor.gpio_provider", lambda: "rpi-lgpio 0.6")
    monkeypatch.setattr("rig.doctor.old_gpio", lambda: None)


def test_a_laptop_has_no_gpio_lines_which_matters_only_to_a_motor_or_a_flash_on_wires(tmp_path, rpi_lgpio):
    flash = Settings().changed({"flash.pin": 18})
    idle, wired, lit = (check_gpio(settings, tmp_path)[0] for settings in (Settings(), STEPDIR, flash))
    assert (idle.health, wired.health, lit.health) == (Health.NOTE, Health.BAD, Health.BAD)
    assert "no GPIO lines" in wired.found and '"stepdir" needs them' in wired.found
    assert "flash.pin needs them" in lit.found


def test_lines_that_this_user_may_use_are_good(tmp_path, rpi_lgpio):
    (check,) = check_gpio(STEPDIR, kernel_files(tmp_path, dev__gpiochip0=""))
    assert check.health is Health.GOOD


def test_lines_that_this_user_may_not_use_come_with_the_group_as_advice(tmp_path, rpi_lgpio, monkeypatch):
    monkeypatch.setattr("rig.doctor.os.access", lambda path, mode: False)
    (check,) = check_gpio(STEPDIR, kernel_files(tmp_path, dev__gpiochip0=""))
    assert check.health is Health.BAD
    assert "usermod -aG gpio" in check.advice


def test_busy_lines_are_named_with_their_setting_and_who_has_them(tmp_path, rpi_lgpio, monkeypatch):
    monkeypatch.setattr("rig.doctor.users", lambda numbers, dev: {26: "spi0 CS0", 20: "lg", 21: ""})
    good, own, nameless, taken = check_gpio(STEPDIR, kernel_files(tmp_path, dev__gpiochip0=""))
    assert (good.health, own.health, nameless.health, taken.health) == (
        Health.GOOD,
        Health.NOTE,
        Health.BAD,
        Health.BAD,
    )
    assert taken.found == "GPIO 26 (panel.button_pin) is in use by spi0 CS0" and "dtoverlay" in taken.advice
    assert "motor.step_pin" in own.found and "Fieldstack" in own.found
    assert "an unnamed program" in nameless.found


@pytest.mark.parametrize(
    ("new", "old", "word"),
    [
        (None, None, "no library"),
        (None, "RPi.GPIO 0.7.1", "the old library"),
        ("rpi-lgpio 0.6", "RPi.GPIO 0.7.1", "one and the same module"),
    ],
)
def test_the_old_library_alone_or_beside_the_new_one_is_told_with_what_to_do(
    tmp_path, monkeypatch, new, old, word
):
    monkeypatch.setattr("rig.doctor.gpio_provider", lambda: new)
    monkeypatch.setattr("rig.doctor.old_gpio", lambda: old)
    (check,) = check_gpio(STEPDIR, kernel_files(tmp_path, dev__gpiochip0=""))
    assert check.health is Health.BAD
    assert word in check.found and "rpi-lgpio" in check.advice


def test_a_flash_is_told_of_and_a_time_that_is_too_short_for_it():
    assert check_flash(Settings()) == ()
    (fine,), (short,) = (
        check_flash(Settings().changed({"flash.pin": 18, "camera.exposure_us": us})) for us in (0, 20_000)
    )
    assert (fine.health, short.health) == (Health.GOOD, Health.BAD)
    assert "dark room" in fine.found and "camera.exposure_us = 20000 is too short" in short.found


def pi(root, total_mb: int, free_mb: int, heap: str | None = "linux,cma"):
    """A Raspberry Pi with so much contiguous memory."""
    kernel_files(
        root,
        proc__meminfo=f"MemTotal: 900000 kB\nCmaTotal: {total_mb * 1000} kB\nCmaFree: {free_mb * 1000} kB\n",
    )
    if heap is not None:
        heaps = root / "dev" / "dma_heap"
        heaps.mkdir(parents=True)
        (heaps / heap).write_text("")
        (heaps / "vidbuf_cached").symlink_to(heap)
    return root


@pytest.mark.parametrize(
    ("total_mb", "free_mb", "health", "word"),
    [
        (256, 200, Health.GOOD, "2 full-size buffers of 19.9 MB"),
        (256, 20, Health.NOTE, "unless it is a running Fieldstack"),
        (32, 30, Health.NOTE, "frames come more slowly"),
        (16, 15, Health.BAD, "not even one fits"),
    ],
)
def test_contiguous_memory_is_held_against_what_the_camera_wants(tmp_path, total_mb, free_mb, health, word):
    (check,) = check_camera_memory(CameraSettings(), pi(tmp_path, total_mb, free_mb))
    assert check.health is health
    assert word in f"{check.found}; {check.advice}"
    assert health is Health.GOOD or "cma-256" in check.advice


def test_raw_data_need_larger_buffers(tmp_path):
    root = pi(tmp_path, 64, 60)
    (plain,), (raw,) = (check_camera_memory(CameraSettings(dng=dng), root) for dng in (False, True))
    assert (plain.health, raw.health) == (Health.GOOD, Health.NOTE)


def test_a_pi_5_has_no_such_ceiling(tmp_path):
    (check,) = check_camera_memory(CameraSettings(), pi(tmp_path, 16, 1, heap="system"))
    assert check.health is Health.GOOD


def test_a_heap_that_this_user_may_not_use_comes_with_the_group_as_advice(tmp_path, monkeypatch):
    root = pi(tmp_path, 256, 200)
    monkeypatch.setattr("rig.cameramemory.os.access", lambda path, mode: False)
    (check,) = check_camera_memory(CameraSettings(), root)
    assert "usermod -aG video" in check.advice


def test_without_the_camera_its_memory_is_nobodys_concern(tmp_path):
    root = pi(tmp_path, 16, 15)
    sim = Settings().changed({"camera.driver": "sim"})
    names = [
        [check.name for check in diagnose(settings, tmp_path, sys_root=root, no_camera=lambda: None).checks]
        for settings in (Settings(), sim)
    ]
    assert "camera memory" in names[0] and "camera memory" not in names[1]


def test_a_laptop_hears_nothing_of_contiguous_memory(tmp_path):
    assert (
        check_camera_memory(CameraSettings(), kernel_files(tmp_path, proc__meminfo="MemTotal: 9 kB\n")) == ()
    )
