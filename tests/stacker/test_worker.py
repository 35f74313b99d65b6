"""The stacker as a process: what it answers to the lines it is sent."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from brackets import sharpness, tilted_plane, write_frames
from samplepictures import cut

from stacker.depthmap import decode_depth

ROOT = Path(__file__).parents[2]
COUNT = 5
SHAPE = 192, 256


class Session:
    """A worker that is talked to line by line."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stacker.worker"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.events: list[dict] = []

    def send(self, *messages: object) -> Session:
        for message in messages:
            line = message if isinstance(message, str) else json.dumps(message)
            self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self

    def until(self, kind: str) -> dict:
        """The next event of a kind; the others are kept in events."""
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == kind:
                return self.events[-1]
        raise AssertionError(f"no event {kind!r}: {self.events} {self.process.stderr.read()}")

    def end(self) -> int:
        """Say no more; the exit code."""
        out, _ = self.process.communicate(timeout=120)
        self.events += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode

    def of(self, kind: str) -> list[dict]:
        return [event for event in self.events if event["event"] == kind]


@pytest.fixture
def worker():
    session = Session()
    yield session
    if session.process.poll() is None:
        session.process.kill()
        session.process.communicate()


@pytest.fixture(scope="module")
def bracket():
    return tilted_plane(SHAPE, COUNT)


@pytest.fixture
def frames(bracket, tmp_path):
    return write_frames(tmp_path / "frames", bracket.frames)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    return folder


def order(frames, results, **more):
    """A job for all frames, as the first line."""
    return {
        "frames": [str(frame) for frame in frames],
        "out": str(results / "fused.jpg"),
        "settings": {"threads": 1},
        **more,
    }


def following(results, **more):
    return order([], results, follow=True, total=COUNT, preview=str(results / "growing.jpg"), **more)


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_job_is_done_and_every_result_written(worker, bracket, frames, results):
    extra = {"depth_map": str(results / "depth.png"), "report": str(results / "report.json")}
    worker.send(order(frames, results, preview=str(results / "growing.jpg"), **extra))
    assert worker.end() == 0
    assert names_in(results) == ["depth.png", "fused.jpg", "growing.jpg", "report.json"]
    fused = cv2.imread(str(results / "fused.jpg"))
    assert sharpness(fused) > max(sharpness(frame) for frame in bracket.frames)
    assert json.loads((results / "report.json").read_text()) == worker.events[-1]["report"]


def test_every_frame_and_all_progress_is_told_in_order(worker, frames, results):
    worker.send(order(frames, results))
    assert worker.end() == 0
    seen = worker.of("frame")
    assert [event["name"] for event in seen] == [frame.name for frame in frames]
    assert [event["index"] for event in seen] == list(range(COUNT))
    assert all(event["used"] and event["sharpness"] > 0 for event in seen)
    for stage in ("aligning", "fusing"):
        done = [event["done"] for event in worker.of("progress") if event["stage"] == stage]
        assert done == list(range(1, COUNT + 1))
    assert worker.events[-1]["event"] == "done"


def test_a_followed_bracket_grows_sharper_with_every_frame(worker, frames, results):
    worker.send(following(results, preview_depth=str(results / "growing.png")))
    seen, sharp = [], []
    for count, frame in enumerate(frames, 1):
        preview = worker.send({"frame": str(frame)}).until("preview")
        assert preview["frames"] == count
        seen.append(sharpness(cv2.imread(preview["path"])))
        depth = cv2.imread(str(results / "growing.png"), cv2.IMREAD_UNCHANGED) if count > 1 else np.zeros(1)
        sharp.append(np.count_nonzero(depth))
    assert worker.send({"end": True}).end() == 0
    assert (results / "fused.jpg").exists()
    assert seen[-1] > 1.3 * seen[0]
    assert all(later > 0.97 * earlier for earlier, later in itertools.pairwise(seen))
    assert sharp == sorted(sharp) and 0 < sharp[2] < sharp[-1]


def test_a_followed_bracket_gives_the_picture_of_the_same_job_at_once(worker, frames, results):
    worker.send(following(results), *({"frame": str(frame)} for frame in frames), {"end": True})
    assert worker.end() == 0
    followed = cv2.imread(str(results / "fused.jpg"))
    again = Session().send(order(frames, results))
    assert again.end() == 0
    np.testing.assert_array_equal(cv2.imread(str(results / "fused.jpg")), followed)


