"""The rig without a phone: what the button does, and what LED and buzzer tell."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from functools import partial

import pytest
from simrig import PATIENCE_S, Rig, small_rig

from rig.devices.faults import FaultPlan
from rig.devices.panel import Press, Signal
from rig.errors import NotAllowedError, PowerError
from rig.power import power_off
from rig.status import Outcome, Phase


class Panelled:
    """Builds devices and keeps hold of the panel; a real rig as far as anybody can tell when asked."""

    def __init__(self, real: bool = False, faults: FaultPlan | None = None):
        self.real = real
        self.faults = faults

    def __call__(self, settings):
        devices = small_rig(settings)
        if self.faults is not None:
            devices.camera._bench.faults = self.faults
        self.panel = devices.panel
        return (
            replace(devices, simulated=None, settings=settings_of(devices, settings))
            if self.real
            else devices
        )


def settings_of(devices, asked):
    """The simulated rig's own, with what the test asked of the panel."""
    return replace(devices.settings, panel=asked.panel)


@pytest.fixture
def headless(make_rig):
    def make(real: bool = False, faults: FaultPlan | None = None, **changes) -> Rig:
        build = Panelled(real, faults)
        rig = make_rig({"capture.settle_mode": "fixed", **changes}, build=build)
        rig.build = build
        return rig

    return make


def press(rig: Rig, how: Press) -> None:
    rig.build.panel.press(how, PATIENCE_S)


def shown(rig: Rig) -> list[Signal]:
    return list(rig.build.panel.shown)


def ends_showing(rig: Rig, signal: Signal) -> bool:
    """Whether the panel comes to show this; it follows what the phones are told by a moment."""
    deadline = time.monotonic() + PATIENCE_S
    while shown(rig)[-1:] != [signal] and time.monotonic() < deadline:
        time.sleep(0.01)
    return shown(rig)[-1:] == [signal]


def off_switch(tmp_path) -> tuple[list[str], object]:
    """A command that leaves a mark instead of switching anything off."""
    mark = tmp_path / "off"
    return [sys.executable, "-c", "import sys, pathlib; pathlib.Path(sys.argv[1]).touch()", str(mark)], mark


# --- the button -------------------------------------------------------------------------------------
def test_a_double_press_finds_the_range_and_shoots_although_there_is_a_recipe(headless):
    rig = headless()
    rig.set_limits(3)
    rig.workflow.set_step(None)
    press(rig, Press.DOUBLE)
    status = rig.until(lambda status: status.bracket is not None and status.bracket.outcome is not None)

    assert status.focus.far_steps - status.focus.near_steps > 1000
    assert status.bracket.outcome is Outcome.COMPLETE


def test_a_range_that_cannot_be_shot_is_told(headless):
    rig = headless(**{"capture.max_frames": 2})
    press(rig, Press.DOUBLE)
    status = rig.until(lambda status: status.message is not None and "more than the 2" in status.message)

    assert status.bracket is None
    assert ends_showing(rig, Signal.WARNING)


def test_a_short_press_goes_on_after_a_fault(headless):
    rig = headless(faults=FaultPlan(camera_absent=True))
    assert rig.workflow.status().state is Phase.FAULT
    rig.build.faults = FaultPlan()
    press(rig, Press.SHORT)

    assert rig.until_idle().fault is None


def test_a_long_press_leaves_a_fault_as_it_is(headless):
    rig = headless(faults=FaultPlan(camera_absent=True))
    press(rig, Press.LONG)

    assert rig.workflow.status().state is Phase.FAULT
    assert ends_showing(rig, Signal.FAULT)
    assert rig.workflow.status().message is None


@pytest.mark.parametrize("how", [Press.SHORT, Press.DOUBLE])
def test_a_press_while_the_range_is_looked_for_is_refused_without_ending_that_signal(headless, how):
    rig = headless()
    rig.set_limits(3)
    with rig.workflow._control.guard:  # what the sweep finds is taken over under it: it cannot end before
        rig.workflow.auto_range()
        rig.workflow._on_press(how)
        told = shown(rig)[-2:]
    rig.until_idle()

    assert told == [Signal.CAPTURING, Signal.REFUSED]
    assert Signal.WARNING not in shown(rig)


def test_a_rig_with_a_fault_that_cannot_be_switched_off_shows_the_fault_again(headless):
    command = [sys.executable, "-c", "import sys; sys.exit('Access denied')"]
    rig = headless(real=True, faults=FaultPlan(camera_absent=True), **{"panel.power_off_command": command})
    rig.workflow._control.board.change(simulated=None)
    press(rig, Press.VERY_LONG)

    assert "Access denied" in rig.workflow.status().message
    assert shown(rig)[-2:] == [Signal.OFF, Signal.FAULT]


def test_a_press_of_6_s_switches_a_real_rig_off(headless, tmp_path):
    command, mark = off_switch(tmp_path)
    rig = headless(real=True, **{"panel.power_off_command": command})
    press(rig, Press.VERY_LONG)

    assert mark.exists()
    assert rig.workflow.status().state is Phase.SHUTTING_DOWN
    assert ends_showing(rig, Signal.OFF)


