"""A light without wires: remembers when it was lit."""

from __future__ import annotations

from rig.devices.optical_bench import OpticalBench
from rig.errors import GpioError


class SimLight:
    """The switched light of the simulated rig. Its scenes are lit by the sun, so it changes no picture."""

    def __init__(self, bench: OpticalBench) -> None:
        self.lit = False
        self.switched_ns: list[tuple[int, bool]] = []  # when, and whether on
        self._bench = bench

    def on(self) -> None:
        """Light; remembered with its time."""
        if self._bench.faults.light_fails:
            raise GpioError("the light does not switch: check its wire and the setting panel.light_pin")
        self._switch(True)

    def off(self) -> None:
        """Dark; remembered with its time."""
        if self._bench.faults.light_fails:
            raise GpioError("the light does not switch: check its wire and the setting panel.light_pin")
        self._switch(False)

    def _switch(self, lit: bool) -> None:
        if lit is not self.lit:
            self.lit = lit
            self.switched_ns.append((self._bench.clock.monotonic_ns(), lit))
