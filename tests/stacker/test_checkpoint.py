"""Checkpoints: a stack that is stopped at any moment goes on from there, and the result is the same."""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from brackets import tilted_plane, write_frames
from samplepictures import cut

from stacker import memory
from stacker.checkpoint import Checkpoint, fingerprint, state_path
from stacker.cli import main
from stacker.errors import CancelledError, InputError
from stacker.frames import FileSource
from stacker.job import StackJob
from stacker.memory import Plan
from stacker.pipeline import stack_files
from stacker.settings import AlignSettings, StackSettings

COUNT = 6
ROOT = Path(__file__).parents[2]
SETTINGS = StackSettings(align=AlignSettings("none"), threads=1)


@pytest.fixture
def folder(tmp_path):
    write_frames(tmp_path / "frames", tilted_plane((600, 320), COUNT).frames)
    return tmp_path / "frames"


def job(folder, out, **options):
    return StackJob((folder,), out, SETTINGS, **{"checkpoint_s": 1e-9, **options})


def stop_after(count):
    """progress and cancelled of a run that is stopped after so many frames were fused."""
    fused = []

    def progress(done, total, what):
        if what == "fusing":
            fused.append(done)

    return progress, lambda: len(fused) == count


def stopped(job, count):
    progress, cancelled = stop_after(count)
    with pytest.raises(CancelledError):
        stack_files(job, progress, cancelled)
    assert state_path(job.out).exists()


@pytest.fixture
def no_survey(monkeypatch):
    """From now on nothing may be looked at a second time."""

    def forbidden(*_):
        raise AssertionError("the frames were surveyed again")

    return lambda: monkeypatch.setattr(FileSource, "low", forbidden)


