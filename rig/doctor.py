"""What is there, what is wrong, and what to do about it. Looks only: moves nothing, opens no camera."""

from __future__ import annotations

import importlib.util
import os
import platform
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from rig.cameramemory import check_camera_memory
from rig.config import NOT_FITTED, Settings
from rig.devices.build import why_no_camera
from rig.devices.camera import Limits
from rig.devices.gpiolines import OWN_NAME, users
from rig.diagnosis import Check, Diagnosis, Health, meminfo, read_text
from rig.durable import FreeBytes, free_bytes, megabytes
from rig.errors import ConfigError
from rig.flashtime import check_time_for_flash
from rig.plan import frame_bytes
from stacker import kernel
from stacker.kernel import jpegs

USUAL_FRAMES = 30
LEAST_PYTHON = (3, 11)
HOT_C = 75.0  # a Pi slows down at 80
HQ_CAMERA = Limits(114, 600_000_000, 22.26, readout_us=100_000)  # ten full-size frames a second
LARGEST_FILE = 100_000_000  # of a result: a 16-bit picture or a depth map of 12 MP
LITTLE_MEMORY = 400_000_000  # a Zero 2 W shows 416 MB
PACKAGES = (
    "numpy",
    "opencv-python-headless",
    "simplejpeg",
    "flask",
    "waitress",
    "tifffile",
    "pillow",
    "tqdm",
)
# Bits of /sys/devices/platform/soc/soc:firmware/get_throttled, as `vcgencmd get_throttled` documents them.
THROTTLED = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}


def diagnose(
    settings: Settings,
    folder: Path,
    *,
    sys_root: Path = Path("/"),
    no_camera: Callable[[], str | None] = why_no_camera,
) -> Diagnosis:
    """Look at everything the rig needs. sys_root: where /proc, /sys and /dev are found."""
    missing = no_camera()
    checks = (
        check_system(sys_root),
        check_python(),
        *check_packages(PACKAGES),
        check_kernel(kernel.in_use(), jpegs.in_use()),
        check_camera(settings, missing),
        *check_gpio(settings, sys_root),
        *check_flash(settings),
        check_folder(settings, folder),
        check_limits(settings),
        check_memory(sys_root),
        *(() if without_camera(settings, missing) else check_camera_memory(settings.camera, sys_root)),
        *check_heat(sys_root),
    )
    return Diagnosis(checks, simulated=without_camera(settings, missing))


def without_camera(settings: Settings, missing: str | None) -> bool:
    """Whether the simulated rig takes the camera's place. missing: why there is no camera."""
    driver = settings.camera.driver
    return driver in ("sim", "replay") or (driver == "auto" and missing is not None)


def check_system(sys_root: Path) -> Check:
    """Operating system and computer; 32 bit has no wheels of what is needed."""
    model = read_text(sys_root / "proc/device-tree/model")
    name = read_text(sys_root / "etc/os-release") or ""
    pretty = next((line[12:].strip('"') for line in name.splitlines() if line.startswith("PRETTY_NAME=")), "")
    found = ", ".join(filter(None, (model, pretty or platform.system(), platform.machine())))
    if sys.maxsize < 2**32:
        return Check("system", Health.BAD, found, "install the 64-bit Raspberry Pi OS")
    return Check("system", Health.GOOD, found)


def check_python(running: tuple[int, ...] = tuple(sys.version_info[:3])) -> Check:
    """The Python that runs this."""
    found = ".".join(map(str, running))
    if running < LEAST_PYTHON:
        return Check("Python", Health.BAD, found, "Python 3.11 or newer is needed: Raspberry Pi OS bookworm")
    return Check("Python", Health.GOOD, found)


def check_packages(names: Sequence[str]) -> tuple[Check, ...]:
    """The libraries, in one line when all are there; each missing one apart."""
    found, missing = [], []
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(Check(name, Health.BAD, "not installed", f"pip install {name}"))
    return (Check("libraries", Health.GOOD, ", ".join(found)), *missing)


def check_kernel(in_use: bool, jpegs_at_once: bool) -> Check:
    """Whether the stacker has its compiled kernel, in both its parts; it gives the same pictures without."""
    name, again = "stacker", "install Fieldstack again (make clean setup)"
    if in_use and jpegs_at_once:
        return Check(name, Health.GOOD, "with its compiled kernel")
    if in_use:
        advice = f"for a tenth less time: sudo apt install libjpeg-dev, then {again}"
        return Check(name, Health.GOOD, "with its compiled kernel, but for that of JPEGs", advice)
    advice = f"for half the time: sudo apt install gcc libc6-dev libjpeg-dev, then {again}"
    return Check(name, Health.NOTE, "without its compiled kernel, which no C compiler was there for", advice)


