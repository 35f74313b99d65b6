"""Who is answered first: phones that are paired need not wait for those that are not."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from waitress.task import ThreadedTaskDispatcher


class Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Threads for requests, of which strangers have no more than some at a time; the others of theirs wait in order.

    What a stranger may ask for can take its time: a picture that has first to be made, a stream.
    """

    def __init__(self, is_stranger: Callable[[Any], bool], most: int) -> None:
        """is_stranger: of a connection that asks for something. most: requests of theirs at work."""
        super().__init__()
        self._is_stranger, self._most = is_stranger, most
        self._guard = threading.Lock()
        self._at_work = 0
        self._waiting: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        """Have a connection's next request answered."""
        if not self._is_stranger(task):
            super().add_task(task)
            return
        with self._guard:
            if self._at_work >= self._most:
                self._waiting.append(task)
                return
            self._at_work += 1
        super().add_task(_Turn(task, self._end))

    def _end(self) -> None:
        """A stranger's request was answered."""
        with self._guard:
            if not self._waiting:
                self._at_work -= 1
                return
            task = self._waiting.popleft()
        super().add_task(_Turn(task, self._end))


class _Turn:
    """A stranger's request whose turn it is."""

    def __init__(self, task: Any, end: Callable[[], None]) -> None:
        self._task, self._end = task, end

    def service(self) -> None:
        try:
            self._task.service()
        finally:
            self._end()

    def cancel(self) -> None:
        self._task.cancel()
