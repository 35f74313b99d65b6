"""A guard against losing quality: generated brackets whose truth is known, at a size that takes seconds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from brackets import picture_of, psnr

from stacker.depthmap import decode_depth
from stacker.frames import open_frames
from stacker.pipeline import fuse
from stacker.pixeldepth import depth_map
from stacker.settings import AlignSettings, StackSettings

pytestmark = pytest.mark.shared

COUNT = 10
# Decibels against the truth, two to four below what is reached; by peers' standards all of them are good.
LEAST = {"target": 38.0, "bumpy": 38.0, "bristles": 33.0, "terrain": 38.0, "sphere": 41.0}


@pytest.fixture(scope="module")
def generator():
    """The command that generates a bracket; needs a Python with SciPy and OpenCV."""
    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED is not set")
    script = Path(shared) / "eval" / "synth.py"
    if not script.exists():
        pytest.skip(f"there is no {script}")
    for python in (os.environ.get("FIELDSTACK_EVAL_PYTHON"), sys.executable, shutil.which("python3")):
        if python and not subprocess.run([python, "-c", "import scipy, cv2"], capture_output=True).returncode:
            return [python, str(script)]
    pytest.skip("no Python with SciPy and OpenCV; FIELDSTACK_EVAL_PYTHON may name one")


@pytest.fixture(scope="module", params=LEAST)
def made(request, generator, tmp_path_factory):
    """The name of a scene, and the folder with its frames, truth and depth."""
    folder = tmp_path_factory.mktemp(request.param)
    size = [
        "--scale",
        "0.125",
        "--frames",
        str(COUNT),
        "--seed",
        "77",
        "--jobs",
        "1",
        "--no-photos",
        "--quiet",
    ]
    subprocess.run([*generator, "--scene", request.param, "--out", str(folder), *size], check=True)
    return request.param, folder


@pytest.fixture(scope="module")
def scored(made):
    """Name of the scene, what came out, and the truth where that shows."""
    name, folder = made
    reference = json.loads((folder / "transforms.json").read_text())["ref"]
    frames = open_frames(sorted(folder.glob("frame_*")))
    result = fuse(frames, StackSettings(align=AlignSettings("auto", reference), threads=1))
    x, y, width, height = result.report.area
    crop = slice(y, y + height), slice(x, x + width)
    truth = cv2.imread(str(folder / "truth.png"))[crop]
    depth = cv2.imread(str(folder / "depth.png"), cv2.IMREAD_UNCHANGED)[crop] / 65535 * (COUNT - 1)
    return name, result, truth, depth


def test_the_result_is_close_to_the_truth(scored):
    name, result, truth, _ = scored
    fused = picture_of(result)
    assert psnr(luma(fused), luma(truth)) > LEAST[name]
    assert result.report.used == COUNT


def test_no_pixel_is_far_off(scored):
    name, result, truth, _ = scored
    apart = np.abs(luma(picture_of(result)).astype(int) - luma(truth))
    assert np.mean(apart > 25) < (0.01 if name == "bristles" else 0.002)


def test_the_depth_is_that_of_the_scene(scored):
    name, result, _, depth = scored
    if name == "bristles":
        pytest.skip("at this size a cell between bristles holds several depths")
    sure = result.enlarge(result.confidence) > 0.9
    error = np.abs(decode_depth(np.vstack(list(depth_map(result, COUNT))), COUNT) - depth)[sure]
    assert np.median(error) < 0.35


def luma(picture):
    return cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
