"""A fixed number of places for requests that hold a server thread while they wait."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rig.saying import Said, say
from webui.errors import TooManyViewersError


class Slots:
    """At most `places` holders at once; the next one is told to come back.

    One client gets no more than half of them (and two), guests together neither.
    """

    def __init__(self, places: int, what: Said) -> None:
        self.places = places
        self._what = what
        self._taken: Counter[str] = Counter()  # by client
        self._lock = threading.Lock()

    def take(self, client: str, guest: bool = False) -> None:
        """Take a place. Raises TooManyViewersError at once when there is none."""
        with self._lock:
            most = self.places // 2 if guest else self.places
            if self._taken.total() >= most or self._taken[client] >= max(2, self.places // 2):
                raise TooManyViewersError(
                    say(
                        "page.places_taken",
                        "All {n} places for {what} are taken.",
                        n=self.places,
                        what=self._what,
                    )
                )
            self._taken[client] += 1

    def give_back(self, client: str) -> None:
        """Give a taken place back."""
        with self._lock:
            self._taken -= Counter({client: 1})  # who holds none is forgotten

    @contextmanager
    def one(self, client: str, guest: bool = False) -> Iterator[None]:
        """Hold a place for the length of a with block."""
        self.take(client, guest)
        try:
            yield
        finally:
            self.give_back(client)
