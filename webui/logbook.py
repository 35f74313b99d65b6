"""The last lines of the program's log, kept in memory for the phone's logs ZIP."""

from __future__ import annotations

import logging
from collections import deque

LINES = 2000
LONGEST = 2000  # characters of a line


class Logbook(logging.Handler):
    """A log handler that remembers the newest lines; the memory it takes has a bound."""

    def __init__(self, lines: int = LINES) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=lines)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Remember one record."""
        self._lines.append(self.format(record)[:LONGEST])

    def lines(self) -> list[str]:
        """What is remembered, oldest first."""
        return list(self._lines)

    def __enter__(self) -> Logbook:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *error: object) -> None:
        logging.getLogger().removeHandler(self)
