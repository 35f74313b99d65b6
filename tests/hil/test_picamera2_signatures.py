"""The stand-in of tests/rig takes the same arguments as the real Picamera2, read from its source."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "rig"))
from fake_picamera2 import FakePicamera2

METHODS = [
    "create_still_configuration",
    "configure",
    "camera_configuration",
    "start",
    "set_controls",
    "capture_request",
    "cancel_all_and_flush",
    "close",
]


def real_source() -> str:
    """Of the picamera2 that is installed, or of the one in the Debian root."""
    places = [Path(os.environ.get("HIL_CACHE", "/nowhere")) / "trixie/usr/local/lib"]
    found = next((path for place in places for path in place.glob("python3*/dist-packages/picamera2")), None)
    spec = importlib.util.find_spec("picamera2")
    if spec is not None and spec.submodule_search_locations:
        found = Path(spec.submodule_search_locations[0])
    if found is None:
        pytest.skip("picamera2 is neither installed nor in $HIL_CACHE/trixie: run make test-hil")
    return (found / "picamera2.py").read_text()


@pytest.mark.parametrize("method", METHODS)
def test_the_stand_in_takes_what_the_real_one_takes(method):
    camera = next(
        node
        for node in ast.parse(real_source()).body
        if isinstance(node, ast.ClassDef) and node.name == "Picamera2"
    )
    definitions = [node for node in camera.body if isinstance(node, ast.FunctionDef) and node.name == method]
    real = [argument.arg for argument in definitions[-1].args.args]  # the last: overloads come before
    assert list(inspect.signature(getattr(FakePicamera2, method)).parameters) == real
