"""Whatever breaks: a clear fault, a motor without current, every frame kept, and a way out that works."""

from __future__ import annotations

from dataclasses import replace

import pytest
from simrig import Rig, small_rig

from rig.devices.faults import FaultPlan
from rig.status import Outcome, Phase

FRAMES = 6


class Breakable:
    """Builds a simulated rig whose faults are those of `faults`, also after it was built anew."""

    def __init__(self, faults: FaultPlan | None = None):
        self.faults = faults or FaultPlan()

    def __call__(self, settings):
        devices = small_rig(settings)
        self.bench, self.motor, self.light = devices.camera._bench, devices.motor, devices.light
        self.bench.faults = self.faults
        return devices

    def break_(self, **faults) -> None:
        """From now on."""
        self.faults = self.bench.faults = replace(self.faults, **faults)

    def mend(self) -> None:
        self.faults = self.bench.faults = FaultPlan()


@pytest.fixture
def breakable(make_rig):
    def make(mode: str = "watched", faults: FaultPlan | None = None, **changes) -> Rig:
        build = Breakable(faults)
        rig = make_rig({"capture.settle_mode": mode, **changes}, build=build)
        rig.build = build
        return rig

    return make


def until_settled(rig: Rig):
    return rig.until(lambda status: status.state in (Phase.IDLE, Phase.FAULT))


@pytest.mark.parametrize(
    ("device", "faults"),
    [
        pytest.param("camera", {"camera_stalls": frozenset({"lock"})}, id="camera does not lock"),
        pytest.param("gpio", {"light_fails": True}, id="light does not switch"),
    ],
)
def test_what_breaks_before_the_first_frame_keeps_the_bracket_to_go_on_with(breakable, device, faults):
    rig = breakable("fixed")
    rig.set_limits(FRAMES)
    rig.build.break_(**faults)
    bracket_id = rig.workflow.start_bracket()
    rig.until(lambda status: status.state is Phase.FAULT)

    assert rig.workflow.status().fault.device == device
    assert not rig.build.motor.energised

    rig.build.mend()
    rig.workflow.recover()
    rig.until_idle()
    rig.workflow.resume(bracket_id)
    assert rig.until_idle().bracket.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("endstop", ["stuck_closed", "never_closes"])
def test_an_endstop_that_does_not_work_is_found_when_homing(breakable, endstop):
    rig = breakable(faults=FaultPlan(endstop=endstop))
    status = rig.workflow.status()

    assert (status.state, status.fault.device) == (Phase.FAULT, "endstop")
    assert status.fault.action == "Look for the endstop again"
    assert not rig.build.motor.energised

    rig.build.mend()
    rig.workflow.recover()
    focus = rig.until_idle().focus
    assert focus.position_steps == focus.min_steps


def test_a_motor_stuck_on_its_way_by_hand_is_a_fault_too(breakable):
    rig = breakable()
    rig.build.break_(motor_stuck_after_steps=0)
    rig.workflow.goto(1000)

    assert until_settled(rig).fault.device == "motor"
    assert not rig.build.motor.energised


def test_a_camera_that_stalls_once_is_restarted_and_the_bracket_goes_on(breakable):
    rig = breakable("fixed", FaultPlan(camera_timeout_at=frozenset({2})))
    rig.shoot(4)
    status = rig.workflow.status()

    assert status.bracket.outcome is Outcome.COMPLETE
    assert "hung and was restarted" in status.message


def test_lost_steps_are_told_by_homing_at_the_end(breakable):
    rig = breakable("fixed", **{"capture.drift_check": "always"})
    rig.workflow.goto(400)
    rig.until_idle()
    rig.build.break_(motor_lost_every=40)
    rig.set_limits(4)
    rig.workflow.start_bracket()
    rig.until(lambda status: status.bracket is not None and status.bracket.done == 4)
    status = rig.until_idle()

    assert "had lost" in status.message
    assert status.bracket.outcome is Outcome.COMPLETE


def test_an_endstop_lost_when_all_is_shot_is_a_fault_of_a_complete_bracket(breakable):
    rig = breakable("fixed", **{"capture.drift_check": "always"})
    rig.build.break_(endstop="never_closes")
    rig.set_limits(4)
    rig.workflow.start_bracket()
    status = rig.until(lambda status: status.fault is not None)

    assert status.fault.device == "endstop"
    assert (status.bracket.outcome, status.bracket.done) == (Outcome.COMPLETE, 4)
    assert not rig.build.motor.energised


def test_the_light_is_on_for_each_exposure_and_off_between_them(breakable):
    rig = breakable("fixed")
    bracket_id = rig.shoot(3)
    frames = [fact for fact in rig.workflow._store.folder_of(bracket_id).facts() if fact["fact"] == "frame"]
    switched = rig.build.light.switched_ns
    lit = list(zip(switched[::2], switched[1::2], strict=True))

    assert all(on[1] and not off[1] for on, off in lit)
    for frame in frames:
        start, end = frame["timestamp_ns"], frame["timestamp_ns"] + frame["exposure_us"] * 1000
        assert [on[0] <= start and end <= off[0] for on, off in lit].count(True) == 1
    assert len(lit) >= len(frames)


def test_a_lamp_that_warms_up_is_on_from_before_the_first_exposure_till_after_the_last(breakable):
    rig = breakable("fixed", **{"panel.light_sync": "bracket"})
    bracket_id = rig.shoot(3)
    frames = [fact for fact in rig.workflow._store.folder_of(bracket_id).facts() if fact["fact"] == "frame"]
    (on_ns, on), (off_ns, off) = rig.build.light.switched_ns

    assert (on, off) == (True, False)
    assert on_ns < frames[0]["timestamp_ns"]
    assert frames[-1]["timestamp_ns"] < off_ns


def test_a_light_that_stays_on_spoils_no_bracket(breakable):
    rig = breakable("fixed", **{"panel.light_sync": "bracket"})
    rig.set_limits(3)
    rig.workflow.start_bracket()
    rig.until(lambda status: status.bracket.done > 0)
    rig.build.break_(light_fails=True)

    assert rig.until_idle().bracket.outcome is Outcome.COMPLETE
