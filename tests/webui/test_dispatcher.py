"""Strangers never have every thread of the server, whatever they ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from webui.dispatcher import Dispatcher

LIMIT_S = 30.0
MOST = 2


@dataclass
class Task:
    """A request, and whether it was answered."""

    stranger: bool
    work: Callable[[], object] = lambda: None
    answered: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False

    def service(self) -> None:
        self.work()
        self.answered.set()

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    """Three threads, of which strangers may have two."""
    dispatcher = Dispatcher(lambda task: task.stranger, MOST)
    dispatcher.set_thread_count(MOST + 1)
    yield dispatcher
    dispatcher.shutdown(timeout=LIMIT_S)


@pytest.fixture
def slow() -> Iterator[threading.Event]:
    """What the strangers wait for, before they are answered."""
    enough = threading.Event()
    yield enough
    enough.set()


def test_a_paired_phone_is_answered_while_strangers_take_their_time(
    dispatcher: Dispatcher, slow: threading.Event
) -> None:
    strangers = [Task(stranger=True, work=lambda: slow.wait(LIMIT_S)) for _ in range(3 * MOST)]
    for one in strangers:
        dispatcher.add_task(one)
    paired = Task(stranger=False)
    dispatcher.add_task(paired)

    assert paired.answered.wait(LIMIT_S)
    assert not any(one.answered.is_set() for one in strangers)
    slow.set()
    assert all(one.answered.wait(LIMIT_S) for one in strangers)


def test_a_request_that_fails_makes_room_for_the_next(dispatcher: Dispatcher) -> None:
    def fail() -> None:
        raise RuntimeError("for the test")

    for _ in range(3 * MOST):
        dispatcher.add_task(Task(stranger=True, work=fail))
    last = Task(stranger=True)
    dispatcher.add_task(last)

    assert last.answered.wait(LIMIT_S)


def test_what_waits_is_called_off_at_the_end(slow: threading.Event) -> None:
    dispatcher = Dispatcher(lambda task: task.stranger, MOST)
    tasks = [Task(stranger=True) for _ in range(MOST)]
    for one in tasks:
        dispatcher.add_task(one)  # no thread is there
    dispatcher.shutdown(timeout=0)

    assert all(one.cancelled for one in tasks)
