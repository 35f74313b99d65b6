"""The next frame, read on a thread of its own while the one before is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Hands out what `read` gives for a number, one ahead at most. pool: None to read only what is asked for."""

    def __init__(self, read: Callable[[int], T], pool: Executor | None) -> None:
        self._read = read
        self._pool = pool
        self._begun: tuple[int, Future[T]] | None = None

    def begin(self, index: int, rest: Callable[[], T] | None = None) -> None:
        """Read this one meanwhile: it will be asked for next. rest: what is left of that to be done, if it is begun."""
        if self._pool is not None:
            self._begun = index, self._pool.submit(rest or partial(self._read, index))

    def take(self, index: int) -> T:
        """What is read; waits for it. Raises what reading raises."""
        begun, self._begun = self._begun, None
        return begun[1].result() if begun is not None and begun[0] == index else self._read(index)
