"""The rig's light: on for each exposure and what is watched before it, dark while the focus moves."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from smallrig import SmallRig, lit_by, small_rig

from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.devices.light_sim import SimLight
from rig.devices.optical_bench import Mechanics
from rig.plan import plan_bracket
from rig.status import Outcome

NIGHT = Mechanics(daylight=0.0)
LEAD_S = 0.1
FRAMES = 3


class NightRig:
    """A rig whose subject is lit by its own lamp alone."""

    def __init__(self, mode: str = "fixed", lead_s: float = LEAD_S) -> None:
        self.rig: SmallRig = small_rig(mechanics=NIGHT, capture__settle_mode=mode, camera__meter_positions=0)
        self.light = SimLight(self.rig.devices.bench, lead_s)
        self.lit = partial(lit_by, self.light)

    def shoot(self, lit=None, **how: object) -> CaptureReport:
        rig = self.rig
        plan = plan_bracket(rig.settings, 1400, 1400 + 100 * (FRAMES - 1), 100)
        sink = how.pop("sink", rig.sink)
        return capture_bracket(
            rig.devices.camera,
            rig.focuser,
            plan,
            rig.settings,
            sink,
            clock=rig.clock,
            lit=lit or self.lit,
            **how,
        )

    @property
    def brightness(self) -> list[float]:
        return [float(np.mean(frame.luma_small)) for frame in self.rig.frames]

    def intervals(self) -> list[tuple[int, int]]:
        """When it was on."""
        switched = self.light.switched_ns
        return [(on[0], off[0]) for on, off in zip(switched[::2], switched[1::2], strict=True)]


def test_frames_are_bright_by_the_rigs_light_and_dark_without_it() -> None:
    with_light, without = NightRig(), NightRig()
    with_light.shoot()
    without.shoot(lit=nullcontext)

    assert min(with_light.brightness) > 60
    assert max(without.brightness) < 10


def test_by_the_rigs_light_a_frame_is_as_bright_as_by_day() -> None:
    night = NightRig()
    night.shoot()
    day = small_rig(capture__settle_mode="fixed", camera__meter_positions=0)
    plan = plan_bracket(day.settings, 1400, 1600, 100)
    capture_bracket(day.devices.camera, day.focuser, plan, day.settings, day.sink, clock=day.clock)

    assert night.brightness == pytest.approx([float(np.mean(f.luma_small)) for f in day.frames], rel=0.02)


def test_the_light_is_on_a_lead_before_each_exposure_and_until_its_end() -> None:
    night = NightRig()
    night.shoot()

    _, *each = night.intervals()  # the first is for the lock of the exposure
    for facts, (on, off) in zip(night.rig.facts, each, strict=True):
        assert facts.timestamp_ns - on >= LEAD_S * 1e9
        assert facts.timestamp_ns + facts.exposure.exposure_us * 1000 <= off


def test_too_short_a_lead_darkens_the_frames() -> None:
    hasty, patient = NightRig(lead_s=0.0), NightRig()
    hasty.shoot()
    patient.shoot()

    assert np.mean(hasty.brightness) <= np.mean(patient.brightness)
    bench = hasty.rig.devices.bench
    on, _ = hasty.intervals()[-1]
    assert bench.brightness(on, on + 20_000_000) < 0.5


def test_the_focus_moves_in_the_dark() -> None:
    night = NightRig("watched")
    lit_at_steps: list[bool] = []
    turn = night.rig.devices.bench.turn

    def watched_turn(direction: int, at_ns: int) -> None:
        lit_at_steps.append(night.light.lit)
        turn(direction, at_ns)

    night.rig.devices.bench.turn = watched_turn  # type: ignore[method-assign]
    night.shoot()

    assert len(lit_at_steps) > 100
    assert not any(lit_at_steps)


def test_standing_still_is_watched_by_the_rigs_light() -> None:
    night = NightRig("watched")
    report = night.shoot()

    assert report.outcome is Outcome.COMPLETE
    assert report.warnings == ()
    assert max(facts.settle_s for facts in night.rig.facts) < 1.5
    assert min(night.brightness) > 60


def test_a_light_that_fails_between_two_frames_ends_the_bracket_with_those_before_it() -> None:
    night = NightRig()

    def sink(frame, facts) -> None:
        night.rig.sink(frame, facts)
        night.rig.devices.bench.faults.light_fails = len(night.rig.frames) == 2

    report = night.shoot(sink=sink)

    assert report.outcome is Outcome.FAILED
    assert "the light does not switch" in str(report.error)
    assert report.error is not None and report.error.kept == "2 of 3 frames are safe on the card."
