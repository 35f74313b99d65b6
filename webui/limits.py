"""A fixed number of places for requests that hold a server thread while they wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from webui.errors import TooManyViewersError


class Slots:
    """At most `places` holders at once; the next one is told to come back."""

    def __init__(self, places: int, what: str) -> None:
        self.places = places
        self._what = what
        self._free = threading.BoundedSemaphore(places)

    def take(self) -> None:
        """Take a place. Raises TooManyViewersError at once when there is none."""
        if not self._free.acquire(blocking=False):
            raise TooManyViewersError(f"All {self.places} places for {self._what} are taken.")

    def give_back(self) -> None:
        """Give a taken place back."""
        self._free.release()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a place for the length of a with block."""
        self.take()
        try:
            yield
        finally:
            self.give_back()
