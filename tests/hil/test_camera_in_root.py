"""Picamera2Camera on the real picamera2 and the real libcamera, in a Debian trixie root.

The root is built once into $HIL_CACHE/trixie by trixie/build_root.sh; without HIL_CACHE these tests are
skipped. They need root, for chroot.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from emulated_chip import REPOSITORY

HERE = Path(__file__).parent
TRIXIE = HERE / "trixie"
CHECKS = re.findall(r"^def check_(\w+)", (TRIXIE / "camera_checks.py").read_text(), re.MULTILINE)
BUILD_S = 1800  # for a build that hangs
PATIENCE_S = 900  # for a check that hangs
MUTANT_WAITS_S = 10  # in each call: a mutant that waits for ever is caught

pytestmark = pytest.mark.hil


@pytest.fixture(scope="module")
def root(chip_library: Path) -> Path:
    cache = os.environ.get("HIL_CACHE")
    if not cache:
        pytest.skip("HIL_CACHE names no folder for the Debian root: run make test-hil")
    if os.geteuid() != 0:
        pytest.skip("the Debian root needs root, for chroot")
    root = Path(cache).resolve() / "trixie"
    built = subprocess.run(
        ["sh", TRIXIE / "build_root.sh", root], capture_output=True, text=True, timeout=BUILD_S
    )
    if built.returncode:
        pytest.skip(f"the Debian root cannot be built: {built.stderr.strip()[-300:]}")
    ours = root / "opt/hil"
    shutil.copy(chip_library, ours / "gpiochip.so")
    compile_heap = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", ours / "dmaheap.so"]
    subprocess.run([*compile_heap, TRIXIE / "dmaheap.c", "-ldl"], check=True, timeout=120)
    for file in TRIXIE.glob("*.py"):
        shutil.copy(file, ours)
    cameras = root / "usr/share/libcamera/pipeline/virtual"
    cameras.mkdir(parents=True, exist_ok=True)
    shutil.copy(TRIXIE / "virtual.yaml", cameras)
    return root


def run_check(root: Path, code: Path, *check: object) -> subprocess.CompletedProcess[str]:
    """One check in a process of its own, with the package rig of `code`."""
    for package, source in (("rig", code), ("stacker", REPOSITORY)):
        there = root / "opt/fieldstack" / package
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(source / package, there, ignore=shutil.ignore_patterns("__pycache__"))
    return subprocess.run(
        ["sh", TRIXIE / "run_in_root.sh", root, "python3", "/opt/hil/camera_checks.py", *map(str, check)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )


@pytest.mark.parametrize("name", CHECKS)
def test_in_the_root(root: Path, name: str):
    done = run_check(root, REPOSITORY, name)
    print(done.stdout)
    assert done.stdout.endswith("OK\n"), done.stdout[-3000:] + done.stderr[-3000:]


@dataclass(frozen=True)
class Mutant:
    """A fault of the driver, the check that must find it, and the very line or sentence by which it does."""

    check: str
    changes: dict[
        str, tuple[str, str]
    ]  # by file of rig/devices: what is right, and what stands there instead
    caught_by: str


MUTANTS = {
    "the frame is one that was queued before the move": Mutant(
        "the_frame_shows_what_was_there_after_the_move",
        {
            "picamera2_session.py": ("flush=not_before_ns", "flush=None"),
            "camera_picamera2.py": ("start_ns(metadata) >= not_before_ns", "True"),
        },
        "assert frame.timestamp_ns >= moved_ns and",
    ),
    "the lock is not waited for": Mutant(
        "the_lock_is_what_the_sensor_reports_in_every_frame",
        {
            "camera_picamera2.py": (
                "frames >= self._running.buffers + EARLIEST_FRAMES and agrees(wanted, got)",
                "frames >= 0",
            )
        },
        "assert agrees(EXPOSURE, got) and set(frames) == {got}",
    ),
    "the lock is forgotten when the camera is reopened": Mutant(
        "a_stalled_camera_is_reopened_once_and_keeps_its_lock",
        {
            "camera_picamera2.py": ("controls |= locked_controls(self._locked)", "pass"),
            "exposurelock.py": (
                "    return abs(wanted.exposure_us",
                "    return True or abs(wanted.exposure_us",
            ),
        },
        "assert VirtualPicamera2.opened == 2 and abs(frame.exposure",
    ),
    "what automatic control did by chance is taken for the lock": Mutant(
        "locking_without_figures_holds_what_automatic_control_found",
        {"camera_picamera2.py": ("frames >= self._running.buffers + EARLIEST_FRAMES and ", "")},
        "assert frames == {got} and",
    ),
    "a closed camera keeps its buffers": Mutant(
        "short_memory_costs_buffers_and_is_told",
        {"picamera2_session.py": ("            gc.collect()", "            pass")},
        "CameraError: there is no memory for even one full-size camera buffer",
    ),
    "a request is never given back": Mutant(
        "fifty_captures_do_not_grow_in_memory",
        {"picamera2_session.py": ("            request.release()", "            pass")},
        "AssertionError: the camera stalled for want of buffers",
    ),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_mutant_is_caught(root: Path, tmp_path: Path, fault: str):
    mutant = MUTANTS[fault]
    shutil.copytree(REPOSITORY / "rig", tmp_path / "rig", ignore=shutil.ignore_patterns("__pycache__"))
    for name, (right, wrong) in mutant.changes.items():
        file = tmp_path / "rig/devices" / name
        source = file.read_text()
        assert source.count(right) == 1, f"{name} has changed; this mutant no longer applies"
        file.write_text(source.replace(right, wrong))

    done = run_check(root, tmp_path, mutant.check, MUTANT_WAITS_S)

    # A check that breaks for another reason, an import or a busy machine, has caught nothing.
    assert done.returncode != 0
    assert mutant.caught_by in done.stderr[-1500:], done.stdout[-500:] + done.stderr[-3000:]
