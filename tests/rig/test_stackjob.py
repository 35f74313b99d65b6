"""The stacker's process: what it says is heard, and its death is a sentence."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from rig.errors import StackFailedError
from rig.stackjob import NICE, OOM_SCORE_ADJ, StackOrder, StackProcess, death_sentence

ORDER = StackOrder(frames=(Path("/f/000.jpg"),), out=Path("/r/fused.jpg"), settings={"method": "auto"})


class Heard(list):
    """Events in order, and a way to wait for one of a kind."""

    def __init__(self):
        super().__init__()
        self._there = threading.Condition()

    def __call__(self, event):
        with self._there:
            self.append(event)
            self._there.notify_all()

    def wait_for(self, kind):
        with self._there:
            assert self._there.wait_for(lambda: any(event["event"] == kind for event in self), 30)
            return next(event for event in self if event["event"] == kind)


def start(script: str, order: StackOrder = ORDER) -> tuple[StackProcess, Heard]:
    """A stand-in worker with the behaviour that is wanted, as a process of its own."""
    head = "import json, os, signal, sys, time\ndef say(**event): print(json.dumps(event), flush=True)\n"
    heard = Heard()
    command = (sys.executable, "-c", head + textwrap.dedent(script))
    return StackProcess(order, heard, command), heard


def test_the_job_arrives_as_agreed():
    process, heard = start("say(event='done', report={'job': json.loads(sys.stdin.readline())})")
    assert process.result() == {
        "job": {
            "frames": ["/f/000.jpg"],
            "follow": False,
            "total": 1,
            "out": "/r/fused.jpg",
            "depth_map": None,
            "report": None,
            "preview": None,
            "preview_depth": None,
            "tiff": None,
            "preview_width": 960,
            "settings": {"method": "auto"},
        }
    }
    assert [event["event"] for event in heard] == ["done"]


def test_frames_are_fed_one_by_one_until_the_end():
    process, _heard = start(
        """
        lines = [json.loads(line) for line in iter(sys.stdin.readline, '{"end": true}\\n')]
        say(event='done', report={'fed': [line['frame'] for line in lines[1:]]})
        """,
        StackOrder(frames=(), out=Path("o"), settings={}, follow=True),
    )
    process.add_frame(Path("/f/000.jpg"))
    process.add_frame(Path("/f/001.jpg"))
    process.end()
    assert process.result() == {"fed": ["/f/000.jpg", "/f/001.jpg"]}


def test_a_failure_is_told_in_the_workers_words():
    process, _ = start("say(event='failed', error='frame 3 is damaged'); sys.exit(1)")
    with pytest.raises(StackFailedError, match=r"^frame 3 is damaged$"):
        process.result()


def test_a_failure_with_a_code_can_be_said_in_another_language():
    script = """
        said = {"code": "stacker.no_memory", "figures": {"n": 3}}
        say(event="failed", error="not enough memory", error_said=said)
    """
    process, _ = start(script)
    with pytest.raises(StackFailedError, match="not enough memory") as failed:
        process.result()
    assert (failed.value.said.code, failed.value.said.figures) == ("stacker.no_memory", {"n": 3})


def test_a_killed_worker_is_put_down_to_memory_and_the_frames_are_safe():
    process, heard = start("say(event='progress'); time.sleep(60)")
    heard.wait_for("progress")
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(StackFailedError, match="memory ran out; the frames are safe"):
        process.result()


def test_a_worker_that_crashes_is_quoted():
    process, _ = start("raise RuntimeError('no such lens')")
    with pytest.raises(StackFailedError, match="exit code 1: RuntimeError: no such lens"):
        process.result()


def test_a_worker_that_ends_without_a_word_has_failed():
    process, _ = start("sys.exit(0)")
    with pytest.raises(StackFailedError, match="without a result"):
        process.result()


def test_what_is_not_an_event_is_passed_over():
    process, heard = start("print('OpenCV says hello'); print('[1]'); say(event='done', report={})")
    assert process.result() == {}
    assert len(heard) == 1


def test_a_worker_that_listens_is_cancelled_by_asking():
    process, heard = start(
        """
        say(event='progress')
        while 'cancel' not in sys.stdin.readline(): pass
        say(event='failed', error='cancelled'); sys.exit(130)
        """
    )
    heard.wait_for("progress")
    process.cancel(grace_s=30)
    assert process.result() is None


def test_a_worker_that_is_deaf_is_killed_in_the_end():
    process, heard = start(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); say(event='progress'); time.sleep(600)"
    )
    heard.wait_for("progress")
    process.cancel(grace_s=0.1)
    assert process.result() is None
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)


def test_a_result_that_beat_the_cancel_is_kept():
    process, heard = start("say(event='done', report={'used': 2})")
    heard.wait_for("done")
    process.cancel()
    assert process.result() == {"used": 2}


def test_feeding_a_dead_worker_does_no_harm():
    process, _ = start("sys.exit(0)")
    with pytest.raises(StackFailedError):
        process.result()
    process.add_frame(Path("x"))
    process.end()


def test_the_worker_stands_back_for_the_rig():
    process, heard = start("say(event='ready'); sys.stdin.readline(); sys.stdin.readline()")
    heard.wait_for("ready")
    nice = os.getpriority(os.PRIO_PROCESS, process.pid)
    oom = int(Path(f"/proc/{process.pid}/oom_score_adj").read_text())
    process.cancel(grace_s=30)
    assert (nice, oom) == (NICE, OOM_SCORE_ADJ)


def test_ctrl_c_in_the_terminal_does_not_reach_the_worker():
    process, heard = start("say(event='ready'); sys.stdin.readline(); sys.stdin.readline()")
    heard.wait_for("ready")
    group = os.getpgid(process.pid)
    process.cancel(grace_s=30)
    assert group != os.getpgid(0)


def test_a_program_that_is_not_there_is_one_sentence():
    with pytest.raises(StackFailedError, match=r"cannot be started|exit code"):
        StackProcess(ORDER, lambda event: None, ("/no/such/program",)).result()


@pytest.mark.parametrize("code", [-15, -9, -11, 1, 137])
def test_every_death_says_that_the_frames_are_safe(code):
    assert "the frames are safe" in death_sentence(code, [])