@pytest.mark.parametrize("refused", [False, True])
def test_a_bracket_that_ends_while_the_rig_switches_off_shows_nothing_but_that(headless, tmp_path, refused):
    waits = f"import pathlib, sys, time\nwhile not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)\n"
    command = [sys.executable, "-c", waits + ("sys.exit('Access denied')" if refused else "")]
    rig = headless(real=True, **{"panel.power_off_command": command})
    rig.set_limits(120)
    rig.workflow.start_bracket()
    rig.until(lambda status: status.bracket.done > 0)
    switched = threading.Thread(target=press, args=(rig, Press.VERY_LONG))
    switched.start()
    try:
        rig.until(lambda status: status.bracket.outcome is Outcome.STOPPED)
        deadline = time.monotonic() + PATIENCE_S
        while rig.workflow._machine._shown is not Signal.READY and time.monotonic() < deadline:
            time.sleep(0.01)  # it follows the status by a moment
        told = shown(rig)[-1]
    finally:
        (tmp_path / "go").touch()
        switched.join(PATIENCE_S)

    assert told is Signal.OFF
    assert ends_showing(rig, Signal.WARNING if refused else Signal.OFF)
    assert refused is (Signal.READY in shown(rig)[-2:])  # what there is to show after all, then the warning


def test_what_ends_at_the_very_moment_of_switching_off_is_not_shown(headless, tmp_path, monkeypatch):
    command, _ = off_switch(tmp_path)
    rig = headless(real=True, **{"panel.power_off_command": command})
    machine = rig.workflow._machine
    halt = machine.halt
    monkeypatch.setattr(machine, "halt", lambda: (halt(), machine.show(Signal.DONE)))
    press(rig, Press.VERY_LONG)

    assert rig.workflow.status().state is Phase.SHUTTING_DOWN
    assert Signal.DONE not in shown(rig)


def test_closing_after_it_still_leaves_everything_safe(headless, tmp_path):
    command, _ = off_switch(tmp_path)
    rig = headless(real=True, **{"panel.power_off_command": command})
    press(rig, Press.VERY_LONG)
    rig.workflow.close()

    assert rig.build.panel.closed


def test_a_simulated_rig_is_never_switched_off(headless, tmp_path):
    command, mark = off_switch(tmp_path)
    rig = headless(**{"panel.power_off_command": command})
    press(rig, Press.VERY_LONG)

    assert not mark.exists()
    assert ends_showing(rig, Signal.WARNING)
    assert "power_off" not in rig.workflow.status().allowed


def test_with_an_empty_command_nothing_is_switched_off(headless):
    rig = headless(real=True, **{"panel.power_off_command": []})
    with pytest.raises(NotAllowedError, match="is empty"):
        rig.workflow.power_off()


def test_a_computer_that_refuses_is_told_of_and_the_rig_goes_on(headless):
    command = [sys.executable, "-c", "import sys; sys.exit('Access denied')"]
    rig = headless(real=True, **{"panel.power_off_command": command})
    press(rig, Press.VERY_LONG)

    assert "Access denied" in rig.workflow.status().message
    assert rig.workflow.status().state is Phase.IDLE


def test_the_command_is_never_a_shells_line(tmp_path):
    with pytest.raises(PowerError, match="does not start"):
        power_off((f"touch {tmp_path / 'hacked'}",))
    assert not (tmp_path / "hacked").exists()


# --- LED and buzzer ---------------------------------------------------------------------------------
def test_a_bracket_is_told_from_the_first_frame_to_the_last(headless):
    rig = headless()
    assert ends_showing(rig, Signal.READY)
    rig.shoot(2)

    assert shown(rig)[-5:] == [Signal.CAPTURING, Signal.FRAME, Signal.FRAME, Signal.READY, Signal.DONE]


def test_a_stack_is_told_while_it_grows_and_when_it_is_there(headless):
    rig = headless(**{"stacking.live": True})
    rig.shoot(2)
    assert rig.workflow.wait_stacked(PATIENCE_S)

    assert shown(rig)[-2:] == [Signal.STACKING, Signal.DONE]


def test_a_cut_end_is_told(make_rig):
    build = Panelled()
    rig = make_rig({"capture.settle_mode": "fixed"}, build=partial(sized, build))
    rig.workflow.set_near(1400)
    rig.workflow.set_far(2000)
    rig.workflow.set_step(60)
    rig.workflow.start_bracket()
    rig.until_idle()

    assert list(build.panel.shown)[-1] is Signal.WARNING


def sized(build, settings):
    devices = small_rig(settings, size_px=(640, 480))
    build.panel = devices.panel
    return devices


def test_looking_for_the_range_asks_not_to_be_touched(headless):
    rig = headless()
    rig.workflow.auto_range()
    rig.until_idle()

    assert shown(rig)[-2:] == [Signal.CAPTURING, Signal.READY]


def test_a_fault_is_told(headless):
    rig = headless(faults=FaultPlan(motor_stuck_after_steps=2000))
    for _ in range(4):
        if rig.workflow.status().state is not Phase.FAULT:
            rig.workflow.goto(1000)
            rig.until(lambda status: status.state in (Phase.IDLE, Phase.FAULT))
            rig.workflow.goto(200) if rig.workflow.status().state is Phase.IDLE else None
            rig.until(lambda status: status.state in (Phase.IDLE, Phase.FAULT))

    assert ends_showing(rig, Signal.FAULT)
