"""A memory limit is kept: by fusing the picture in bands of rows, which must not show."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from brackets import step, write_frames

from stacker import memory
from stacker.errors import MemoryLimitError
from stacker.finish import finish
from stacker.frames import ArraySource
from stacker.memory import Plan
from stacker.methods import METHODS
from stacker.parts import OVERLAP_PX, parts_of
from stacker.pieces import Pieces
from stacker.pipeline import fuse
from stacker.planes import from_bgr
from stacker.settings import StackSettings
from stacker.stack import Stack
from stacker.state import RunningFusion

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="resident memory is counted so by Linux"
)

LIBRARIES_KB = 40 * 1024  # usually


def fused(frames, bands, monkeypatch, chroma_shift=1, scratch=None, **settings):
    monkeypatch.setattr(memory, "plan_within", lambda *_: Plan(2, bands))
    source = ArraySource(list(frames), chroma_shift=chroma_shift)
    return fuse(source, StackSettings(**settings), scratch=scratch)


@pytest.mark.parametrize("chroma_shift", [0, 1])
@pytest.mark.parametrize("method", ["auto", "pyramid"])
def test_a_picture_fused_in_bands_is_that_fused_at_once(method, chroma_shift, monkeypatch, tmp_path):
    frames = step((701, 515), 4).frames
    whole = fused(frames, 1, monkeypatch, chroma_shift, method=method)
    for bands in (2, 3):
        parts = fused(frames, bands, monkeypatch, chroma_shift, tmp_path, method=method)
        assert parts.report.area == whole.report.area
        for mine, other in zip(parts.planes, whole.planes, strict=True):
            assert np.array_equal(mine, other)
    assert not list(tmp_path.iterdir())


def test_sixteen_bit_pictures_are_fused_in_bands_as_well(monkeypatch, tmp_path):
    frames = step((600, 300), 3).as_16_bit().frames
    whole, parts = (fused(frames, bands, monkeypatch, 0, tmp_path) for bands in (1, 3))
    assert parts.planes.bit_depth == 16
    assert np.array_equal(parts.planes.y, whole.planes.y)


@pytest.mark.parametrize("height", [128, 256, 640, 3072, 6400])
@pytest.mark.parametrize("bands", [1, 2, 5, 1000])
def test_bands_hold_every_row_once_and_make_every_row_ready(height, bands):
    canvas = height, 512
    parts = parts_of(canvas, bands)
    assert sum(part.coarse for part in parts) == 1
    assert parts[0].coarse
    held = [row for part in parts for row in range(part.top, part.bottom)]
    assert held == list(range(height))
    ready = [row for part in parts for row in range(*part.ready(canvas))]
    assert ready == list(range(height))
    for part in parts:
        top, bottom = part.ready(canvas)
        assert part.held[0] <= max(top - OVERLAP_PX, 0) or top == bottom


def test_a_result_that_holds_some_rows_gives_them_as_the_whole_does():
    rng = np.random.default_rng(0)
    whole, some = RunningFusion((700, 320), 1), RunningFusion((700, 320), 1, rows=(256, 576))
    for band, part in zip(whole.bands, some.bands, strict=True):
        for array, cut in zip(band.arrays, part.arrays, strict=True):
            array[...] = rng.integers(0, 500, array.shape)
            first = part.first_row * len(array) // max(band.shape[0], 1)
            cut[...] = array[first : first + len(cut)]
    area = (0, 256 + OVERLAP_PX, 320, 320 - 2 * OVERLAP_PX)
    for mine, other in zip(
        finish(some, METHODS["pyramid"], None, area),
        finish(whole, METHODS["pyramid"], None, area),
        strict=True,
    ):
        assert np.array_equal(mine, other)


def test_pieces_put_aside_come_back_as_they_were(tmp_path):
    rng = np.random.default_rng(0)
    picture = from_bgr(rng.integers(0, 255, (37, 20, 3), dtype=np.uint8), 1)
    pieces = Pieces(tmp_path)
    for top, bottom in ((0, 16), (16, 37)):
        half = slice(top // 2, (bottom + 1) // 2)
        pieces.append(type(picture)(picture.y[top:bottom], picture.cb[half], picture.cr[half], 1))
    for mine, other in zip(pieces.joined(), picture, strict=True):
        assert np.array_equal(mine, other)


def test_a_limit_that_cannot_be_met_is_refused_before_any_frame_is_read():
    class Unread(ArraySource):
        def low(self, index, scale):
            raise AssertionError("the frame was read")

    stack = Stack(StackSettings(memory_limit_mb=30))
    with pytest.raises(MemoryLimitError, match=r"within 30 MB; \d+ MB would do"):
        stack.look(Unread(list(step().frames)), 0)


@linux
@pytest.mark.parametrize(
    "wanted",
    [
        ("-o", "out.jpg"),
        ("-o", "out.png", "--bit-depth", "16", "--depth-map", "depth.png", "--source-map", "source.png"),
    ],
    ids=["picture", "maps"],
)
def test_frames_of_12_mp_are_stacked_in_150_mb(wanted, tmp_path):
    rng = np.random.default_rng(0)
    small = cv2.resize(rng.integers(0, 255, (380, 507, 3), dtype=np.uint8), (2028, 1520))
    sharp = cv2.resize(small, (4056, 3040), interpolation=cv2.INTER_CUBIC)
    soft = cv2.blur(sharp, (9, 9))
    near, far = sharp.copy(), soft.copy()
    near[:, 2028:], far[:, 2028:] = soft[:, 2028:], sharp[:, 2028:]
    frames = write_frames(tmp_path / "frames", [near, far])
    del small, sharp, soft, near, far
    program = (
        "import sys; from stacker.cli import main; code = main(sys.argv[1:]); "
        "print(*(line for line in open('/proc/self/status') if line.startswith(('VmHWM', 'RssFile')))); sys.exit(code)"
    )
    command = [sys.executable, "-c", program, "stack", *map(str, frames), *wanted, "--memory-limit", "150"]
    root = {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    peak_kb, files_kb = (int(done.stdout.split(name)[1].split()[0]) for name in ("VmHWM:", "RssFile:"))
    # How much of the libraries' files is resident (27 to 53 MB) is the page cache's doing, not the job's.
    assert peak_kb - files_kb + LIBRARIES_KB <= 150 * 1024
