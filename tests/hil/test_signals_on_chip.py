"""Whichever signal ends the programs that drive the motor: what is left on the lines of the real RPi.GPIO."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from drivers_world import StepDirDriver
from emulated_chip import RigProcess, StartRig

from rig.store import Store

ENDSTOP, STEP, LIGHT = 5, 20, 23
LOST_TERMINAL = signal.SIGHUP  # closed, or its ssh dropped
DONE, INTERRUPTED = 0, 130

# The product as it is, on its real lines; only the camera is a drawn one. Before it begins, its main thread waits
# where the test says, and a SIGHUP is as in a terminal, however the tests were started.
COMMAND = """
    import rig.cli, rig.commands.run, rig.devices.camera_picamera2, webui.server
    from rig.devices.build_sim import simulated_devices
    size = (320, 240)
    rig.devices.camera_picamera2.Picamera2Camera = lambda _: simulated_devices("target", size=size).camera
    signal.signal(signal.SIGHUP, signal.{hangup})
    {before}
    sys.argv[1:] = {words}
    sys.exit(rig.cli.main())
"""
WAITING_BEFORE_IT_SERVES = (
    "real = webui.server.create_app; "
    "webui.server.create_app = lambda *parts: (wait_for_the_world(), real(*parts))[1]"
)
# Nothing is closed, and the motor still turns.
INTERRUPTED_WHILE_IT_CLOSES = (
    "rig.commands.run.Workflow.close = lambda _: signal.raise_signal(signal.SIGTERM)"
)
SETTINGS = f"""
[camera]
driver = "picamera2"
meter_positions = 0
[motor]
driver = "stepdir"
steps_per_s = 2000
max_steps = 100000
backlash_steps = 0
endstop_pin = {{endstop}}
endstop_normally_closed = false
[capture]
settle_mode = "fixed"
settle_s = 0.05
[panel]
light_pin = {LIGHT}
light_lead_s = 0.05
"""


def command(
    start_rig: StartRig,
    folder: Path,
    *words: str,
    endstop: int = 0,
    before: str = "pass",
    hangup: str = "SIG_DFL",
) -> RigProcess:
    config = folder / "config.toml"
    config.write_text(SETTINGS.format(endstop=endstop))
    given = [*words, "--config", str(config), "--data", str(folder / "data")]
    return start_rig(COMMAND.format(words=given, before=before, hangup=hangup), HOME=str(folder))


def homing(start_rig: StartRig, folder: Path, **options: str) -> RigProcess:
    """`run` while it looks for its endstop, which it begins to do before it serves."""
    return command(start_rig, folder, "run", "--port", "0", endstop=ENDSTOP, **options)


def left_on(rig: RigProcess) -> list[str]:
    """What still draws current after the program, which must have had it on."""
    driver = StepDirDriver().replay(rig.trace())
    light = [edge.what for edge in rig.trace() if edge.line == LIGHT and edge.what in "01"]
    assert driver.ever_on
    return [what for what, on in {"motor": driver.on, "light": light[-1] == "1"}.items() if on]


def test_a_shoot_whose_terminal_is_lost_keeps_its_bracket_and_leaves_nothing_on(start_rig, tmp_path):
    words = ["shoot", "--near", "0", "--far", "10000", "--step", "40", "--no-stack"]
    rig = command(start_rig, tmp_path, *words)
    rig.wait_for_rises(STEP, 100)  # the third of 251 frames
    assert rig.end(LOST_TERMINAL) == INTERRUPTED, rig.errors()
    assert left_on(rig) == []
    kept = Store(tmp_path / "data").detail("b000001").summary
    assert (kept.outcome, kept.frames_done > 0) == ("stopped", True)


@pytest.mark.parametrize("how", [LOST_TERMINAL, signal.SIGTERM, signal.SIGQUIT])
def test_a_run_that_is_ended_leaves_nothing_on(start_rig, tmp_path, how):
    rig = homing(start_rig, tmp_path)
    assert rig.hear().startswith("open http://")
    rig.wait_for_rises(STEP, 20)
    assert rig.end(how) == DONE, rig.errors()
    assert left_on(rig) == []


def test_a_run_that_is_ended_before_it_serves_leaves_nothing_on(start_rig, tmp_path):
    rig = homing(start_rig, tmp_path, before=WAITING_BEFORE_IT_SERVES)
    assert rig.hear() == "ready"
    rig.wait_for_rises(STEP, 20)
    rig.process.terminate()
    rig.go()
    assert rig.end() == DONE, rig.errors()
    assert left_on(rig) == []


def test_a_second_signal_that_cuts_the_closing_short_leaves_nothing_on(start_rig, tmp_path):
    rig = homing(start_rig, tmp_path, before=INTERRUPTED_WHILE_IT_CLOSES)
    rig.hear()
    rig.wait_for_rises(STEP, 20)
    assert rig.end(LOST_TERMINAL) == INTERRUPTED, rig.errors()
    assert left_on(rig) == []


def test_under_nohup_a_run_outlives_its_terminal(start_rig, tmp_path):
    rig = homing(start_rig, tmp_path, hangup="SIG_IGN")
    rig.hear()
    rig.process.send_signal(LOST_TERMINAL)
    rig.wait_for_rises(STEP, len(StepDirDriver().replay(rig.trace()).steps_ns) + 200)
    assert rig.end(signal.SIGTERM) == DONE, rig.errors()
    assert left_on(rig) == []
