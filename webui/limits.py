"""A fixed number of places for requests that hold a server thread while they wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rig.saying import Said, say
from webui.errors import TooManyViewersError


class Slots:
    """At most `places` holders at once; the next one is told to come back. Guests get no more than half of them."""

    def __init__(self, places: int, what: Said) -> None:
        self.places = places
        self._what = what
        self._taken = 0
        self._lock = threading.Lock()

    def take(self, guest: bool = False) -> None:
        """Take a place. Raises TooManyViewersError at once when there is none."""
        with self._lock:
            if self._taken >= (self.places // 2 if guest else self.places):
                raise TooManyViewersError(
                    say(
                        "page.places_taken",
                        "All {n} places for {what} are taken.",
                        n=self.places,
                        what=self._what,
                    )
                )
            self._taken += 1

    def give_back(self) -> None:
        """Give a taken place back."""
        with self._lock:
            self._taken -= 1

    @contextmanager
    def one(self, guest: bool = False) -> Iterator[None]:
        """Hold a place for the length of a with block."""
        self.take(guest)
        try:
            yield
        finally:
            self.give_back()
