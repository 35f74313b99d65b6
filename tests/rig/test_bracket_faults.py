"""What breaks in a bracket, at every place in it: a clear fault, the motor safe, the frames kept, a way to go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from patience import PATIENCE_S
from simrig import Rig, small_rig

from rig import bracketfolder
from rig.devices.faults import FaultPlan
from rig.devices.motor_sim import SimMotor
from rig.devices.optical_bench import Mechanics
from rig.errors import StoreError
from rig.status import Outcome, Phase, Status, Step

FRAMES = 7
NEAR, STEP = 1300, 48
FIRST, MIDDLE, LAST = 0, 3, FRAMES - 1  # frames on the card when it breaks
ANY_CAPTURE = frozenset(range(1000))


@dataclass(frozen=True)
class Breakdown:
    """What is broken, and what is to be said of it."""

    faults: dict[str, Any]
    device: str
    says: str
    action: str
    mode: str = "fixed"
    frames_more: int = 0  # that may be shot until it is noticed
    daylight: float = 1.0


BREAKDOWNS = {
    "camera stalls at the exposure": Breakdown(
        {"camera_stalls": frozenset({"capture"})}, "camera", "ribbon cable", "Restart the camera"
    ),
    "camera stalls while it settles": Breakdown(
        {"camera_stalls": frozenset({"preview"})}, "camera", "ribbon cable", "Restart the camera", "watched"
    ),
    "camera loses its lock": Breakdown(
        {"lock_lost_at": ANY_CAPTURE}, "camera", "does not hold its exposure", "Restart the camera"
    ),
    "supply dips": Breakdown({"brownout_at": None}, "camera", "supply dipped", "Restart the camera"),
    "motor stuck": Breakdown(
        {"motor_stuck_after_steps": 0}, "motor", "stuck at position", "Try the motor again"
    ),
    "motor stands still silently": Breakdown(
        {"motor_still_after_steps": 0}, "motor", "does not move", "Try the motor again", frames_more=6
    ),
    "light does not switch": Breakdown(
        {"light_fails": True}, "gpio", "the light does not switch", "Try again", daylight=0.2
    ),
    "lamp is dead": Breakdown(
        {"lamp_dead": True}, "light", "the rig's light", "Try the light again", daylight=0.0
    ),
}


class Breakable:
    """Builds a small simulated rig, whose bench can be got at, also after it was built anew."""

    def __init__(self, daylight: float = 1.0) -> None:
        self.faults, self._daylight = FaultPlan(), daylight

    def __call__(self, settings):
        devices = small_rig(settings)
        self.camera, self.motor, self.light = devices.camera, devices.motor, devices.light
        self.bench = self.camera._bench
        self.bench.mechanics = Mechanics(daylight=self._daylight)
        self.bench.faults = self.faults
        return devices

    def break_(self, faults: dict[str, Any]) -> None:
        if "brownout_at" in faults:
            faults = {"brownout_at": self.camera._captures + 1}
        self.faults = self.bench.faults = replace(self.faults, **faults)

    def mend(self) -> None:
        self.faults = self.bench.faults = FaultPlan()


@pytest.fixture
def breakable(make_rig) -> Callable[..., Rig]:
    def make(mode: str = "fixed", daylight: float = 1.0, **changes: object) -> Rig:
        build = Breakable(daylight)
        rig = make_rig({"capture.settle_mode": mode, **changes}, build=build)
        rig.build = build
        rig.workflow.set_near(NEAR)
        rig.workflow.set_far(NEAR + STEP * (FRAMES - 1))
        rig.workflow.set_step(STEP)
        return rig

    return make


def shoot_until_it_breaks(rig: Rig, frames: int, faults: dict[str, Any]) -> Status:
    """Break it when so many frames are on the card; the status of the fault, or at rest."""
    board = rig.workflow._control.board
    change = board.change

    def change_and_break(**values: Any) -> object:
        bracket = values.get("bracket")
        if bracket is not None and bracket.done == frames and (bracket.step is Step.SAVING or not frames):
            rig.build.break_(faults)
        return change(**values)

    board.change = change_and_break
    try:
        rig.workflow.start_bracket()
        return rig.until(lambda status: status.state in (Phase.FAULT, Phase.IDLE))
    finally:
        board.change = change


def is_safe(rig: Rig) -> bool:
    """No current, and nothing sends another step."""
    sent = rig.build.motor._sent
    return not rig.build.motor.energised and rig.workflow.status() and rig.build.motor._sent == sent


WHEN = {"first": FIRST, "middle": MIDDLE, "last": LAST}
PLACES = [  # by the last frame a silent standstill has one step to show in: see test_standstill
    pytest.param(name, frames, id=f"{name}, {place}")
    for name, broken in BREAKDOWNS.items()
    for place, frames in WHEN.items()
    if not (broken.frames_more and frames == LAST)
]


@pytest.mark.parametrize(("name", "frames"), PLACES)
def test_a_breakdown_is_a_clear_fault_that_loses_no_frame_and_can_be_gone_on_from(
    breakable: Callable[..., Rig], name: str, frames: int
) -> None:
    broken = BREAKDOWNS[name]
    rig = breakable(broken.mode, broken.daylight)
    status = shoot_until_it_breaks(rig, frames, broken.faults)
    fault, bracket_id = status.fault, status.bracket.id

    assert fault is not None and fault.device == broken.device
    assert broken.says in fault.sentence
    assert fault.action == broken.action
    assert is_safe(rig)
    assert broken.faults.get("light_fails") or not rig.build.light.lit

    kept = rig.workflow.bracket(bracket_id)
    assert frames <= len(kept.frames) <= frames + broken.frames_more
    assert status.bracket.outcome is Outcome.FAILED
    assert not rig.workflow._store.folder_of(bracket_id).damaged_frames()
    if kept.frames:
        assert fault.kept is not None and fault.kept.startswith(
            f"{len(kept.frames)} of {FRAMES} frames are safe"
        )
        assert "stack" in status.allowed

    rig.build.mend()
    rig.workflow.recover()
    rig.until_idle()
    rig.workflow.resume(bracket_id)
    ended = rig.until_idle()
    shot = rig.workflow.bracket(bracket_id)

    assert ended.bracket.outcome is Outcome.COMPLETE
    assert [frame.position_steps for frame in shot.frames] == [NEAR + STEP * n for n in range(FRAMES)]


def test_the_frames_of_a_broken_bracket_can_be_stacked(breakable: Callable[..., Rig]) -> None:
    rig = breakable()
    status = shoot_until_it_breaks(rig, MIDDLE, BREAKDOWNS["motor stuck"].faults)
    rig.workflow.stack(status.bracket.id)

    assert rig.workflow.wait_stacked(PATIENCE_S)
    (result,) = rig.workflow.bracket(status.bracket.id).results
    assert (result.frames, result.used) == (MIDDLE, MIDDLE)


@pytest.mark.parametrize("name", ["camera stalls at the exposure", "camera loses its lock"])
def test_going_on_while_it_is_still_broken_is_the_same_fault_and_loses_nothing(
    breakable: Callable[..., Rig], name: str
) -> None:
    rig = breakable()
    status = shoot_until_it_breaks(rig, MIDDLE, BREAKDOWNS[name].faults)
    rig.workflow.recover()
    rig.until_idle()
    rig.workflow.resume(status.bracket.id)
    again = rig.until(lambda status: status.state is Phase.FAULT)

    assert again.fault.device == status.fault.device
    assert BREAKDOWNS[name].says in again.fault.sentence
    assert len(rig.workflow.bracket(status.bracket.id).frames) == MIDDLE


def test_a_lock_lost_once_is_taken_again_and_the_frame_with_it(breakable: Callable[..., Rig]) -> None:
    rig = breakable()
    status = shoot_until_it_breaks(rig, MIDDLE, {"lock_lost_at": frozenset({MIDDLE + 1})})
    frames = rig.workflow.bracket(status.bracket.id).frames

    assert status.bracket.outcome is Outcome.COMPLETE
    assert len({(frame.exposure_us, frame.gain, frame.colour_gains) for frame in frames}) == 1


@pytest.mark.parametrize("endstop", ["stuck_closed", "never_closes"])
@pytest.mark.parametrize("frames", WHEN.values(), ids=WHEN)
def test_an_endstop_that_fails_is_found_when_the_drive_goes_there_and_the_frames_stay(
    breakable: Callable[..., Rig], endstop: str, frames: int
) -> None:
    rig = breakable(**{"capture.drift_check": "always"})
    rig.workflow.goto(NEAR + 500)
    rig.until_idle()
    status = shoot_until_it_breaks(rig, frames, {"endstop": endstop})
    early = endstop == "stuck_closed" and frames == FIRST  # the first approach backs up, towards it

    assert status.fault is not None and status.fault.device == "endstop"
    assert "endstop" in status.fault.sentence and status.fault.action == "Look for the endstop again"
    assert is_safe(rig)
    assert len(rig.workflow.bracket(status.bracket.id).frames) == (0 if early else FRAMES)
    assert status.bracket.outcome is (Outcome.FAILED if early else Outcome.COMPLETE)

    rig.build.mend()
    rig.workflow.recover()
    focus = rig.until_idle().focus
    assert focus.position_steps == focus.min_steps


@pytest.mark.parametrize("frames", [FIRST, MIDDLE], ids=["first", "middle"])
def test_steps_lost_on_the_way_are_told_at_the_end_and_the_count_is_right_again(
    breakable: Callable[..., Rig], frames: int
) -> None:
    rig = breakable(**{"capture.drift_check": "always"})
    status = shoot_until_it_breaks(rig, frames, {"motor_lost_every": 8})

    assert status.fault is None and "had lost" in (status.message or "")
    assert (status.bracket.outcome, status.bracket.done) == (Outcome.COMPLETE, FRAMES)
    assert is_safe(rig)


@pytest.mark.parametrize("frames", WHEN.values(), ids=WHEN)
def test_a_card_that_fails_keeps_what_it_has(breakable: Callable[..., Rig], frames: int, monkeypatch) -> None:
    rig = breakable()
    write = bracketfolder.write_whole
    written: list[object] = []

    def write_or_fail(path, data):
        if path.suffix == ".jpg" and len(written) == frames:
            raise StoreError("the card cannot be written")
        written.append(path)
        write(path, data)

    monkeypatch.setattr(bracketfolder, "write_whole", write_or_fail)
    rig.workflow.start_bracket()
    status = rig.until(lambda status: status.state is Phase.FAULT)

    assert (status.fault.device, status.fault.action) == ("storage", "Try the card again")
    assert is_safe(rig)
    assert len(rig.workflow.bracket(status.bracket.id).frames) == frames


LOOKING = {
    "camera stalls": ({"camera_stalls": frozenset({"preview"})}, "camera"),
    "motor stuck": ({"motor_stuck_after_steps": 400}, "motor"),
    "endstop never closes": ({"endstop": "never_closes"}, "endstop"),
    "light does not switch": ({"light_fails": True}, "gpio"),
}


@pytest.mark.parametrize("name", LOOKING)
def test_what_breaks_while_the_range_is_looked_for_leaves_near_and_far_as_they_were(
    breakable: Callable[..., Rig], name: str
) -> None:
    faults, device = LOOKING[name]
    rig = breakable()
    before = rig.workflow.status().focus
    if "motor_stuck_after_steps" in faults:
        faults = {"motor_stuck_after_steps": rig.build.motor._sent + 400}
    rig.build.break_(faults)
    rig.workflow.auto_range(then_shoot=True)
    status = rig.until(lambda status: status.state in (Phase.FAULT, Phase.IDLE))

    assert status.fault is not None and status.fault.device == device
    assert len(status.fault.sentence) > 20 and status.fault.action
    assert is_safe(rig)
    assert (status.focus.near_steps, status.focus.far_steps) == (before.near_steps, before.far_steps)
    assert status.bracket is None


def test_without_an_endstop_the_position_at_the_fault_is_where_it_goes_on_from(
    breakable: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SimMotor, "at_endstop", None)
    rig = breakable()
    stood = rig.workflow.status().focus.position_steps
    status = shoot_until_it_breaks(rig, MIDDLE, {"camera_stalls": frozenset({"capture"})})
    at_fault = status.focus.position_steps
    rig.build.mend()
    rig.workflow.recover()

    assert rig.until_idle().focus.position_steps == at_fault == NEAR + MIDDLE * STEP != stood