@pytest.mark.parametrize("count", [1, 3, 5])
@pytest.mark.parametrize("bands", [1, 3])
def test_a_stopped_stack_goes_on_without_a_second_survey(
    folder, tmp_path, monkeypatch, no_survey, count, bands
):
    monkeypatch.setattr(memory, "plan_within", lambda *_: Plan(1, bands))
    whole, resumed = job(folder, tmp_path / "whole.png"), job(folder, tmp_path / "resumed.png")
    expected = stack_files(whole)
    stopped(resumed, count if bands == 1 else 4 * count)
    no_survey()
    report = stack_files(resumed)
    assert report.frames == expected.frames
    assert np.array_equal(*(cv2.imread(str(each.out)) for each in (whole, resumed)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "resumed.png", "whole.png"]


def test_it_can_be_stopped_again_and_again(folder, tmp_path, no_survey):
    whole, resumed = job(folder, tmp_path / "whole.png"), job(folder, tmp_path / "resumed.png")
    stack_files(whole)
    stopped(resumed, 1)
    no_survey()
    for _ in range(4):
        stopped(resumed, 1)
    stack_files(resumed)
    assert np.array_equal(*(cv2.imread(str(each.out)) for each in (whole, resumed)))


def test_frames_left_out_stay_left_out(folder, tmp_path):
    cut(sorted(folder.iterdir())[2], 0.5)
    whole, resumed = job(folder, tmp_path / "whole.png"), job(folder, tmp_path / "resumed.png")
    expected = stack_files(whole)
    stopped(resumed, 2)
    report = stack_files(resumed, warn=(said := []).append)
    assert report.frames == expected.frames
    assert any("left out" in sentence for sentence in said)


def test_another_job_does_not_go_on_from_it(folder, tmp_path):
    first = job(folder, tmp_path / "out.png")
    stopped(first, 2)
    frame = sorted(folder.iterdir())[0]
    os.utime(frame, (1, 1))
    with pytest.raises(InputError, match="nothing to resume"):
        stack_files(job(folder, tmp_path / "out.png", resume=True))
    stack_files(job(folder, tmp_path / "out.png"))
    assert not state_path(first.out).exists()


def test_a_damaged_checkpoint_is_not_believed(folder, tmp_path):
    whole, resumed = job(folder, tmp_path / "whole.png"), job(folder, tmp_path / "resumed.png")
    stack_files(whole)
    stopped(resumed, 3)
    state = state_path(resumed.out)
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 0xFF
    state.write_bytes(data)
    stack_files(resumed)
    assert np.array_equal(*(cv2.imread(str(each.out)) for each in (whole, resumed)))


def test_without_resume_the_work_starts_anew(folder, tmp_path, no_survey):
    stopped(job(folder, tmp_path / "out.png"), 3)
    no_survey()
    with pytest.raises(AssertionError, match="surveyed again"):
        stack_files(job(folder, tmp_path / "out.png", resume=False))


def test_a_disk_that_takes_no_checkpoint_does_not_stop_the_stack(folder, tmp_path):
    wanted = job(folder, tmp_path / "out.png")
    state_path(wanted.out).mkdir()
    stack_files(wanted, warn=(said := []).append)
    assert wanted.out.exists()
    assert len([sentence for sentence in said if "no checkpoint" in sentence]) == 1


def test_short_work_is_not_worth_a_checkpoint(folder, tmp_path):
    progress, cancelled = stop_after(3)
    with pytest.raises(CancelledError):
        stack_files(job(folder, tmp_path / "out.png", checkpoint_s=1000), progress, cancelled)
    assert not state_path(tmp_path / "out.png").exists()


def test_saving_takes_a_small_share_of_the_time():
    """A card that needs 10 s for a checkpoint is asked for one every 200 s."""

    class Slow(Checkpoint):
        def _save(self, standing):
            saves.append(now[0])
            now[0] += 10

    now, saves = [0.0], []
    checkpoint = Slow(Path("x"), "", every_s=20, clock=lambda: now[0])
    while now[0] < 1000:
        checkpoint.keep(None)
        now[0] += 1
    assert saves[0] == 20
    assert all(later - earlier >= 200 for earlier, later in pairwise(saves))


def test_what_counts_as_the_same_job(folder):
    frames = sorted(folder.iterdir())
    same = fingerprint(frames, SETTINGS)
    assert (
        fingerprint(frames, StackSettings(align=AlignSettings("none"), threads=2, memory_limit_mb=500))
        == same
    )
    assert fingerprint(frames[::-1], SETTINGS) != same
    assert fingerprint(frames[1:], SETTINGS) != same
    assert fingerprint(frames, StackSettings(align=AlignSettings("none"), crop=False)) != same
    assert fingerprint(frames, SETTINGS, [frames[0]]) != same


def test_a_kill_at_any_moment_costs_nothing_but_time(folder, tmp_path):
    frames = [str(path) for path in sorted(folder.iterdir())] * 5
    options = ["--align", "none", "--threads", "1", "--checkpoint", "0.001"]
    command = [sys.executable, "-m", "stacker", "stack", *frames]
    whole, out = tmp_path / "whole.png", tmp_path / "out.png"
    subprocess.run([*command, "-o", str(whole), *options], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    rng = random.Random(3)
    for _ in range(3):
        with subprocess.Popen([*command, "-o", str(out), *options], cwd=ROOT) as process:
            deadline = time.monotonic() + 60
            before = state_path(out).stat().st_mtime_ns if state_path(out).exists() else 0
            while process.poll() is None and time.monotonic() < deadline:
                if state_path(out).exists() and state_path(out).stat().st_mtime_ns != before:
                    break
                time.sleep(0.002)
            time.sleep(rng.uniform(0, 0.2))
            process.send_signal(signal.SIGKILL)
        # Killed while it writes the result it leaves a .part; under the final name there is all or nothing.
        assert not out.exists() or np.array_equal(cv2.imread(str(out)), cv2.imread(str(whole)))
    done = subprocess.run(
        [*command, "-o", str(out), *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert np.array_equal(cv2.imread(str(out)), cv2.imread(str(whole)))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "out.png", "whole.png"]


def test_the_command_says_when_there_is_nothing_to_resume(folder, tmp_path, capsys):
    assert main(["stack", str(folder), "-o", str(tmp_path / "out.png"), "--resume"]) == 1
    assert "nothing to resume" in capsys.readouterr().err