def check_camera(settings: Settings, missing: str | None) -> Check:
    """The camera that the settings ask for."""
    driver = settings.camera.driver
    if driver in ("sim", "replay"):
        return Check("camera", Health.NOTE, f'simulated, as camera.driver = "{driver}" asks')
    if missing is None:
        return Check("camera", Health.GOOD, "Raspberry Pi camera found")
    advice = (
        "on a Pi the program's venv must be made with --system-site-packages, to see picamera2"
        if "picamera2" in missing
        else "check the ribbon cable at both ends, then `rpicam-hello --list-cameras`"
    )
    if driver == "picamera2":
        return Check("camera", Health.BAD, missing, advice)
    return Check("camera", Health.NOTE, f"{missing}; the simulated rig takes its place", advice)


def check_gpio(settings: Settings, sys_root: Path) -> tuple[Check, ...]:
    """The library that moves the motor, when one is fitted, and the lines it moves it by."""
    needed = any(settings.motor.pins.values()) or settings.flash.pin != 0
    wrong = Health.BAD if needed else Health.NOTE
    wants = f'motor.driver = "{settings.motor.driver}"' if settings.motor.pins else "flash.pin"
    provider, old = gpio_provider(), old_gpio()
    if provider is None and old is None:
        if not needed:
            return (Check("GPIO", Health.NOTE, "no library; no motor is set up that needs it"),)
        advice = "sudo apt install python3-rpi-lgpio (or pip install rpi-lgpio)"
        return (Check("GPIO", Health.BAD, f"no library, but {wants}", advice),)
    if provider is None:
        advice = "remove it and install rpi-lgpio: the old one knows no Pi 5 and no button on newer kernels"
        return (Check("GPIO", wrong, f"{old}, the old library", advice),)
    if old is not None:
        advice = "pip uninstall RPi.GPIO rpi-lgpio, then install rpi-lgpio again (sudo apt install python3-rpi-lgpio)"
        both = (
            f"{provider} and the old {old}: one and the same module, of which the one installed last is used"
        )
        return (Check("GPIO", wrong, both, advice),)
    chips = sorted((sys_root / "dev").glob("gpiochip*"))
    if not chips:
        without = f"{wants} needs them" if needed else "none are needed"
        return (Check("GPIO", wrong, f"{provider}, but this computer has no GPIO lines; {without}"),)
    if not any(os.access(chip, os.R_OK | os.W_OK) for chip in chips):
        advice = "sudo usermod -aG gpio $USER, then log in again"
        return (Check("GPIO", wrong, f"{provider}, but this user may not use {chips[0]}", advice),)
    names = {pin: name for name, pin in settings.pins.items() if pin != NOT_FITTED}
    return (Check("GPIO", Health.GOOD, provider), *check_lines(names, users(names, sys_root / "dev") or {}))


def check_lines(names: Mapping[int, str], used: Mapping[int, str]) -> tuple[Check, ...]:
    """The lines that the rig needs and somebody has. names: of their settings; used: who has them, "" = unknown."""
    checks = []
    for number, who in sorted(used.items()):
        found = f"GPIO {number} ({names[number]}) is in use by {who or 'an unnamed program'}"
        if who == OWN_NAME:
            found += ", as Fieldstack is called there itself while it runs"
            checks.append(Check("GPIO line", Health.NOTE, found))
            continue
        advice = "end that program or remove its dtoverlay= from config.txt, or give the rig another pin"
        checks.append(Check("GPIO line", Health.BAD, found, advice))
    return tuple(checks)


def check_flash(settings: Settings) -> tuple[Check, ...]:
    """What a flash asks for, where one is fitted; of an HQ camera, for none is opened."""
    flash = settings.flash
    if not flash.pin:
        return ()
    found = f"on GPIO {flash.pin}, every {flash.recycle_s:g} s; it wants a dark room"
    try:
        check_time_for_flash(settings.camera, flash, HQ_CAMERA)
    except ConfigError as error:
        return (Check("flash", Health.BAD, f"{found}, and {error}", "set camera.exposure_us to 0"),)
    return (Check("flash", Health.GOOD, found),)


