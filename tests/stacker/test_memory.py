"""What a stack may take of the memory, and that it takes no more for more frames."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from brackets import tilted_plane, write_frames
from hypothesis import given
from hypothesis import strategies as st
from samplepictures import write_kind

from stacker import memory
from stacker.errors import MemoryLimitError
from stacker.memory import Plan, needed_mb, plan_within

ROOT = Path(__file__).parents[2]
linux = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="resident memory is counted by Linux"
)
SIDES = st.integers(16, 10_000)
SHIFTS, BYTES, THREADS = st.sampled_from([0, 1]), st.sampled_from([1, 2]), st.integers(1, 16)
BANDS = st.integers(1, 6)


@given(SIDES, SIDES, SHIFTS, BYTES, THREADS, BANDS, st.integers(0, 2000))
def test_more_of_anything_never_needs_less(height, width, shift, sample_bytes, threads, bands, more):
    here = needed_mb((height, width), shift, sample_bytes, threads, bands)
    assert needed_mb((height + more, width), shift, sample_bytes, threads, bands) >= here
    assert needed_mb((height, width + more), shift, sample_bytes, threads, bands) >= here
    assert needed_mb((height, width), shift, sample_bytes, threads + 1, bands) >= here
    assert needed_mb((height, width), 0, sample_bytes, threads, bands) >= here
    assert needed_mb((height, width), shift, 2, threads, bands) >= here


@given(SIDES, SIDES, SHIFTS, BYTES, THREADS, st.integers(10, 5000))
def test_what_is_planned_keeps_the_limit(height, width, shift, sample_bytes, threads, limit):
    job = (height, width), shift, sample_bytes
    try:
        plan = plan_within(limit, *job, threads)
    except MemoryLimitError:
        assert needed_mb(*job, 1) > limit
        return
    assert 1 <= plan.threads <= threads
    assert needed_mb(*job, plan.threads, plan.bands) <= limit


def test_with_memory_enough_all_threads_run_and_nothing_is_decoded_twice():
    plan = plan_within(100_000, (3040, 4056), 1, 1, 7)
    assert (plan.threads, plan.bands) == (7, 1)


@given(SIDES, SIDES, SHIFTS, BYTES, THREADS)
def test_the_figure_named_in_a_refusal_would_do(height, width, shift, sample_bytes, threads):
    job = (height, width), shift, sample_bytes
    with pytest.raises(MemoryLimitError) as refused:
        plan_within(1, *job, threads)
    figure = int(str(refused.value).split(";")[1].split()[0])
    plan = plan_within(figure, *job, threads)
    assert needed_mb(*job, plan.threads, plan.bands) == figure
    with pytest.raises(MemoryLimitError):
        plan_within(figure - 1, *job, threads)
    assert f"{width}×{height}" in str(refused.value)


def test_frames_of_the_rig_are_stacked_within_the_budget():
    assert plan_within(200, (3040, 4056), 1, 1, 4) == Plan(threads=2, bands=1)


def test_the_peak_is_that_of_this_process():
    assert 10 < memory.peak_mb() < 100_000


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp("frames"), tilted_plane((1520, 2028), 4).frames)


def run(frames, out, *options):
    """Stack in a process of its own; its exit code, and what it said."""
    command = [sys.executable, "-m", "stacker", "stack", *map(str, frames), "-o", str(out), *options]
    done = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


def peak_of(frames, folder, threads=1):
    """The most memory that stacking these frames had resident, MB."""
    report = folder / "report.json"
    code, said = run(frames, folder / "fused.jpg", "--threads", str(threads), "--report", str(report))
    assert code == 0, said
    return json.loads(report.read_text())["peak_memory_mb"]


@linux
def test_the_peak_is_not_that_of_the_process_that_started_it():
    here = np.ones(300_000_000, np.uint8)  # resident, because written to
    ask = "from stacker.memory import peak_mb; print(peak_mb())"
    said = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, capture_output=True, text=True, check=True)
    assert memory.peak_mb() > here.nbytes / 2**20
    assert float(said.stdout) < 200


@linux
def test_memory_does_not_grow_with_the_number_of_frames(frames, tmp_path):
    assert abs(peak_of(frames * 3, tmp_path) - peak_of(frames, tmp_path)) < 10


@linux
@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_said_to_be_needed_is_about_what_is_taken(frames, tmp_path, threads):
    needed = needed_mb((1520, 2028), 1, 1, threads)
    assert 0.6 * needed < peak_of(frames, tmp_path, threads) < 1.15 * needed


@linux
def test_a_limit_holds_for_frames_that_are_decoded_as_one_picture(tmp_path):
    picture = np.random.default_rng(0).integers(0, 2**16, (1520, 2028, 3), np.uint16)
    files = [write_kind(tmp_path / f"frame{index}.tif", picture) for index in range(2)]
    limit = needed_mb((1520, 2028), 0, 2, 1, bands=6)
    report = tmp_path / "report.json"
    options = ["--align", "none", "--threads", "1", "--memory-limit", str(limit), "--report", str(report)]
    code, said = run(files, tmp_path / "out.jpg", *options)
    assert code == 0, said
    assert json.loads(report.read_text())["peak_memory_mb"] < 1.1 * limit


def test_a_limit_that_cannot_be_kept_is_refused_with_the_figure_that_would_do(frames, tmp_path):
    code, said = run(frames, tmp_path / "out.jpg", "--memory-limit", "30")
    assert code == 1
    assert "2028×1520" in said
    assert "MB would do" in said
    assert not list(tmp_path.iterdir())
