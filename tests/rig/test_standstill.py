"""A motor that takes its steps and does not move is found out early, and a good one is never blamed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from simrig import Rig
from simrig import small_rig as devices_of
from smallrig import SmallRig, small_rig

from rig import drivewatch
from rig.capture import capture_bracket
from rig.capturereport import CaptureReport, FrameFacts
from rig.config import Settings
from rig.devices.build import build_devices
from rig.devices.build_sim import scene_names
from rig.devices.camera import Exposure, Frame, Preview
from rig.devices.clock import SimClock
from rig.devices.optical_bench import Mechanics
from rig.errors import MotorStillError
from rig.focuser import Focuser
from rig.moveproof import difference, look, moves
from rig.plan import plan_bracket
from rig.standstill import Standstill
from rig.status import Outcome, Phase
from rig.workflow import Workflow

STEP = 48  # 0.7 depths of field of the scenes
FRAMES = 14
SMALL, USUAL = (320, 240), (507, 380)  # px; the latter is what is left of a full frame to judge by


def still(**how: object) -> SmallRig:
    return small_rig(
        **{"size_px": SMALL, "capture__settle_mode": "fixed", "camera__meter_positions": 0, **how}
    )


def shoot(rig: SmallRig, near: int = 1300, stands_after: int | None = None) -> CaptureReport:
    """A bracket during which the motor is unplugged after so many frames."""

    def unplug(frame: Frame, facts: FrameFacts) -> None:
        rig.sink(frame, facts)
        if facts.index + 1 == stands_after:
            rig.devices.bench.faults.motor_still_after_steps = 0

    if stands_after == 0:
        rig.devices.bench.faults.motor_still_after_steps = 0
    plan = plan_bracket(rig.settings, near, near + STEP * (FRAMES - 1), STEP)
    return capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, unplug, clock=rig.clock)


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[bool | None]:
    """What came of each look whether the drive moves."""
    found: list[bool | None] = []

    def noted(*how: object) -> bool | None:
        found.append(moves(*how))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(drivewatch, "moves", noted)
    return found


# --- found out ----------------------------------------------------------------------------------
@pytest.mark.parametrize("scene", scene_names())
@pytest.mark.parametrize("stands_after", [0, 1, 6])
def test_a_motor_that_stands_still_silently_ends_the_bracket_a_few_frames_later(
    scene: str, stands_after: int
) -> None:
    rig = still(scene=scene)
    report = shoot(rig, stands_after=stands_after)

    assert report.outcome is Outcome.FAILED
    assert isinstance(report.error, MotorStillError)
    assert len(report.frames) <= stands_after + 6
    assert len(rig.frames) == len(report.frames)
    assert not rig.devices.motor.energised
    assert "its steps were sent" in str(report.error) and "plug" in str(report.error)


def test_standing_still_from_the_frame_before_the_last_is_noticed_by_how_much_the_others_differ() -> None:
    rig = still(size_px=USUAL, scene="target")
    report = shoot(rig, stands_after=FRAMES - 2)

    assert isinstance(report.error, MotorStillError)
    assert len(report.frames) == FRAMES


@pytest.mark.parametrize(("far", "step"), [(1300 + 2 * STEP, STEP), (1307, 1)])
def test_a_bracket_too_short_to_tell_is_not_complete_before_the_motor_was_seen_to_move(
    far: int, step: int
) -> None:
    rig = still()
    rig.devices.bench.faults.motor_still_after_steps = 0
    plan = plan_bracket(rig.settings, 1300, far, step)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)

    assert isinstance(report.error, MotorStillError)
    assert (report.again_from, len(report.frames)) == (0, len(plan.positions_steps))


def test_it_is_found_out_as_well_where_settling_is_watched() -> None:
    rig = still(capture__settle_mode="watched")

    assert isinstance(shoot(rig, stands_after=2).error, MotorStillError)


def test_frames_that_were_shot_while_it_stood_are_named_and_the_others_are_not() -> None:
    report = shoot(still(size_px=USUAL, scene="target"), stands_after=6)

    assert report.again_from in (4, 5, 6)
    assert report.error is not None and report.error.kept is not None
    assert f"those from frame {report.again_from + 1} on show one focus" in report.error.kept


def test_the_count_is_put_back_to_where_it_stood() -> None:
    rig = still(scene="target", size_px=USUAL)
    report = shoot(rig, stands_after=6)

    assert report.again_from is not None
    assert rig.focuser.position_steps == 1300 + STEP * report.again_from
    assert not rig.focuser.homed


def test_once_plugged_in_again_the_rig_shoots_the_frames_in_doubt_again(make_rig: Callable[..., Rig]) -> None:
    built = []

    def build(settings):
        built.append(devices_of(settings))
        return built[-1]

    rig = make_rig({"capture.settle_mode": "fixed"}, build=build)
    workflow = rig.workflow
    workflow.set_near(1300)
    workflow.set_far(1300 + 8 * STEP)
    workflow.set_step(STEP)
    built[-1].camera._bench.faults.motor_still_after_steps = 0
    bracket_id = workflow.start_bracket()
    status = rig.until(lambda status: status.state is Phase.FAULT)
    kept = workflow.bracket(bracket_id)

    assert (status.fault.device, status.fault.action) == ("motor", "Try the motor again")
    assert len(kept.frames) >= 4 and kept.summary.frames_done == status.bracket.done == 0
    assert kept.again == tuple(frame.index for frame in kept.frames)

    built[-1].camera._bench.faults.motor_still_after_steps = None
    workflow.recover()
    rig.until_idle()
    workflow.resume(bracket_id)
    status = rig.until_idle()
    shot = workflow.bracket(bracket_id)

    assert status.bracket.outcome is Outcome.COMPLETE
    assert (shot.again, shot.summary.frames_done, status.bracket.done) == ((), 9, 9)
    assert {frame.sha256 for frame in shot.frames}.isdisjoint(frame.sha256 for frame in kept.frames)


LOOKS: dict[str, Callable[[Workflow], object]] = {
    "range": lambda workflow: workflow.auto_range(then_shoot=True),
    "spot": lambda workflow: workflow.touch(0.5, 0.5),
    "backlash": lambda workflow: workflow.calibrate_backlash(),
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_search_in_which_nothing_moves_blames_the_motor_and_not_the_light(
    make_rig: Callable[..., Rig], what: str
) -> None:
    built = []

    def build(settings):
        built.append(devices_of(settings, "bumpy"))
        return built[-1]

    rig = make_rig({"capture.settle_mode": "fixed"}, build=build)
    rig.workflow.goto(1500)
    rig.until_idle()
    built[-1].camera._bench.faults.motor_still_after_steps = 0
    LOOKS[what](rig.workflow)
    status = rig.until(lambda status: status.state in (Phase.IDLE, Phase.FAULT))

    assert status.fault is not None and status.fault.device == "motor"
    assert "the focus motor does not move" in status.fault.sentence
    assert not built[-1].motor.energised


# --- no false alarm -----------------------------------------------------------------------------
@pytest.mark.parametrize(("scene", "near"), [*((scene, 1300) for scene in scene_names()), ("bumpy", 400)])
def test_a_drive_that_moves_is_not_blamed(scene: str, near: int, proofs: list[bool | None]) -> None:
    assert shoot(still(scene=scene), near).outcome is Outcome.COMPLETE
    assert len(proofs) <= 2  # they cost time


def test_nor_in_noise_nor_in_wind(proofs: list[bool | None]) -> None:
    dark = still(scene="bumpy", camera__exposure_us=1250, camera__gain=16.0)
    windy = still(scene="bristles", mechanics=Mechanics(wind_um=25.0))

    assert shoot(dark).outcome is shoot(windy).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(("far", "step"), [(1307, 1), (1300 + 3 * STEP, STEP)])
def test_nor_in_a_bracket_too_short_to_show_it_which_is_looked_at_once_at_its_end(
    far: int, step: int, proofs: list[bool | None]
) -> None:
    rig = still()
    plan = plan_bracket(rig.settings, 1300, far, step)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)

    assert report.outcome is Outcome.COMPLETE
    assert proofs in ([True], [])


class Blank:
    """A camera that sees nothing: the lens cap, a white wall."""

    def __init__(self, noise: float) -> None:
        self._noise, self._rng = noise, np.random.default_rng(3)

    def now_ns(self) -> int:
        return 0

    def preview(self) -> Preview:
        picture = 60 + self._noise * self._rng.normal(size=(240, 320, 3))
        return Preview(picture.clip(0, 255).astype(np.uint8), 1, 1, Exposure(1000, 1.0, (1.0, 1.0)))


@pytest.mark.parametrize("noise", [0.0, 4.0, 25.0])
def test_a_picture_with_nothing_in_it_proves_nothing(noise: float) -> None:
    rig = still()

    assert moves(Blank(noise), rig.focuser, rig.settings, lambda: None, lambda: False) is None


def test_without_room_to_go_there_is_no_proof() -> None:
    rig = still()
    rig.focuser.goto(1300)
    narrow = rig.settings.changed({"motor.min_steps": 1200, "motor.max_steps": 1400})
    focuser = Focuser(rig.devices.motor, narrow.motor)
    rig.devices.bench.faults.motor_still_after_steps = 0

    assert moves(rig.devices.camera, focuser, narrow, lambda: None, lambda: False) is None


def test_a_drive_whose_steps_are_taken_for_far_larger_than_they_are_is_not_called_dead() -> None:
    rig = still(scene="bumpy")
    rig.devices.camera.lock(None)
    rig.focuser.goto(1400)
    rig.clock.sleep(1)
    coarse = rig.settings.changed({"motor.steps_per_um": rig.settings.motor.steps_per_um / 50})

    assert moves(rig.devices.camera, rig.focuser, coarse, lambda: rig.clock.sleep(1), lambda: False) is True


def test_looking_twice_from_one_place_shows_the_same_and_from_another_does_not() -> None:
    rig = still()
    rig.devices.camera.lock(None)
    rig.focuser.goto(1400)
    rig.clock.sleep(1)
    here, again = look(rig.devices.camera), look(rig.devices.camera)
    rig.focuser.goto(1800)
    rig.clock.sleep(1)

    there = difference(here, look(rig.devices.camera))
    calm = difference(here, again)

    assert calm is not None and calm.is_none(calm)
    assert there is not None and not there.is_none(calm)


def test_what_moved_once_while_frames_were_alike_is_suspected_only_of_less() -> None:
    rig = still()
    shoot(rig)
    watch = Standstill(depth_of_field_steps=STEP / 0.7)
    alike = [replaced(rig.facts[0], position) for position in range(1300, 1300 + 6 * STEP, STEP)]

    assert watch.since(alike, last=False) == 0
    watch.clear(alike)
    assert watch.since([*alike[:3], *alike[4:]], last=False) is None


def replaced(facts: FrameFacts, position: int) -> FrameFacts:
    from dataclasses import replace

    return replace(facts, position_steps=position)


@pytest.mark.shared
@pytest.mark.parametrize("name", ["beetle", "rpi-board"])
def test_real_brackets_raise_no_alarm(name: str) -> None:
    shared = os.environ.get("FIELDSTACK_SHARED")
    if not shared:
        pytest.skip("FIELDSTACK_SHARED does not name the folder of real brackets")
    devices = build_devices(Settings(), f"replay:{Path(shared) / 'stacks' / name}", clock=SimClock())
    devices.camera.start()
    focuser = Focuser(devices.motor, devices.settings.motor)
    focuser.home()
    low, high = devices.settings.motor.min_steps, devices.settings.motor.max_steps
    settings = devices.settings.changed({"capture.settle_mode": "fixed"})
    plan = plan_bracket(settings, low, high)
    report = capture_bracket(
        devices.camera, focuser, plan, settings, lambda frame, facts: None, clock=devices.clock
    )

    assert report.outcome is Outcome.COMPLETE
