"""The loop that shoots a bracket, on the simulated rig with and without faults."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from smallrig import SmallRig, small_rig

from rig.capture import capture_bracket
from rig.capturereport import CaptureReport, FrameFacts
from rig.devices.camera import Exposure, Frame
from rig.devices.faults import FaultPlan
from rig.devices.optical_bench import Mechanics
from rig.errors import CameraTimeoutError, MotorError, StorageFullError
from rig.lockedcamera import same_exposure
from rig.plan import BracketPlan, plan_bracket
from rig.status import Outcome, Step

NEAR, FAR, STEP = 1000, 1400, 100


def plan_of(rig: SmallRig) -> BracketPlan:
    return plan_bracket(rig.settings, NEAR, FAR, STEP)


def fixed_rig(faults: FaultPlan | None = None, **changes: object) -> SmallRig:
    """Without watching: the tests that are about something else then take no previews."""
    return small_rig(
        faults=faults, **{"capture__settle_mode": "fixed", "camera__meter_positions": 0, **changes}
    )


def shoot(rig: SmallRig, **how: object) -> CaptureReport:
    sink = how.pop("sink", rig.sink)
    plan = plan_of(rig)
    return capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, sink, clock=rig.clock, **how)


def positions(rig: SmallRig) -> list[int]:
    return [facts.position_steps for facts in rig.facts]


# --- the undisturbed bracket --------------------------------------------------------------------
def test_every_planned_position_is_shot_once_in_order() -> None:
    rig = fixed_rig()

    report = shoot(rig)

    assert report.outcome is Outcome.COMPLETE
    assert positions(rig) == [1000, 1100, 1200, 1300, 1400]


def test_each_frame_is_exposed_where_its_facts_say() -> None:
    rig = fixed_rig()
    true: list[float] = []

    def look(frame: Frame, facts: FrameFacts) -> None:
        true.append(rig.devices.bench.focus_um_at(frame.timestamp_ns))

    shoot(rig, sink=look)

    assert [b - a for a, b in pairwise(true)] == [100.0] * 4


def test_no_frame_is_exposed_before_the_wait_is_over() -> None:
    rig = fixed_rig(capture__settle_s=0.5)
    moved_ns: list[int] = []

    def progress(done: int, total: int, what: Step) -> None:
        if what is Step.SETTLING:
            moved_ns.append(rig.clock.monotonic_ns())

    shoot(rig, progress=progress)

    assert all(f.timestamp_ns >= at + 0.5e9 for f, at in zip(rig.facts, moved_ns, strict=True))


def test_every_frame_has_the_exposure_locked_at_the_start() -> None:
    rig = fixed_rig()

    report = shoot(rig)

    assert report.exposure is not None
    assert all(same_exposure(facts.exposure, report.exposure) for facts in rig.facts)


def test_exposure_and_gain_of_the_settings_are_used() -> None:
    report = shoot(fixed_rig(camera__exposure_us=8000, camera__gain=2.0))

    assert report.exposure is not None
    assert same_exposure(report.exposure, Exposure(8000, 2.0, report.exposure.colour_gains))


def test_the_report_holds_what_the_sink_was_given() -> None:
    rig = fixed_rig()

    assert shoot(rig).frames == tuple(rig.facts)


def test_progress_tells_each_step_of_each_frame() -> None:
    seen: list[tuple[int, int, Step]] = []

    shoot(fixed_rig(), progress=lambda *step: seen.append(step))

    assert seen[:5] == [
        (0, 5, Step.MOVING),
        (0, 5, Step.SETTLING),
        (0, 5, Step.EXPOSING),
        (0, 5, Step.SAVING),
        (1, 5, Step.SAVING),
    ]
    assert seen[-1] == (5, 5, Step.SAVING)


def test_the_motor_is_released_and_the_exposure_given_back_at_the_end() -> None:
    rig = fixed_rig()
    shoot(rig)

    assert not rig.devices.motor.energised
    exposures = [rig.devices.camera.preview().exposure for _ in range(8)]
    assert len(set(exposures)) > 1  # automatic control is at work again


def test_the_sharpest_frame_of_a_tile_is_the_one_focused_there() -> None:
    """The target is tilted: its near side is sharp in the first frames, its far side in the last."""
    rig = small_rig(size_px=(640, 480), capture__settle_mode="fixed")
    plan = plan_bracket(rig.settings, 900, 2100, 100)
    capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)

    best = {
        max(rig.facts, key=lambda facts, r=row, c=column: facts.tile_sharpness[r][c]).index
        for row in range(6)
        for column in range(8)
    }

    assert len(best) >= 8  # the peaks are spread over the bracket


# --- stop, pause, resume ------------------------------------------------------------------------
def stop_after(rig: SmallRig, frames: int) -> Callable[[], bool]:
    return lambda: len(rig.facts) >= frames


def test_stop_between_frames_keeps_what_there_is() -> None:
    rig = fixed_rig()

    report = shoot(rig, cancelled=stop_after(rig, 2))

    assert report.outcome is Outcome.STOPPED
    assert positions(rig) == [1000, 1100]
    assert not rig.devices.motor.energised


def test_stop_during_a_move_stops_within_a_step() -> None:
    rig = fixed_rig()

    report = shoot(rig, cancelled=lambda: rig.focuser.position_steps == 1042)

    assert report.outcome is Outcome.STOPPED
    assert (rig.focuser.position_steps, positions(rig)) == (1042, [1000])


def test_emergency_stop_of_the_focuser_ends_the_bracket() -> None:
    rig = fixed_rig()

    def sink(frame: Frame, facts: FrameFacts) -> None:
        rig.sink(frame, facts)
        rig.focuser.stop()

    report = shoot(rig, sink=sink)

    assert report.outcome is Outcome.STOPPED
    assert positions(rig) == [1000]


def test_stop_while_settling_shoots_no_further_frame() -> None:
    rig = fixed_rig(capture__settle_s=10)
    stop = False

    def progress(done: int, total: int, what: Step) -> None:
        nonlocal stop
        stop = what is Step.SETTLING and done == 1

    report = shoot(rig, progress=progress, cancelled=lambda: stop)

    assert (report.outcome, positions(rig)) == (Outcome.STOPPED, [1000])


def test_a_pause_holds_between_frames_and_goes_on_where_it_was() -> None:
    rig = fixed_rig()
    begun_ns = rig.clock.monotonic_ns()
    paused_until_ns = begun_ns + 60_000_000_000

    def paused() -> bool:
        return len(rig.facts) == 2 and rig.clock.monotonic_ns() < paused_until_ns

    report = shoot(rig, paused=paused)

    assert report.outcome is Outcome.COMPLETE
    assert positions(rig) == [1000, 1100, 1200, 1300, 1400]
    assert rig.facts[2].timestamp_ns > paused_until_ns


def test_stop_ends_a_pause() -> None:
    rig = fixed_rig()
    begun_ns = rig.clock.monotonic_ns()

    report = shoot(
        rig, paused=lambda: True, cancelled=lambda: rig.clock.monotonic_ns() > begun_ns + 5_000_000_000
    )

    assert (report.outcome, report.frames) == (Outcome.STOPPED, ())


def test_a_resumed_bracket_continues_as_if_it_had_never_stopped() -> None:
    whole = fixed_rig()
    shoot(whole)
    broken = fixed_rig()
    first = shoot(broken, cancelled=stop_after(broken, 2))
    broken.focuser.goto(2500)

    report = shoot(broken, start=2, exposure=first.exposure)

    assert report.outcome is Outcome.COMPLETE
    assert [facts.index for facts in broken.facts] == [0, 1, 2, 3, 4]
    assert positions(broken) == positions(whole)
    assert all(
        same_exposure(facts.exposure, first.exposure or Exposure(0, 0, (0, 0))) for facts in broken.facts
    )


def test_a_resumed_frame_is_focused_exactly_where_it_would_have_been() -> None:
    def true_focus(rig: SmallRig, **how: object) -> float:
        focus: list[float] = []
        shoot(rig, sink=lambda f, _: focus.append(rig.devices.bench.focus_um_at(f.timestamp_ns)), **how)
        return focus[-1]

    assert true_focus(fixed_rig(), start=4) == true_focus(fixed_rig())


# --- faults -------------------------------------------------------------------------------------
def test_one_camera_time_out_is_overcome_by_a_restart_and_told() -> None:
    rig = fixed_rig(FaultPlan(camera_timeout_at=frozenset({3})))

    report = shoot(rig)

    assert report.outcome is Outcome.COMPLETE
    assert positions(rig) == [1000, 1100, 1200, 1300, 1400]
    assert any("hung and was restarted" in warning for warning in report.warnings)


def test_after_a_restart_the_exposure_is_the_locked_one() -> None:
    rig = fixed_rig(FaultPlan(camera_timeout_at=frozenset({3})))

    report = shoot(rig)

    assert report.exposure is not None
    assert all(same_exposure(facts.exposure, report.exposure) for facts in rig.facts)


def test_a_second_time_out_in_a_row_is_a_fault_that_says_what_is_safe() -> None:
    rig = fixed_rig(FaultPlan(camera_timeout_at=frozenset({3, 4})))

    report = shoot(rig)

    assert report.outcome is Outcome.FAILED
    assert isinstance(report.error, CameraTimeoutError)
    assert "again after a restart: check its ribbon cable" in str(report.error)
    assert report.error.kept == "2 of 5 frames are safe on the card."
    assert len(report.frames) == 2
    assert not rig.devices.motor.energised


def test_a_stuck_motor_ends_the_bracket_with_the_frames_kept() -> None:
    faults = FaultPlan()
    rig = fixed_rig(faults)

    def sink(frame: Frame, facts: FrameFacts) -> None:
        rig.sink(frame, facts)
        if len(rig.facts) == 3:
            faults.motor_stuck_after_steps = 0

    report = shoot(rig, sink=sink)

    assert report.outcome is Outcome.FAILED
    assert isinstance(report.error, MotorError)
    assert positions(rig) == [1000, 1100, 1200]
    assert not rig.devices.motor.energised


def test_a_full_card_ends_the_bracket_with_its_own_error() -> None:
    rig = fixed_rig()

    def full(frame: Frame, facts: FrameFacts) -> None:
        raise StorageFullError("the card is full")

    report = shoot(rig, sink=full)

    assert isinstance(report.error, StorageFullError)
    assert report.error.kept == "No frame had been shot yet."


def test_a_brown_out_is_a_fault_and_everything_is_let_go() -> None:
    rig = fixed_rig(FaultPlan(brownout_at=2))

    report = shoot(rig)

    assert report.outcome is Outcome.FAILED
    assert report.error is not None and "supply" in str(report.error)
    assert not rig.devices.motor.energised


def test_a_program_error_in_the_sink_is_not_swallowed_but_the_motor_is_safe() -> None:
    rig = fixed_rig()

    def broken(frame: Frame, facts: FrameFacts) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        shoot(rig, sink=broken)

    assert not rig.devices.motor.energised


def test_a_bump_during_an_exposure_is_noticed_and_the_frame_shot_again() -> None:
    faults = FaultPlan()
    rig = small_rig(faults=faults, size_px=(640, 480), mechanics=Mechanics(shake_decay_s=0.3, shake_um=30.0))
    knocked = False

    def progress(done: int, total: int, what: Step) -> None:
        nonlocal knocked
        if what is Step.EXPOSING and done == 2 and not knocked:
            knocked = True
            rig.devices.bench.come_to_rest(rig.clock.monotonic_ns())

    report = shoot(rig, progress=progress)

    assert report.outcome is Outcome.COMPLETE
    assert [facts.retaken for facts in rig.facts] == [False, False, True, False, False]


def test_lasting_wind_is_told_but_not_shot_twice() -> None:
    rig = small_rig(size_px=(640, 480), mechanics=Mechanics(wind_um=30.0), capture__settle_limit_s=0.5)

    report = shoot(rig)

    assert report.outcome is Outcome.COMPLETE
    assert not any(facts.retaken for facts in rig.facts)
    assert any("was not still" in warning for warning in report.warnings)


def test_burnt_out_highlights_are_warned_of() -> None:
    report = shoot(fixed_rig(camera__exposure_us=120_000))

    assert any("burnt out" in warning for warning in report.warnings)


@pytest.mark.shared
def test_a_real_bracket_can_be_replayed() -> None:
    import os

    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED does not name the folder of real brackets")
    folder = next(folder for folder in sorted((Path(shared) / "stacks").iterdir()) if folder.is_dir())
    rig = small_rig(f"replay:{folder}", capture__settle_mode="fixed")

    assert shoot(rig).outcome is Outcome.COMPLETE
