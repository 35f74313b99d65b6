"""What the motor on the other end of the lines does: the trace replayed into models of the driver boards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise, zip_longest

from emulated_chip import Edge

WAKE_NS = 1_700_000  # DRV8825: from EN to the first step it takes

INERTIA_NS = 300_000  # a field that lasts less, while two coils are being switched, moves no rotor


@dataclass
class StepDirDriver:
    """A DRV8825 with its motor: counts what a real one would make of the trace."""

    step: int = 20
    direction: int = 21
    enable: int = 16
    enable_pull_up: bool = True  # the 10 kΩ resistor of docs/wiring.md; without it the board pulls EN low

    position: int = 0
    lost: int = 0  # steps sent while the driver was off or not yet awake
    steps_ns: list[int] = field(default_factory=list)
    high_ns: list[int] = field(default_factory=list)
    low_ns: list[int] = field(default_factory=list)
    setup_ns: list[int] = field(default_factory=list)  # DIR to STEP
    ever_on: bool = False

    def __post_init__(self) -> None:
        self._levels: dict[int, str] = {}
        self._since: dict[int, int] = {}

    @property
    def on(self) -> bool:
        """True while the motor is energised."""
        level = self._levels.get(self.enable, "-")
        return level == "0" if level != "-" else not self.enable_pull_up

    @property
    def periods_ns(self) -> list[int]:
        return [later - sooner for sooner, later in pairwise(self.steps_ns)]

    def replay(self, trace: Iterable[Edge]) -> StepDirDriver:
        for edge in trace:
            if edge.what in "LHZ":
                continue
            if edge.line == self.step:
                self._step_edge(edge)
            self._levels[edge.line], self._since[edge.line] = edge.what, edge.ns
            self.ever_on |= self.on
        return self

    def power_lost(self) -> StepDirDriver:
        """The process died and a kernel with strict_gpiod made its outputs inputs."""
        self._levels.clear()
        return self

    def _step_edge(self, edge: Edge) -> None:
        was = self._levels.get(self.step)
        if (was, edge.what) == ("0", "1"):
            self.steps_ns.append(edge.ns)
            self.low_ns.append(edge.ns - self._since[self.step])
            self.setup_ns.append(edge.ns - self._since[self.direction])
            if self.on and edge.ns - self._since[self.enable] >= WAKE_NS:
                self.position += 1 if self._levels[self.direction] == "1" else -1
            else:
                self.lost += 1
        elif (was, edge.what) == ("1", "0"):
            self.high_ns.append(edge.ns - self._since[self.step])


@dataclass
class GearMotor:
    """A 28BYJ-48: its rotor follows the field of the four coils by at most one half step at a time."""

    coils: tuple[int, int, int, int] = (6, 13, 19, 12)
    position: int = 0
    jumps: int = 0  # field moved by more than a half step: the rotor may go either way
    steps_ns: list[int] = field(default_factory=list)

    _PHASES = ("1000", "1100", "0100", "0110", "0010", "0011", "0001", "1001")

    def __post_init__(self) -> None:
        self._levels = dict.fromkeys(self.coils, "0")
        self._phase = 0

    @property
    def on(self) -> bool:
        return "1" in self._levels.values()

    def replay(self, trace: Iterable[Edge]) -> GearMotor:
        edges = [edge for edge in trace if edge.line in self._levels and edge.what in "01-"]
        for edge, later in zip_longest(edges, edges[1:]):
            self._levels[edge.line] = "1" if edge.what == "1" else "0"
            if later is None or later.ns - edge.ns >= INERTIA_NS:
                self._follow(edge.ns)
        return self

    def _follow(self, ns: int) -> None:
        field_now = "".join(self._levels[coil] for coil in self.coils)
        if field_now == "0000":
            return
        if field_now not in self._PHASES:
            self.jumps += 1
            return
        turn = (self._PHASES.index(field_now) - self._phase + 4) % 8 - 4
        if abs(turn) > 1:
            self.jumps += 1
        if turn:
            self.steps_ns.append(ns)
        self._phase = (self._phase + turn) % 8
        self.position += turn
