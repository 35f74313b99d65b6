"""What motor and camera of the simulated rig share: where the optics truly are, and how they shake."""

from __future__ import annotations

import math
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rig.devices.clock import Clock, RealClock
from rig.devices.faults import FaultPlan
from rig.devices.scenes import Scene

Moments = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

SENSOR_PIXEL_UM = 1.55
OVERRUN_STEPS = 40  # between an end of the travel and the metal that stops the carriage


@dataclass(frozen=True)
class Mechanics:
    """How imperfect the focus drive and its stand are."""

    backlash_steps: int = 18
    start_at: float = 0.4  # share of the travel where the carriage stands at power-on
    shake_um: float = 9.0  # on the sensor, right after a move; about 6 px
    shake_hz: float = 19.0  # a tripod with a small rig on it rings at 15..30 Hz
    shake_decay_s: float = 0.12
    wind_um: float = 0.0  # on the sensor; sways all the time
    daylight: float = 1.0  # share of the light that is there without the rig's lamp
    lamp_rise_s: float = 0.05  # soft start of the lamp
    flash_exposures: float = 0.6  # what a flash at full strength gives, of a full exposure at gain 1
    flash_recycle_s: float = 1.0  # until it is at full strength again
    flash_jitter_s: float = 0.004  # it is late by so much at most, as a busy computer is


