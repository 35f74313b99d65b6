"""What is free is what the system has, or what a control group leaves of it; a stack keeps within that unasked."""

import os
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from brackets import tilted_plane, write_frames
from kernelfiles import kernel_files

from stacker.freememory import free_mb

ROOT = Path(__file__).parents[2]
MB = 2**20
V1, V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")


def a_system(root, group, available_mb=500):
    return kernel_files(
        root,
        proc__meminfo=f"MemTotal: 900000 kB\nMemAvailable: {available_mb * 1024} kB\n",
        proc__self__status=f"Name: python\nRssAnon:\t{40 * 1024} kB\nRssFile: 9 kB\n",
        proc__self__cgroup=group,
    )


def limits(folder, limit, usage, cache_mb, version=2):
    names = (
        ("memory.max", "memory.current")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in zip(names, (limit, usage), strict=True):
        (folder / name).write_text(f"{value}\n")
    prefix = "" if version == 2 else "total_"
    (folder / "memory.stat").write_text(f"anon 5\n{prefix}inactive_file {cache_mb * MB}\n")


def test_without_a_cap_it_is_what_the_system_has_and_what_is_held_already(tmp_path):
    assert free_mb(a_system(tmp_path, "0::/\n")) == 540


def test_where_nothing_is_known_nothing_is_said(tmp_path):
    assert free_mb(tmp_path) is None


def test_a_group_and_the_groups_around_it_are_looked_at(tmp_path):
    root = a_system(tmp_path, "0::/system.slice/fieldstack.service\n")
    limits(root / "sys/fs/cgroup/system.slice/fieldstack.service", "max", 90 * MB, 0)
    assert free_mb(root) == 540
    limits(root / "sys/fs/cgroup/system.slice", 300 * MB, 120 * MB, 20)
    assert free_mb(root) == 300 - 120 + 20 + 40


def test_a_group_of_the_first_version_and_a_container_that_cannot_see_its_own_are_understood(tmp_path):
    root = a_system(tmp_path, "5:cpu:/\n4:memory:/not/seen/here\n0::/\n")
    limits(root / "sys/fs/cgroup/memory", 200 * MB, 100 * MB, 0, version=1)
    assert free_mb(root) == 140


def test_this_system_has_something_free_or_does_not_tell():
    free = free_mb()
    assert free is None or free > 0


@contextmanager
def capped(limit_mb):
    """A control group of its own with a cap; yields what puts a new process into it. Skips where there is none."""
    version_1 = V1.is_dir()
    group = (V1 if version_1 else V2) / f"fieldstack-test-{os.getpid()}-{limit_mb}"
    try:
        group.mkdir()
        (group / ("memory.limit_in_bytes" if version_1 else "memory.max")).write_text(str(limit_mb * MB))
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        pytest.skip(f"no memory control group can be made here: {error}")
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        with suppress(OSError):  # an empty group that stays for a moment harms nobody
            group.rmdir()


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux'")
def test_a_stack_keeps_within_a_real_cap_that_nobody_told_it_of(tmp_path):
    frames = write_frames(tmp_path / "frames", tilted_plane((3040, 4056), 2).frames)
    command = [sys.executable, "-m", "stacker", "stack", *map(str, frames), "-o", str(tmp_path / "out.jpg")]
    with capped(170) as enter:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, preexec_fn=enter, timeout=600
        )
    assert done.returncode == 0, done.stderr or f"ended by signal {-done.returncode}"
    with capped(100) as enter:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, preexec_fn=enter, timeout=600
        )
    assert done.returncode == 1
    assert "MB are free; close other programs" in done.stderr
