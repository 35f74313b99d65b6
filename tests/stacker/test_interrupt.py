"""Signals that become a question."""

from __future__ import annotations

import signal

import pytest

from stacker.interrupt import ENDING, cancelled_by_signals


@pytest.fixture(autouse=True)
def hangup_as_in_a_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", ENDING)
def test_each_signal_that_ends_a_program_is_an_answer_and_calls_what_waits(number):
    told = []
    with cancelled_by_signals() as cancelled:
        cancelled.then(lambda: told.append("stop"))
        assert (cancelled(), told) == (False, [])
        signal.raise_signal(number)
        assert (cancelled(), told) == (True, ["stop"])


def test_what_waits_only_after_the_signal_is_called_at_once():
    told = []
    with cancelled_by_signals() as cancelled:
        signal.raise_signal(signal.SIGTERM)
        cancelled.then(lambda: told.append("stop"))
    assert told == ["stop"]


def test_a_second_signal_interrupts_but_not_a_hangup_told_again():
    with cancelled_by_signals():
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_an_ignored_hangup_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with cancelled_by_signals() as cancelled:
        signal.raise_signal(signal.SIGHUP)
        assert not cancelled()


def test_the_handlers_that_were_there_come_back():
    before = [signal.getsignal(number) for number in ENDING]
    with cancelled_by_signals():
        pass
    assert [signal.getsignal(number) for number in ENDING] == before
