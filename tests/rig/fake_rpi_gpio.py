"""A stand-in for the module RPi.GPIO where a test needs what the emulated chip cannot show.

It keeps levels and the order of calls, and raises what it is told to. The drivers run on the real library
in tests/hil.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any


class FakeRpiGpio:
    """The part of the API of RPi.GPIO that the rig uses."""

    BCM, IN, OUT, PUD_OFF, PUD_DOWN, PUD_UP, BOTH = 11, 1, 0, 20, 21, 22, 33
    VERSION = "0.7.2"
    lgpio = object()  # by which rpi-lgpio is known

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.levels: dict[int, int] = {}
        self.watchers: dict[int, Callable[[int], None]] = {}
        self.reads = Counter[int]()
        self.fail: dict[int, Exception] = {}  # by line

    def setwarnings(self, on: bool) -> None: ...

    def setmode(self, mode: int) -> None: ...

    def setup(
        self, line: int, direction: int, pull_up_down: int = PUD_OFF, initial: int | None = None
    ) -> None:
        self._check(line)
        self.calls.append(("setup", line, "out" if direction == self.OUT else "in", initial))
        self.levels[line] = initial if initial is not None else int(pull_up_down == self.PUD_UP)

    def output(self, line: int, level: int) -> None:
        self._check(line)
        self.calls.append(("output", line, level))
        self.levels[line] = level

    def input(self, line: int) -> int:
        self._check(line)
        self.reads[line] += 1
        return self.levels[line]

    def add_event_detect(
        self, line: int, edge: int, callback: Callable[[int], None], bouncetime: int
    ) -> None:
        self._check(line)
        self.watchers[line] = callback

    def cleanup(self, lines: list[int]) -> None:
        self.calls.append(("cleanup", *lines))

    def outputs(self, line: int) -> list[int]:
        """Levels driven on a line, from the start."""
        return [call[-1] for call in self.calls if call[0] in ("setup", "output") and call[1] == line]

    def _check(self, line: int) -> None:
        if line in self.fail:
            raise self.fail[line]


class WithEndstop(FakeRpiGpio):
    """The same with a normally closed endstop so many steps towards near from where the motor starts."""

    def __init__(self, line: int, at_steps: int) -> None:
        super().__init__()
        self.position_steps: Callable[[], int] = lambda: 0
        self._line, self._at_steps = line, at_steps

    def input(self, line: int) -> int:
        return int(self.position_steps() <= self._at_steps) if line == self._line else super().input(line)
