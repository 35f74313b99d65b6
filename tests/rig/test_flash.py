"""A bracket by flash in the dark: every frame lit from its first row to its last one, or none at all."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from smallrig import SmallRig, lit_by, small_rig

from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.devices.camera import Coming, Exposure, Frame
from rig.devices.faults import FaultPlan
from rig.devices.flash_sim import SimFlash
from rig.devices.frame_timeline import READOUT_NS
from rig.devices.light_sim import SimLight
from rig.devices.optical_bench import Mechanics
from rig.errors import ConfigError
from rig.flash import MOST_FLASHES
from rig.flashlight import profile
from rig.flashtime import LEAST_SPARE_US, flash_exposure
from rig.plan import plan_bracket
from rig.status import Outcome

RECYCLE_S = 1.0
FRAMES = 3
TEST_FLASHES = 4  # two for the gain, two to see that the window is where it was foreseen


class FlashRig:
    """A small rig in a dark room, and its flash."""

    def __init__(self, faults: FaultPlan | None = None, daylight: float = 0.001, **how: object) -> None:
        mechanics = {name: how.pop(name) for name in tuple(how) if "__" not in name}
        self.rig: SmallRig = small_rig(
            mechanics=Mechanics(daylight=daylight, **mechanics),  # type: ignore[arg-type]
            faults=faults,
            size_px=(320, 240),
            **{"flash__pin": 18, "flash__recycle_s": RECYCLE_S, **how},
        )
        bench = self.rig.devices.bench
        self.flash = SimFlash(bench, self.rig.settings.flash.pulse_ms / 1000)
        self.lamp = SimLight(bench)

    def shoot(self, **how: object) -> CaptureReport:
        rig = self.rig
        plan = plan_bracket(rig.settings, 1400, 1400 + 100 * (FRAMES - 1), 100)
        options = {"flash": self.flash, "lit": partial(lit_by, self.lamp), **how}
        sink = options.pop("sink", rig.sink)
        return capture_bracket(
            rig.devices.camera, rig.focuser, plan, rig.settings, sink, clock=rig.clock, **options
        )

    @property
    def brightness(self) -> list[float]:
        return [float(np.mean(frame.luma_small)) for frame in self.rig.frames]

    @property
    def pauses_s(self) -> list[float]:
        """Between flashes."""
        return list(np.diff(self.flash.fired_ns) / 1e9)


def test_every_frame_is_lit_alike_from_its_first_row_to_its_last() -> None:
    dark, by_day = FlashRig(), FlashRig(daylight=1.0)
    report = dark.shoot()
    by_day.shoot(flash=None)

    assert report.outcome is Outcome.COMPLETE and report.warnings == ()
    assert len(dark.flash.fired_ns) == TEST_FLASHES + FRAMES
    assert dark.brightness == pytest.approx([dark.brightness[0]] * FRAMES, rel=0.03)
    shape = profile(dark.rig.frames[0].luma_small) / profile(by_day.rig.frames[0].luma_small)
    assert shape == pytest.approx([float(shape.mean())] * len(shape), rel=0.25)


def test_the_flash_is_given_the_time_it_needs_to_recycle() -> None:
    rig = FlashRig()
    rig.shoot()

    assert min(rig.pauses_s) >= RECYCLE_S


def test_the_gain_is_what_the_flash_asks_for_and_the_exposure_as_short_as_it_can_be() -> None:
    strong, weak = FlashRig(flash_exposures=0.6), FlashRig(flash_exposures=0.15)
    strong_held, weak_held = strong.shoot().exposure, weak.shoot().exposure

    assert strong_held is not None and weak_held is not None
    assert weak_held.gain == pytest.approx(4 * strong_held.gain, rel=0.25)
    assert READOUT_NS / 1000 + LEAST_SPARE_US < strong_held.exposure_us < 150_000


def test_time_and_gain_by_hand_are_taken_as_they_are() -> None:
    rig = FlashRig(camera__exposure_us=200_000, camera__gain=2.0)
    held = rig.shoot().exposure

    assert held is not None and (held.exposure_us, held.gain) == (pytest.approx(200_000, abs=30), 2.0)
    assert len(rig.flash.fired_ns) == 2 + FRAMES  # nothing to measure, but the window


def test_an_exposure_shorter_than_the_reading_of_the_rows_is_refused_with_what_would_do() -> None:
    rig = FlashRig(camera__exposure_us=80_000)
    report = rig.shoot()

    assert isinstance(report.error, ConfigError) and "from 93000 µs on" in str(report.error)
    assert rig.flash.fired_ns == []


def test_a_flash_that_is_missed_is_fired_again_for_the_same_frame() -> None:
    rig = FlashRig(FaultPlan(flash_missed_at=frozenset({TEST_FLASHES + 2})))
    report = rig.shoot()

    assert report.outcome is Outcome.COMPLETE and len(rig.rig.frames) == FRAMES
    assert len(rig.flash.fired_ns) == TEST_FLASHES + FRAMES + 1
    assert min(rig.brightness) > 0.97 * max(rig.brightness)


def test_a_dead_flash_is_a_fault_that_keeps_the_frames_before_it() -> None:
    rig = FlashRig()

    def sink(frame, facts) -> None:
        rig.rig.sink(frame, facts)
        rig.rig.devices.bench.faults.flash_dead = len(rig.rig.frames) == 2

    report = rig.shoot(sink=sink)

    assert report.outcome is Outcome.FAILED and "gives no light" in str(report.error)
    assert report.error is not None and report.error.kept == "2 of 3 frames are safe on the card."
    assert len(rig.flash.fired_ns) == TEST_FLASHES + 2 + MOST_FLASHES


@pytest.mark.parametrize(("late_s", "word"), [(0.02, "too late"), (-0.02, "too early"), (-0.05, "too early")])
def test_light_that_reaches_only_a_part_of_the_rows_is_found_out_before_the_first_frame(
    late_s: float, word: str
) -> None:
    rig = FlashRig(FaultPlan(flash_late_s=late_s))
    report = rig.shoot()

    assert rig.rig.frames == []
    assert "only a part of the frame" in str(report.error) and word in str(report.error)


@pytest.mark.parametrize("delay_ms", [60.0, 200.0])  # 200: fired before the frame begins
def test_a_delay_that_is_set_makes_up_for_a_slow_trigger(delay_ms: float) -> None:
    rig = FlashRig(FaultPlan(flash_late_s=delay_ms / 1000), flash__delay_ms=delay_ms)
    camera = rig.rig.devices.camera
    coming = camera.coming

    def just_begun(not_before_ns: int) -> Coming:
        found = coming(not_before_ns)
        rig.rig.clock.sleep((found.start_ns - not_before_ns) / 1e9)  # no time is left but what was asked for
        return found

    camera.coming = just_begun
    report = rig.shoot()

    assert report.outcome is Outcome.COMPLETE, report.error


def test_light_that_comes_late_only_now_and_then_costs_no_frame() -> None:
    rig = FlashRig()
    fire, late_at = rig.flash.fire, TEST_FLASHES + 1

    def sometimes_late(at_ns: int, until_ns: int) -> int | None:
        rig.rig.devices.bench.faults.flash_late_s = 0.04 if len(rig.flash.fired_ns) == late_at else 0.0
        return fire(at_ns, until_ns)

    rig.flash.fire = sometimes_late  # type: ignore[method-assign]

    assert rig.shoot().outcome is Outcome.COMPLETE
    assert len(rig.flash.fired_ns) == TEST_FLASHES + FRAMES + 1
    assert min(rig.brightness) > 0.97 * max(rig.brightness)


def test_a_computer_late_by_more_than_the_window_lets_the_moment_pass() -> None:
    rig = FlashRig(flash_jitter_s=0.06)
    report = rig.shoot()

    if report.outcome is Outcome.COMPLETE:
        assert min(rig.brightness) > 0.97 * max(rig.brightness)
    else:
        assert "too busy" in str(report.error)


def test_a_flash_that_has_not_recycled_is_waited_for_longer() -> None:
    rig = FlashRig(flash_recycle_s=1.0, flash__recycle_s=1.0)

    def slower(frame, facts) -> None:
        rig.rig.sink(frame, facts)
        rig.rig.devices.bench.mechanics = Mechanics(
            daylight=0.001, flash_recycle_s=4.0
        )  # the battery empties

    report = rig.shoot(sink=slower)

    assert report.outcome is Outcome.COMPLETE
    assert max(rig.pauses_s) >= 3 * RECYCLE_S
    assert min(rig.brightness) > 0.85 * max(rig.brightness)


def test_a_bright_room_a_weak_and_a_strong_flash_are_told() -> None:
    told = [
        FlashRig(daylight=0.02).shoot().warnings,
        FlashRig(flash_exposures=0.004, daylight=0.0).shoot().warnings,
        FlashRig(flash_exposures=5.0).shoot().warnings,
    ]

    for warnings, word in zip(told, ("darken the room", "too weak", "even at the least gain"), strict=True):
        assert any(word in warning for warning in warnings), warnings


def test_the_lamp_is_dark_in_flashed_frames() -> None:
    rig = FlashRig()
    rig.shoot()

    lit = list(zip(rig.lamp.switched_ns[::2], rig.lamp.switched_ns[1::2], strict=True))
    for facts in rig.rig.facts:
        start, end = facts.timestamp_ns, facts.timestamp_ns + facts.exposure.exposure_us * 1000
        assert not [1 for (on, _), (off, _) in lit if on < end and off > start]


def test_a_stop_is_felt_while_the_flash_recycles() -> None:
    rig = FlashRig(flash__recycle_s=30.0)
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return len(rig.flash.fired_ns) == 1

    assert rig.shoot(cancelled=cancelled).outcome is Outcome.STOPPED
    assert len(rig.flash.fired_ns) == 1


def test_a_bracket_gone_on_with_keeps_its_exposure() -> None:
    rig = FlashRig()
    held = rig.shoot(start=0).exposure
    again = rig.shoot(start=2, exposure=held).exposure

    assert again == held and len(rig.rig.frames) == FRAMES + 1


def test_a_frame_that_the_camera_leaves_out_is_flashed_again() -> None:
    rig = FlashRig()
    camera = rig.rig.devices.camera
    coming, left_out = camera.coming, [TEST_FLASHES]

    def foreseen(not_before_ns: int) -> Coming:
        found = coming(not_before_ns)
        if len(rig.flash.fired_ns) not in left_out:
            return found
        shift = 60_000_000  # as if the camera gave the next one only
        return Coming(found.start_ns - shift, found.all_open_ns - shift, found.closing_ns - shift)

    camera.coming = foreseen
    report = rig.shoot()

    assert report.outcome is Outcome.COMPLETE and len(rig.rig.frames) == FRAMES
    assert len(rig.flash.fired_ns) == TEST_FLASHES + FRAMES + 1


def test_of_a_camera_that_gives_only_every_other_frame_one_of_those_is_flashed() -> None:
    rig = FlashRig(flash_recycle_s=0.0, flash__recycle_s=0.0)
    camera = rig.rig.devices.camera
    capture = camera.capture

    def every_other(not_before_ns: int, timeout_s: float = 10.0) -> Frame:
        timeline = camera._timeline
        number = timeline.first_from(not_before_ns)
        if timeline.control_of(number).held is None or number % 2 == 0:
            return capture(not_before_ns, timeout_s)
        return capture(timeline.start_of(number + 1), timeout_s)

    camera.capture = every_other
    report = rig.shoot()

    assert report.outcome is Outcome.COMPLETE and len(rig.rig.frames) == FRAMES
    assert min(rig.brightness) > 0.97 * max(rig.brightness)


@pytest.mark.parametrize("at", [1, 2, 4, 6])  # the look without the flash, a test flash, a frame
def test_a_camera_that_hangs_once_is_restarted_and_the_frame_flashed_again(at: int) -> None:
    rig = FlashRig(FaultPlan(camera_timeout_at=frozenset({at})))
    report = rig.shoot()

    assert report.outcome is Outcome.COMPLETE and len(rig.rig.frames) == FRAMES
    assert "restarted" in str(report.warnings)
    assert min(rig.brightness) > 0.97 * max(rig.brightness)


def test_colour_by_hand_goes_before_what_automatic_control_had_found() -> None:
    rig = FlashRig(camera__colour_gains=(3.0, 1.5))
    settings = rig.rig.settings
    limits = rig.rig.devices.camera.limits

    assert flash_exposure(settings.camera, settings.flash, limits, (2.0, 2.0)) == Exposure(
        128_000, 1.0, (3.0, 1.5)
    )
