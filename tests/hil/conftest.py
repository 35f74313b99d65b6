"""The emulated GPIO chip, compiled once a run; a clear line where it cannot be had."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from emulated_chip import StartRig, rig_process

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def chip_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if platform.system() != "Linux":
        pytest.skip("the emulated GPIO chip needs Linux")
    if importlib.util.find_spec("lgpio") is None or importlib.util.find_spec("RPi") is None:
        pytest.skip("rpi-lgpio is not installed: pip install lgpio==0.2.2.0 rpi-lgpio==0.6")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for the emulated GPIO chip: sudo apt install gcc libc6-dev")
    library = tmp_path_factory.mktemp("chip") / "gpiochip.so"
    command = [compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library]
    subprocess.run([*command, HERE / "gpiochip.c", "-ldl", "-lpthread"], check=True, timeout=120)
    return library


@pytest.fixture
def start_rig(chip_library: Path, tmp_path: Path) -> Iterator[StartRig]:
    """Start a program on a chip of its own; ended after the test whatever happens."""
    numbers = count()
    with ExitStack() as programs:
        yield lambda program, **options: programs.enter_context(
            rig_process(chip_library, tmp_path / f"rig{next(numbers)}", program, **options)
        )
