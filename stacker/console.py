"""What a command says: a progress bar on a terminal; warnings and errors, one line each."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from tqdm import tqdm

NAME = "fieldstack"


class Console:
    """Progress and messages on stderr, results on stdout. A reader gone away does not stop the work."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._bar: tqdm[Any] | None = None

    def progress(self, done: int, total: int, what: str) -> None:
        """Show how far the work is; nothing unless stderr is a terminal, or when quiet."""
        if self._quiet or not self._stream.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm  # on a terminal only

            # tqdm itself shows nothing on a terminal that states no size, such as a serial line.
            columns, rows = shutil.get_terminal_size()
            self._bar = tqdm(
                total=total, file=self._stream, leave=False, unit="step", ncols=columns, nrows=rows
            )
        self._bar.total = total
        self._bar.set_description_str(what, refresh=False)
        self._bar.n = done
        self._bar.refresh()

    def warn(self, sentence: str) -> None:
        """One line that the photographer should see, even when quiet."""
        self._line(f"{NAME}: warning: {sentence}")

    def fail(self, sentence: str) -> None:
        """The one line that says why there is no result."""
        self.close()
        self._line(f"{NAME}: {sentence}")

    def tell(self, sentence: str) -> None:
        """What was done, on stdout; nothing when quiet."""
        self.close()
        if not self._quiet:
            tell(sentence)

    def close(self) -> None:
        """Take the progress bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # ValueError: stderr was closed
            if self._bar is not None:
                self._bar.clear()
            print(" ".join(text.split()), file=self._stream, flush=True)


def tell(sentence: str) -> None:
    """A line on stdout. If nobody reads it or it is full, stdout is turned away, so that the exit is clean."""
    try:
        print(sentence, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
