"""A flash without wires, over the optical bench: late by a little, weak when it is fired too soon again."""

from __future__ import annotations

import numpy as np

from rig.devices.optical_bench import OpticalBench


class SimFlash:
    """The flash of the simulated rig; what it lights says OpticalBench.flashed."""

    def __init__(self, bench: OpticalBench, pulse_s: float) -> None:
        """pulse_s: of the trigger; it gives light for as long, as LEDs do."""
        self.fired_ns: list[int] = []
        self._bench, self._pulse_ns = bench, round(pulse_s * 1e9)
        self._rng = np.random.default_rng([bench.seed, 11])

    def fire(self, at_ns: int, until_ns: int) -> int | None:
        """Give light at this moment, late by what a computer is late; see Flash."""
        bench = self._bench
        clock, mechanics, faults = bench.clock, bench.mechanics, bench.faults
        late_s = float(self._rng.uniform(0, mechanics.flash_jitter_s))
        clock.sleep((at_ns - clock.monotonic_ns()) / 1e9 + late_s)
        fired_ns = clock.monotonic_ns()
        if fired_ns > until_ns:
            return None
        self.fired_ns.append(fired_ns)
        if not faults.flash_dead and len(self.fired_ns) not in faults.flash_missed_at:
            light_ns = fired_ns + round(faults.flash_late_s * 1e9)
            bench.flash(light_ns, light_ns + self._pulse_ns)
        clock.sleep(self._pulse_ns / 1e9)
        return fired_ns
