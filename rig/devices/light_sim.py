"""A light without wires: the lamp over the optical bench."""

from __future__ import annotations

from rig.devices.optical_bench import OpticalBench
from rig.errors import GpioError
from rig.saying import say


class SimLight:
    """The switched light of the simulated rig; what its scenes get of it says Mechanics.daylight."""

    def __init__(self, bench: OpticalBench, lead_s: float = 0.1) -> None:
        """lead_s: waited after switching on, but not in daylight, where the lamp changes no picture."""
        self.lit = False
        self.switched_ns: list[tuple[int, bool]] = []  # when, and whether on
        self._bench, self._lead_s = bench, lead_s

    def on(self) -> None:
        """Light; remembered with its time."""
        if not self.lit:
            self._switch(True)
            if self._bench.mechanics.daylight < 1:
                self._bench.clock.sleep(self._lead_s)

    def off(self) -> None:
        """Dark; remembered with its time."""
        if self.lit:
            self._switch(False)

    def _switch(self, lit: bool) -> None:
        if self._bench.faults.light_fails:
            raise GpioError(
                say(
                    "light.not_switched",
                    "the light does not switch: check its wire and the setting panel.light_pin",
                )
            )
        self.lit = lit
        now_ns = self._bench.clock.monotonic_ns()
        self.switched_ns.append((now_ns, lit))
        self._bench.light(lit, now_ns)