def test_the_preview_is_no_wider_than_asked_for(worker, frames, results):
    worker.send(order(frames, results, preview=str(results / "growing.jpg"), preview_width=40))
    assert worker.end() == 0
    assert cv2.imread(str(results / "growing.jpg")).shape == (30, 40, 3)


def test_a_cancel_between_frames_leaves_nothing_under_the_final_name(worker, frames, results):
    worker.send(following(results), {"frame": str(frames[0])}, {"frame": str(frames[1])})
    worker.until("preview")
    assert worker.send({"cancel": True}).end() == 130
    assert set(names_in(results)) <= {"growing.jpg"}
    assert not worker.of("done")


def test_a_cancel_in_the_middle_of_a_job_is_heeded(worker, frames, results):
    worker.send(order(frames * 30, results), {"cancel": True})
    assert worker.end() == 130
    assert names_in(results) == []


def test_when_the_rig_goes_away_a_followed_bracket_is_given_up(worker, frames, results):
    worker.send(following(results), {"frame": str(frames[0])})
    assert worker.end() == 130
    assert set(names_in(results)) <= {"growing.jpg"}


def test_lines_that_say_nothing_are_passed_over(worker, frames, results):
    noise = ["", "{", "[1, 2]", '"frame"', "null", "7", {"unknown": 1}]
    worker.send(following(results), *noise, *({"frame": str(frame)} for frame in frames), {"end": True})
    assert worker.end() == 0
    assert len(worker.of("frame")) == COUNT


@pytest.mark.parametrize(
    "line",
    [
        "",
        "stack this",
        "[]",
        "null",
        '{"frames": []}',
        '{"out": "fused.jpg"}',
        '{"frames": [1], "out": "fused.jpg"}',
        '{"frames": ["a.jpg"], "out": "fused.jpg", "settings": {"method": "best"}}',
        '{"frames": ["a.jpg"], "out": "fused.jpg", "settings": {"quality": 0}}',
        '{"frames": ["a.jpg"], "out": "fused.gif"}',
        '{"frames": ["a.jpg"], "out": "/nowhere/at/all/fused.jpg"}',
        '{"frames": ["/nowhere/a.jpg"], "out": "fused.jpg"}',
    ],
)
def test_a_first_line_that_is_no_job_is_refused_in_one_sentence(worker, line):
    assert worker.send(line).end() == 1
    [failed] = worker.of("failed")
    assert failed["error"]
    assert "\n" not in failed["error"]
    assert "should not happen" not in failed["error"]


def test_a_closed_input_is_refused(worker):
    assert worker.end() == 1
    assert len(worker.of("failed")) == 1


def torn(path):
    cut(path, 0.5)


def text(path):
    path.write_text("not a picture")


def gone(path):
    path.unlink()


@pytest.mark.parametrize("damage", [torn, text, gone])
@pytest.mark.parametrize("which", [0, 2])
def test_a_frame_that_cannot_be_read_is_left_out_and_keeps_its_number(worker, frames, results, damage, which):
    damage(frames[which])
    depth_map = results / "depth.png"
    worker.send(order(frames, results, depth_map=str(depth_map)))
    assert worker.end() == 0
    left_out = worker.of("frame")[which]
    assert not left_out["used"]
    assert frames[which].name in left_out["reason"]
    assert frames[which].name in worker.of("warning")[0]["message"]
    [said] = worker.events[-1]["report"]["warnings_said"]
    assert said["code"] == "warning.left_out"
    assert said["figures"]["reason"]["figures"]["name"] == frames[which].name
    told = worker.events[-1]["report"]["frames"]
    assert [frame["name"] for frame in told] == [frame.name for frame in frames]
    assert [frame["used"] for frame in told] == [index != which for index in range(COUNT)]
    depth = decode_depth(cv2.imread(str(depth_map), cv2.IMREAD_UNCHANGED), COUNT)
    assert depth[:, -20:].mean() > COUNT - 1.7


def test_no_usable_frame_at_all_is_a_failure(worker, frames, results):
    for frame in frames:
        text(frame)
    assert worker.send(order(frames, results)).end() == 1
    assert len(worker.of("failed")) == 1
    assert names_in(results) == []


def test_a_limit_too_small_is_a_failure_that_says_what_would_do(worker, frames, results):
    settings = {"threads": 1, "memory_limit_mb": 10}
    assert worker.send(order(frames, results, settings=settings)).end() == 1
    assert "MB would do" in worker.of("failed")[0]["error"]
    assert worker.of("failed")[0]["error_said"]["figures"]["limit"] == 10
