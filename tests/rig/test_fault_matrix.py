"""Every fault in every phase: a clear fault with a way out, or nothing at all where it does not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from simrig import Rig, small_rig

from rig.devices.faults import FaultPlan
from rig.status import Outcome, Phase
from rig.workflow import Workflow

FRAMES = 3
ELSEWHERE = 1900  # beyond the bracket, so that every way there reverses

PHASES: dict[str, Callable[[Workflow], object]] = {
    "moving": lambda workflow: workflow.goto(ELSEWHERE - 300),
    "homing": lambda workflow: workflow.home(),
    "focusing on a spot": lambda workflow: workflow.touch(0.5, 0.5),
    "looking for the range": lambda workflow: workflow.auto_range(),
    "measuring the backlash": lambda workflow: workflow.calibrate_backlash(),
    "shooting": lambda workflow: workflow.start_bracket(),
}
FAULTS: dict[str, dict[str, object]] = {
    "camera stalls": {"camera_stalls": frozenset({"lock", "preview", "capture"})},
    "motor stuck": {"motor_stuck_after_steps": 0},
    "endstop stuck closed": {"endstop": "stuck_closed"},
    "endstop never closes": {"endstop": "never_closes"},
    "steps lost": {"motor_lost_every": 50},
    "light fails": {"light_fails": True},
    "no supply": {},  # taken away below
}
LOOKS = {"focusing on a spot", "looking for the range", "measuring the backlash", "shooting"}
# The device blamed, in the phases where the fault can be seen at all; elsewhere the job goes through.
BLAMED = {
    "camera stalls": dict.fromkeys(LOOKS, "camera"),
    "motor stuck": dict.fromkeys(PHASES, "motor"),
    "endstop stuck closed": dict.fromkeys(PHASES, "endstop"),
    "endstop never closes": {"homing": "endstop", "looking for the range": "endstop"},
    "steps lost": {},  # never a fault: told, see TOLD
    "light fails": dict.fromkeys(LOOKS, "gpio"),
    "no supply": dict.fromkeys(PHASES, "motor") | {"shooting": "camera"},
}
# What is said of a fault that ends nothing.
TOLD = {
    ("shooting", "steps lost"): "The focus drive had lost",
    ("looking for the range", "steps lost"): "had lost",
}


@pytest.fixture
def breakable(make_rig) -> Rig:
    """A rig with near and far set, its devices within reach as rig.devices."""
    built = []

    def build(settings):
        built.append(small_rig(settings))
        return built[-1]

    rig = make_rig({"capture.settle_mode": "fixed", "camera.timeout_s": 1.0}, build=build)
    rig.set_limits(FRAMES)
    rig.workflow.goto(ELSEWHERE)
    rig.until_idle()
    rig.built = built
    return rig


def break_(rig: Rig, fault: str) -> None:
    devices = rig.built[-1]
    bench = devices.camera._bench
    bench.faults = replace(FaultPlan(), **FAULTS[fault])
    if fault == "no supply":
        bench.powered = False


def mend(rig: Rig) -> None:
    for devices in rig.built:
        devices.camera._bench.faults = FaultPlan()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", PHASES)
def test_what_breaks_is_blamed_and_put_right(breakable: Rig, phase: str, fault: str):
    rig, workflow = breakable, breakable.workflow
    if fault == "steps lost":
        workflow.change_settings({"capture.drift_check": "always"})
    break_(rig, fault)
    PHASES[phase](workflow)
    status = rig.until(lambda status: status.state in (Phase.IDLE, Phase.FAULT))
    blamed = BLAMED[fault].get(phase)

    assert TOLD.get((phase, fault), "") in (status.message or "")
    assert (status.fault.device if status.fault else None) == blamed
    if blamed is None:
        return
    assert len(status.fault.sentence) > 20 and status.fault.action
    assert not rig.built[-1].motor.energised
    assert fault == "light fails" or not rig.built[-1].light.lit
    assert "recover" in status.allowed

    mend(rig)
    workflow.recover()
    rig.until_idle()
    if phase == "shooting":
        workflow.resume(status.bracket.id)
        assert rig.until_idle().bracket.outcome is Outcome.COMPLETE