def gpio_provider() -> str | None:
    """rpi-lgpio with its version; None when it is not installed."""
    return _installed("rpi-lgpio")


def old_gpio() -> str | None:
    """The original RPi.GPIO with its version, or another module of that name; None when there is none."""
    if (found := _installed("RPi.GPIO")) is not None:
        return found
    there = gpio_provider() is None and importlib.util.find_spec("RPi") is not None
    return "RPi.GPIO, of unknown origin" if there else None


def _installed(name: str) -> str | None:
    try:
        return f"{name} {distribution(name).version}"
    except PackageNotFoundError:
        return None


def check_folder(settings: Settings, folder: Path, free: FreeBytes = free_bytes) -> Check:
    """The brackets' folder and how many brackets fit."""
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK):
        advice = f"make {there} writable for this user, or give another folder with --data"
        return Check("brackets' folder", Health.BAD, f"{folder} cannot be written", advice)
    room = max(0, free(there) - settings.store.reserve_mb * 1_000_000)
    fit = room // (USUAL_FRAMES * frame_bytes(settings.camera))
    found = (
        f"{folder}: {megabytes(room)} free beside the reserve, about {fit} brackets of {USUAL_FRAMES} frames"
    )
    if fit < 1:
        return Check("brackets' folder", Health.BAD, found, "delete brackets or use a larger card")
    if fit < 5:
        return Check("brackets' folder", Health.NOTE, found, "copy brackets elsewhere soon, then delete them")
    return Check("brackets' folder", Health.GOOD, found)


def check_limits(settings: Settings, file_limit: int | None = None) -> Check:
    """What settings and system allow. file_limit: largest file in bytes; asked of the system when None."""
    if file_limit is None:
        file_limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    motor, capture = settings.motor, settings.capture
    found = f"focus {motor.min_steps} to {motor.max_steps} steps, at most {capture.max_frames} frames"
    if file_limit != resource.RLIM_INFINITY and file_limit < LARGEST_FILE:
        advice = "raise LimitFSIZE= of the service, or ulimit -f of the shell"
        return Check("limits", Health.BAD, f"{found}, files up to {megabytes(file_limit)}", advice)
    return Check("limits", Health.GOOD, found)


def check_memory(sys_root: Path) -> Check:
    """What the kernel says is available."""
    sizes = meminfo(sys_root)
    if "MemAvailable" not in sizes:
        return Check("memory", Health.NOTE, "unknown")
    available = sizes["MemAvailable"]
    found = f"{megabytes(available)} of {megabytes(sizes.get('MemTotal', 0))} available"
    if available < LITTLE_MEMORY:
        return Check(
            "memory", Health.NOTE, found, "close other programs; stacking is slower with little memory"
        )
    return Check("memory", Health.GOOD, found)


def check_heat(sys_root: Path) -> tuple[Check, ...]:
    """Temperature and throttling, where the computer tells of them."""
    checks = []
    millidegrees = read_text(sys_root / "sys/class/thermal/thermal_zone0/temp")
    if millidegrees is not None and millidegrees.lstrip("-").isdigit():
        degrees = int(millidegrees) / 1000
        hot = degrees >= HOT_C
        advice = "shade it or fit a heat sink: it slows down at 80 °C" if hot else None
        checks.append(Check("temperature", Health.NOTE if hot else Health.GOOD, f"{degrees:.0f} °C", advice))
    bits = read_text(sys_root / "sys/devices/platform/soc/soc:firmware/get_throttled")
    if bits is not None:
        checks.append(check_throttled(bits))
    return tuple(checks)


def check_throttled(bits: str) -> Check:
    """The firmware's word on its supply, now and since the start."""
    try:
        value = int(bits, 16)
    except ValueError:
        return Check("power", Health.NOTE, f"unknown ({bits})")
    now = [word for bit, word in THROTTLED.items() if value >> bit & 1]
    before = [word for bit, word in THROTTLED.items() if value >> (bit + 16) & 1]
    if not (now or before):
        return Check("power", Health.GOOD, "never throttled since the start")
    found = f"now: {', '.join(now) or 'fine'}; since the start: {', '.join(before) or 'fine'}"
    return Check("power", Health.NOTE, found, "use a stronger supply and a short, thick cable")