class OpticalBench:
    """Scene, lens and carriage. The shaft turns in steps; the carriage follows with play.

    All positions here are true ones in steps from the endstop, whatever the motor believes.
    """

    def __init__(
        self,
        scene: Scene,
        clock: Clock | None = None,
        *,
        seed: int = 1,
        mechanics: Mechanics | None = None,
        faults: FaultPlan | None = None,
    ) -> None:
        self.scene = scene
        self.clock = clock or RealClock()
        self.seed = seed
        self.mechanics = mechanics or Mechanics()
        self.faults = faults or FaultPlan()
        self.powered = True
        self._guard = threading.Lock()
        self._carriage = float(round(scene.travel_steps * self.mechanics.start_at))
        # the shaft stands in the middle of the play: which flank touches is not known at power-on
        self._shaft = self._carriage + self.mechanics.backlash_steps // 2
        self._times: deque[int] = deque([self.clock.monotonic_ns()], maxlen=8192)
        self._places: deque[float] = deque([self._carriage], maxlen=8192)
        self._knocks: deque[int] = deque(maxlen=16)  # when a move ended
        self._bumped_ns: int | None = None  # when it was pushed
        self._flashes: deque[tuple[int, int, float]] = deque(maxlen=16)  # from, to, strength
        self._switched: deque[tuple[int, bool]] = deque(
            [(-(1 << 62), False)], maxlen=64
        )  # the lamp: when, to what

    @property
    def carriage_steps(self) -> float:
        """Where the optics stand now."""
        with self._guard:
            return self._carriage

    @property
    def focus_um(self) -> float:
        """Depth in focus now."""
        return self.scene.z_of(self.carriage_steps)

    @property
    def endstop_closed(self) -> bool:
        """What the switch at the near end says; it feels the carriage, not the shaft."""
        if self.faults.endstop != "works":
            return self.faults.endstop == "stuck_closed"
        return self.carriage_steps <= 0

    def turn(self, direction: int, at_ns: int) -> None:
        """Turn the shaft by one step; the carriage follows once the play is taken up."""
        with self._guard:
            low = -OVERRUN_STEPS
            high = self.scene.travel_steps + OVERRUN_STEPS + self.mechanics.backlash_steps
            self._shaft = min(max(self._shaft + direction, low), high)  # against the metal, steps are lost
            pushed = self._shaft - self.mechanics.backlash_steps
            self._carriage = min(max(self._carriage, pushed), self._shaft)
            self._times.append(at_ns)
            self._places.append(self._carriage)

    def come_to_rest(self, at_ns: int) -> None:
        """A move ends here: what was moving rings."""
        with self._guard:
            self._knocks.append(at_ns)

    def bump(self, at_ns: int) -> None:
        """Somebody pushes the rig, by faults.bump_px."""
        with self._guard:
            self._bumped_ns = at_ns

    def focus_um_at(self, t_ns: int) -> float:
        """Depth that was in focus at this moment of the last few thousand steps."""
        with self._guard:
            index = max(bisect_right(self._times, t_ns) - 1, 0)
            return self.scene.z_of(self._places[index])

    def light(self, lit: bool, at_ns: int) -> None:
        """The rig's lamp goes on or off."""
        with self._guard:
            self._switched.append((at_ns, lit))

    def brightness(self, start_ns: int, end_ns: int) -> float:
        """Share of the full light that there is on average between two moments: of daylight and lamp."""
        daylight = self.mechanics.daylight
        if daylight >= 1:
            return 1.0
        if self.faults.lamp_dead:
            return daylight
        with self._guard:
            switched = list(self._switched)
        moments = [start_ns + (end_ns - start_ns) * index // 16 for index in range(17)]
        lamp = sum(_lamp_at(t, switched, self.mechanics.lamp_rise_s) for t in moments) / len(moments)
        return daylight + (1 - daylight) * lamp

    def flash(self, from_ns: int, to_ns: int) -> None:
        """The flash gives light between two moments, as strong as it has recycled."""
        with self._guard:
            since_s = (from_ns - self._flashes[-1][0]) / 1e9 if self._flashes else math.inf
            strength = min(since_s / max(self.mechanics.flash_recycle_s, 1e-9), 1.0)
            self._flashes.append((from_ns, to_ns, strength))

    def flash_within(self, start_ns: int, end_ns: int) -> int | None:
        """The moment of a flash that fell between these; None where there was none."""
        with self._guard:
            return next((one[0] for one in self._flashes if start_ns <= one[0] < end_ns), None)

    def flashed(self, open_ns: Moments, exposure_ns: int) -> Shares:
        """(rows,) what flashes gave to rows that were opened at these moments for so long, of a full exposure."""
        with self._guard:
            flashes = list(self._flashes)
        given = np.zeros(open_ns.shape)
        for from_ns, to_ns, strength in flashes:
            lit_ns = np.minimum(open_ns + exposure_ns, to_ns) - np.maximum(open_ns, from_ns)
            given += strength * np.clip(lit_ns / max(to_ns - from_ns, 1), 0, 1)
        return given * self.mechanics.flash_exposures

    def shift_um_at(self, t_ns: int) -> tuple[float, float]:
        """Where the picture lies on the sensor at this moment, x and y, against a quiet bench."""
        m = self.mechanics
        with self._guard:
            knocks = [k for k in self._knocks if k <= t_ns]
        shake = 0.0
        for knock in knocks[-4:]:
            age_s = (t_ns - knock) / 1e9
            if age_s < 12 * m.shake_decay_s:
                shake += math.exp(-age_s / m.shake_decay_s) * math.cos(2 * math.pi * m.shake_hz * age_s)
        t = t_ns / 1e9 + self.seed
        gust = math.sin(1.9 * t) + 0.6 * math.sin(4.7 * t + 1) + 0.3 * math.sin(11.3 * t + 2)
        x, y = self._pushed_um(t_ns)
        return (
            x + 0.35 * m.shake_um * shake + m.wind_um * gust,
            y + m.shake_um * shake + 0.3 * m.wind_um * gust,
        )

    def _pushed_um(self, t_ns: int) -> tuple[float, float]:
        faults, since_ns = self.faults, self._bumped_ns
        lasts_s = math.inf if faults.bump_lasts_s is None else faults.bump_lasts_s
        if since_ns is None or not 0 <= (t_ns - since_ns) / 1e9 < lasts_s:
            return 0.0, 0.0
        return faults.bump_px[0] * SENSOR_PIXEL_UM, faults.bump_px[1] * SENSOR_PIXEL_UM


def _lamp_at(t_ns: int, switched: Sequence[tuple[int, bool]], rise_s: float) -> float:
    """Brightness 0..1 of a lamp at a moment: it rises evenly and goes out at once."""
    since_ns, lit = next((one for one in reversed(switched) if one[0] <= t_ns), (0, False))
    return min((t_ns - since_ns) / 1e9 / max(rise_s, 1e-9), 1.0) if lit else 0.0
