"""The end of threads is waited for, but not for ever."""

from __future__ import annotations

import logging
import threading

import pytest

from rig.ending import end_within
from rig.jobs import JobThread


def test_a_thread_that_ends_is_waited_for() -> None:
    thread = threading.Thread(target=lambda: None)
    thread.start()
    assert end_within(thread, 60)


def test_a_thread_never_begun_is_not_waited_for() -> None:
    assert end_within(threading.Thread(target=lambda: None), 60)


def test_a_thread_that_hangs_is_left_behind_and_told_of(caplog: pytest.LogCaptureFixture) -> None:
    never = threading.Event()
    thread = threading.Thread(target=never.wait, name="stuck", daemon=True)
    thread.start()
    with caplog.at_level(logging.WARNING):
        assert not end_within(thread, 0.01)
    assert "the thread stuck did not end within 0.01 s" in caplog.text
    never.set()
    thread.join(60)


def test_a_rig_whose_job_hangs_can_still_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rig.jobs.END_WITHIN_S", 0.01)
    never = threading.Event()
    jobs = JobThread(lambda error: None, lambda: None, idle_s=60)
    jobs.start()
    jobs.put(lambda: bool(never.wait(60)) and None)
    jobs.close()
    never.set()
