"""What the photographer may ask of the rig, and what then happens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_picamera2 import FakePicamera2, library
from patience import killed_if_it_takes_long
from simrig import PATIENCE_S, SMALL_PX, small_rig

from rig.devices.camera_picamera2 import Picamera2Camera
from rig.devices.panel import Press, Signal
from rig.errors import (
    BusyError,
    CameraError,
    ConfigError,
    FocusRangeError,
    NoSuchBracketError,
    NotAllowedError,
    PlanError,
    StorageFullError,
    StoreError,
)
from rig.pictures import small_jpeg
from rig.status import Outcome, Phase
from rig.store import Store


class Gate:
    """Wraps a camera: a capture waits until it is let through, so that a test can act in between."""

    def __init__(self, camera):
        self._camera = camera
        self.asked = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def __getattr__(self, name):
        return getattr(self._camera, name)

    def capture(self, not_before_ns, timeout_s=10.0):
        self.asked.release()
        assert self.let.acquire(timeout=PATIENCE_S)
        return self._camera.capture(not_before_ns, timeout_s)

    def wait_for_capture(self):
        assert self.asked.acquire(timeout=PATIENCE_S)

    def pass_frame(self, count=1):
        self.let.release(count)


def until(true):
    """Waits for what no status tells."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline_s, "it never came true"
        time.sleep(0.002)


class GatedRig:
    """Builds devices whose camera is a gate."""

    def __init__(self, size_px=SMALL_PX):
        self.gate = None
        self.size_px = size_px

    def __call__(self, settings):
        devices = small_rig(settings, size_px=self.size_px)
        self.gate = Gate(devices.camera)
        return replace(devices, camera=self.gate)


@pytest.fixture
def gated(make_rig):
    """A rig in the middle of a bracket of 5 frames: the first capture has been asked for, not yet let."""
    build = GatedRig()
    rig = make_rig(build=build)
    rig.gate = build.gate
    rig.set_limits(5)
    rig.id = rig.workflow.start_bracket(key="tap-1")
    rig.gate.wait_for_capture()
    yield rig
    rig.gate.pass_frame(100)


def let_pass(rig, count):
    for _ in range(count):
        rig.gate.pass_frame()
        rig.gate.wait_for_capture()


# --- life -------------------------------------------------------------------------------------------


def test_after_open_the_rig_stands_still_at_home(rig):
    status = rig.workflow.status()
    assert status.state is Phase.IDLE
    assert status.simulated == "target"
    assert status.focus.position_steps == status.focus.min_steps
    assert status.storage.free_bytes > 0


def test_opening_without_waiting_ends_at_rest_too(make_rig):
    rig = make_rig(open_=False)
    rig.workflow.open(wait=False)
    assert rig.until_idle().state is Phase.IDLE


def test_close_is_safe_before_open_and_twice(make_rig):
    rig = make_rig(open_=False)
    rig.workflow.close()
    rig.workflow.close()
    assert rig.workflow.status().state is Phase.SHUTTING_DOWN


def test_two_rigs_cannot_share_a_folder(rig, make_rig):
    with pytest.raises(StoreError, match="another fieldstack"):
        make_rig()


def test_near_and_far_are_remembered_over_a_restart(rig, make_rig):
    rig.workflow.set_near(500)
    rig.workflow.set_far(900)
    rig.workflow.close()
    focus = make_rig().workflow.status().focus
    assert (focus.near_steps, focus.far_steps) == (500, 900)


def test_near_and_far_of_another_scene_are_not_taken_over(rig, make_rig):
    rig.workflow.set_near(500)
    rig.workflow.close()
    other = make_rig(build=partial(small_rig, scene="bumpy"))
    assert other.workflow.status().focus.near_steps is None


def test_a_damaged_recipe_is_an_empty_one(make_rig, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "recipe.json").write_text('{"near_steps": "near", "rig": 3}')
    assert make_rig().workflow.status().focus.near_steps is None


# --- looking ----------------------------------------------------------------------------------------


def test_rev_grows_with_every_change_and_only_then(rig):
    first = rig.workflow.status().rev
    assert rig.workflow.status().rev == first
    rig.workflow.set_near(500)
    assert rig.workflow.status().rev > first


def test_waiting_ends_with_the_news(rig):
    rev = rig.workflow.status().rev
    heard = []
    waiter = threading.Thread(target=lambda: heard.append(rig.workflow.wait_status(rev, PATIENCE_S)))
    waiter.start()
    rig.workflow.set_near(500)
    waiter.join(PATIENCE_S)
    assert heard[0].rev > rev


def test_waiting_ends_at_its_limit_with_the_present_state(rig):
    status = rig.workflow.status()
    assert rig.workflow.wait_status(status.rev, 0.01).rev == status.rev


def test_a_rev_from_before_a_restart_is_answered_at_once(rig):
    assert rig.workflow.wait_status(10**9, PATIENCE_S).rev == rig.workflow.status().rev


def test_the_status_is_plain_json(rig):
    rig.shoot(2)
    assert json.loads(json.dumps(rig.workflow.status().as_dict()))["state"] == "idle"


def test_previews_follow_each_other(rig):
    first = rig.workflow.preview(0, 160, PATIENCE_S)
    second = rig.workflow.preview(first.seq, 160, PATIENCE_S)
    assert second.seq > first.seq
    picture = cv2.imdecode(np.frombuffer(second.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] == 160
    assert 0 <= second.focus_score <= 1


def test_a_part_of_the_preview_is_cut_out(rig):
    part = rig.workflow.preview(0, 1000, PATIENCE_S, roi=(0.5, 0.5, 0.25, 0.25))
    picture = cv2.imdecode(np.frombuffer(part.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[:2] == (SMALL_PX[1] // 4, SMALL_PX[0] // 4)


def test_the_camera_is_left_alone_while_nobody_looks(rig):
    first = rig.workflow.preview(0, 160, PATIENCE_S)
    rig.workflow.goto(400)
    rig.until_idle()
    assert rig.workflow.preview(first.seq, 160, PATIENCE_S).seq <= first.seq + 2


def test_while_shooting_the_last_frame_is_shown(gated):
    let_pass(gated, 1)
    shown = gated.workflow.preview(0, 160, PATIENCE_S)
    assert cv2.imdecode(np.frombuffer(shown.jpeg, np.uint8), cv2.IMREAD_COLOR) is not None
    assert gated.workflow.preview(shown.seq, 160, 0.05) is None


# --- focusing ---------------------------------------------------------------------------------------


def test_jogs_add_up_while_the_focus_is_on_its_way(rig):
    start = rig.workflow.status().focus.position_steps
    for _ in range(5):
        rig.workflow.jog(20)
    assert rig.until_idle().focus.position_steps == start + 100


def test_a_jog_ends_at_the_soft_limit(rig):
    rig.workflow.jog(10**9)
    status = rig.until_idle()
    assert status.focus.position_steps == status.focus.max_steps


@pytest.mark.parametrize("ask", ["goto", "set_near", "set_far"])
def test_a_position_outside_the_travel_is_refused_with_the_travel(rig, ask):
    with pytest.raises(FocusRangeError, match=r"99999 steps is outside 34\.\.3000"):
        getattr(rig.workflow, ask)(99999)


def test_near_beyond_far_swaps_them(rig):
    rig.workflow.set_far(500)
    rig.workflow.set_near(900)
    focus = rig.workflow.status().focus
    assert (focus.near_steps, focus.far_steps) == (500, 900)


def test_near_is_where_the_focus_stands_when_nothing_else_is_said(rig):
    rig.workflow.goto(700)
    rig.until_idle()
    rig.workflow.set_near()
    assert rig.workflow.status().focus.near_steps == 700


def test_without_near_and_far_there_is_no_plan_and_no_shooting(rig):
    rig.workflow.set_near(500)
    assert rig.workflow.status().plan is None
    assert "start_bracket" not in rig.workflow.status().allowed
    with pytest.raises(NotAllowedError, match="set near and far first"):
        rig.workflow.start_bracket()


def test_a_bracket_of_too_many_frames_says_so(rig):
    rig.workflow.set_step(1)
    rig.workflow.set_near(100)
    rig.workflow.set_far(2900)
    assert "2801 frames" in rig.workflow.status().message
    with pytest.raises(PlanError, match="2801 frames"):
        rig.workflow.start_bracket()


def test_cleared_limits_are_gone(rig):
    rig.set_limits()
    rig.workflow.clear_limits()
    status = rig.workflow.status()
    assert (status.focus.near_steps, status.focus.far_steps, status.plan) == (None, None, None)


def test_the_range_is_found_by_itself(rig):
    rig.workflow.auto_range()
    status = rig.until_idle()
    assert status.focus.near_steps < status.focus.far_steps
    assert status.plan.frames > 2


def test_the_range_of_a_box_is_that_of_what_is_in_it(rig):
    rig.workflow.auto_range(box=(0, 0, 1, 1))
    whole = rig.until_idle().focus
    rig.workflow.auto_range(box=(0.4, 0.4, 0.2, 0.2))
    part = rig.until_idle().focus

    assert whole.near_steps < part.near_steps < part.far_steps < whole.far_steps


def test_a_box_outside_the_picture_is_refused_before_anything_moves(rig):
    with pytest.raises(NotAllowedError, match="is not in the picture"):
        rig.workflow.auto_range(box=(0.8, 0.2, 0.4, 0.4))
    assert rig.workflow.status().state is Phase.IDLE


def test_a_touched_spot_becomes_the_near_limit(rig):
    rig.workflow.touch(0.5, 0.5, "near")
    status = rig.until_idle()
    assert status.focus.near_steps == status.focus.position_steps


@pytest.mark.parametrize(
    ("x", "y", "role"), [(1.5, 0.5, "goto"), (0.5, float("nan"), "goto"), (0.5, 0.5, "middle")]
)
def test_an_odd_touch_is_refused(rig, x, y, role):
    with pytest.raises(NotAllowedError):
        rig.workflow.touch(x, y, role)


# --- shooting ---------------------------------------------------------------------------------------


def test_a_bracket_is_on_the_card_as_planned(rig):
    bracket_id = rig.shoot(4)
    detail = rig.workflow.bracket(bracket_id)
    assert detail.summary.outcome is Outcome.COMPLETE
    assert [frame.position_steps for frame in detail.frames] == detail.plan["positions_steps"]
    assert Store(rig.data).folder_of(bracket_id).damaged_frames() == ()
    assert rig.workflow.status().bracket.done == 4
    assert len(rig.workflow.status().bracket.sharpness) == 4


def test_the_exposure_is_the_same_in_every_frame(rig):
    frames = rig.workflow.bracket(rig.shoot(4)).frames
    assert len({(frame.exposure_us, frame.gain, frame.colour_gains) for frame in frames}) == 1


def test_the_same_key_shoots_once(rig):
    rig.set_limits()
    first = rig.workflow.start_bracket(key="tap")
    assert rig.workflow.start_bracket(key="tap") == first
    rig.until_idle()
    assert rig.workflow.start_bracket(key="tap") == first
    assert len(rig.workflow.brackets()) == 1


def test_the_same_key_shoots_once_even_over_a_restart(rig, make_rig):
    rig.set_limits()
    first = rig.workflow.start_bracket(key="tap")
    rig.until_idle()
    rig.workflow.close()
    assert make_rig().workflow.start_bracket(key="tap") == first


def test_many_taps_at_once_with_one_key_are_one_bracket(gated):
    answers = []
    taps = [
        threading.Thread(target=lambda: answers.append(gated.workflow.start_bracket("tap-1")))
        for _ in range(8)
    ]
    for tap in taps:
        tap.start()
    for tap in taps:
        tap.join(PATIENCE_S)
    assert answers == [gated.id] * 8


def test_another_bracket_meanwhile_is_refused(gated):
    with pytest.raises(BusyError, match="a bracket is being shot"):
        gated.workflow.start_bracket(key="tap-2")


@pytest.mark.parametrize("ask", ["jog", "goto", "set_near"])
def test_the_focus_is_not_touched_while_shooting(gated, ask):
    with pytest.raises(BusyError):
        getattr(gated.workflow, ask)(100)


def test_while_shooting_the_status_says_which_frame(gated):
    let_pass(gated, 2)
    bracket = gated.workflow.status().bracket
    assert (bracket.id, bracket.done, bracket.total, bracket.outcome) == (gated.id, 2, 5, None)
    assert gated.workflow.brackets()[0].outcome is None


def test_stop_keeps_the_frames_and_offers_to_go_on(gated):
    let_pass(gated, 2)
    gated.workflow.stop()
    gated.gate.pass_frame(100)
    status = gated.until_idle()
    assert status.bracket.outcome is Outcome.STOPPED
    assert "resume" in status.allowed
    assert gated.workflow.bracket(gated.id).summary.frames_done in (2, 3)


def test_a_stopped_bracket_is_completed_by_resume(gated):
    let_pass(gated, 2)
    gated.workflow.stop()
    gated.gate.pass_frame(100)
    gated.until_idle()
    gated.workflow.resume()
    gated.until_idle()
    detail = gated.workflow.bracket(gated.id)
    assert detail.summary.outcome is Outcome.COMPLETE
    assert [frame.index for frame in detail.frames] == [0, 1, 2, 3, 4]
    assert len({frame.exposure_us for frame in detail.frames}) == 1
    assert [frame.position_steps for frame in detail.frames] == detail.plan["positions_steps"]


def test_pause_finishes_the_frame_and_gives_the_live_picture_back(gated):
    gated.workflow.pause()
    gated.gate.pass_frame()
    status = gated.until(lambda status: status.state is Phase.PAUSED)
    assert status.bracket.done == 1
    last = gated.workflow.preview(0, 160, PATIENCE_S)
    assert gated.workflow.preview(last.seq, 160, PATIENCE_S).seq > last.seq


def test_a_paused_bracket_goes_on(gated):
    gated.workflow.pause()
    gated.gate.pass_frame()
    gated.until(lambda status: status.state is Phase.PAUSED)
    gated.workflow.resume()
    gated.gate.pass_frame(100)
    assert gated.until_idle().bracket.outcome is Outcome.COMPLETE


def test_a_long_pause_lets_the_motor_go_and_the_next_move_takes_up_the_backlash(gated, monkeypatch):
    monkeypatch.setattr("rig.shooter.RELEASE_AFTER_S", 0.0)
    motor, moves, let_go = gated.workflow._machine.devices.motor, [], threading.Event()
    release, move_by = motor.release, motor.move_by
    monkeypatch.setattr(motor, "release", lambda: (release(), let_go.set()))
    monkeypatch.setattr(motor, "move_by", lambda steps, *how: (moves.append(steps), move_by(steps, *how))[1])
    let_pass(gated, 1)
    gated.workflow.pause()
    assert motor.energised
    gated.gate.pass_frame()
    assert let_go.wait(PATIENCE_S)
    assert not motor.energised
    moves.clear()
    gated.workflow.resume()
    gated.gate.wait_for_capture()

    status, backlash = gated.workflow.status(), gated.workflow.settings.motor.backlash_steps
    step = status.plan.step_steps
    assert step < backlash
    assert moves == [step - backlash, backlash]
    gated.gate.pass_frame(100)
    assert gated.until_idle().bracket.outcome is Outcome.COMPLETE


@pytest.mark.parametrize("then", ["resume", "stop"])
def test_a_lamp_that_burns_throughout_is_dark_in_a_pause_and_lit_again_only_to_go_on(make_rig, then):
    build = GatedRig()
    rig = make_rig({"panel.light_sync": "bracket"}, build=build)
    rig.set_limits(frames=3)
    rig.workflow.start_bracket()
    build.gate.wait_for_capture()
    light = rig.workflow._machine.devices.light
    assert light.lit
    rig.workflow.pause()
    build.gate.pass_frame()
    until(lambda: not light.lit)
    assert rig.until(lambda status: status.state is Phase.PAUSED).bracket.done == 1

    getattr(rig.workflow, then)()
    if then == "resume":
        build.gate.wait_for_capture()
        assert light.lit
        build.gate.pass_frame(100)
    assert rig.until_idle().bracket.outcome is (Outcome.COMPLETE if then == "resume" else Outcome.STOPPED)
    assert [on for _, on in light.switched_ns] == (
        [True, False, True, False] if then == "resume" else [True, False]
    )


def test_a_pause_taken_back_before_it_began_is_none(gated):
    gated.workflow.pause()
    gated.workflow.resume(gated.id)
    gated.gate.pass_frame(100)
    assert gated.until_idle().bracket.outcome is Outcome.COMPLETE


def test_a_paused_bracket_can_be_stopped(gated):
    gated.workflow.pause()
    gated.gate.pass_frame()
    gated.until(lambda status: status.state is Phase.PAUSED)
    gated.workflow.stop()
    assert gated.until_idle().bracket.outcome is Outcome.STOPPED


def test_closing_in_the_middle_keeps_the_frames(gated, make_rig):
    let_pass(gated, 2)
    gated.gate.pass_frame(100)
    gated.workflow.close()
    again = make_rig()
    bracket = again.workflow.status().bracket
    if bracket is not None:  # None: the last frames were quicker than the close
        assert bracket.outcome is Outcome.STOPPED
        again.workflow.resume()
        again.until_idle()
    assert again.workflow.bracket(gated.id).summary.outcome is Outcome.COMPLETE


def test_there_is_nothing_to_resume_in_a_complete_bracket(rig):
    bracket_id = rig.shoot(2)
    with pytest.raises(NotAllowedError, match="no stopped bracket"):
        rig.workflow.resume()
    with pytest.raises(NotAllowedError, match="nothing left to shoot"):
        rig.workflow.resume(bracket_id)
    with pytest.raises(NoSuchBracketError):
        rig.workflow.resume("b000099")


def test_stop_during_a_long_move_ends_it(rig):
    rig.workflow.goto(3000)
    rig.workflow.stop()
    rig.until_idle()
    rig.workflow.goto(200)
    assert rig.until_idle().focus.position_steps == 200


# --- faults -----------------------------------------------------------------------------------------


def broken(kind, settings, **faults):
    devices = small_rig(settings)
    bench = devices.motor._bench  # the simulated rig's faults are switched there
    for name, value in faults.items():
        setattr(bench.faults, name, value)
    kind.append(devices)
    return devices


def test_a_camera_that_hangs_keeps_the_frames_and_names_the_way_out(make_rig):
    made = []
    rig = make_rig(build=partial(broken, made, camera_timeout_at=frozenset(range(3, 9))))
    rig.set_limits(5)
    bracket_id = rig.workflow.start_bracket()
    status = rig.until(lambda status: status.state is Phase.FAULT)
    assert status.fault.device == "camera"
    assert status.fault.kept == "2 of 5 frames are safe on the card."
    assert "recover" in status.allowed
    assert rig.workflow.bracket(bracket_id).summary.outcome is Outcome.FAILED
    assert made[-1].motor.energised is False


def test_after_recover_the_bracket_is_completed(make_rig):
    made = []
    rig = make_rig(build=partial(broken, made, camera_timeout_at=frozenset({3, 4})))
    rig.set_limits(5)
    bracket_id = rig.workflow.start_bracket()
    rig.until(lambda status: status.state is Phase.FAULT)
    rig.workflow.recover()
    rig.until_idle()
    made[-1].motor._bench.faults.camera_timeout_at = frozenset()
    rig.workflow.resume(bracket_id)
    rig.until_idle()
    assert rig.workflow.bracket(bracket_id).summary.outcome is Outcome.COMPLETE


def test_a_stuck_motor_is_a_fault_of_the_motor(make_rig):
    rig = make_rig(build=partial(broken, [], motor_stuck_after_steps=5000))
    rig.workflow.goto(3000)
    rig.until_idle()
    rig.workflow.goto(100)
    assert rig.until(lambda status: status.state is Phase.FAULT).fault.device == "motor"


def test_a_rig_without_camera_opens_with_a_fault_and_can_be_closed(make_rig):
    rig = make_rig(build=partial(broken, [], camera_absent=True))
    status = rig.workflow.status()
    assert (status.state, status.fault.device) == (Phase.FAULT, "camera")
    assert "start_bracket" not in status.allowed


def test_devices_that_cannot_be_built_are_a_fault_too(make_rig):
    def build(settings):
        raise CameraError("no camera found: check the ribbon cable")

    status = make_rig(build=build).workflow.status()
    assert status.fault.sentence == "no camera found: check the ribbon cable"


def test_an_error_of_the_program_is_a_fault_not_a_crash(make_rig):
    def build(settings):
        raise ZeroDivisionError("oops")

    assert make_rig(build=build).workflow.status().fault.device == "program"


def test_a_bracket_that_does_not_fit_is_refused_before_it_begins(make_rig):
    rig = make_rig(free=lambda _: 300_000_100)
    rig.set_limits(5)
    with pytest.raises(StorageFullError, match="beside 300"):
        rig.workflow.start_bracket()
    assert rig.workflow.brackets() == ()
    assert rig.workflow.status().state is Phase.IDLE


def test_a_card_that_fills_up_midway_keeps_the_frames(make_rig):
    calls = [0]

    def free(folder: Path) -> int:
        calls[0] = len(list(folder.glob("frames/*.jpg")))
        return 1_000 if calls[0] >= 3 else 10_000_000_000

    rig = make_rig(free=free)
    rig.set_limits(6)
    bracket_id = rig.workflow.start_bracket()
    status = rig.until(lambda status: status.state is Phase.FAULT)
    assert status.fault.device == "storage"
    assert status.fault.kept == "3 of 6 frames are safe on the card."
    assert rig.workflow.bracket(bracket_id).summary.frames_done == 3


def test_what_is_allowed_is_accepted_and_what_is_not_is_refused(rig):
    tries = {
        "jog": lambda: rig.workflow.jog(1),
        "set_near": lambda: rig.workflow.set_near(),
        "start_bracket": lambda: rig.workflow.start_bracket(),
        "pause": lambda: rig.workflow.pause(),
        "resume": lambda: rig.workflow.resume(),
        "stop": lambda: rig.workflow.stop(),
        "recover": lambda: rig.workflow.recover(),
        "cancel_stack": lambda: rig.workflow.cancel_stack(),
    }
    for name, ask in tries.items():
        rig.until_idle()
        if name in rig.workflow.status().allowed:
            ask()
        else:
            with pytest.raises((BusyError, NotAllowedError)):
                ask()
    rig.until_idle()


# --- the panel --------------------------------------------------------------------------------------


def panelled(made, settings):
    devices = small_rig(settings)
    made.append(devices.panel)
    return devices


def test_what_the_camera_warns_of_when_it_starts_is_told(make_rig):
    class Short(FakePicamera2):
        def configure(self, camera_config=None):
            if camera_config["buffer_count"] > 1:
                raise OSError(12, "Cannot allocate memory")
            super().configure(camera_config)

    def build(settings):
        return replace(small_rig(settings), camera=Picamera2Camera(settings.camera, library(Short)))

    assert "memory for the camera is short: 1 of 2" in make_rig(build=build).workflow.status().message


@pytest.fixture
def buttoned(make_rig):
    made = []
    rig = make_rig(build=partial(panelled, made))
    rig.panel = made[0]
    return rig


def test_the_button_shoots_the_last_recipe(buttoned):
    buttoned.set_limits(3)
    buttoned.panel.press(Press.SHORT)
    buttoned.until_idle()
    assert buttoned.workflow.brackets()[0].frames_done == 3
    assert list(buttoned.panel.shown).count(Signal.FRAME) == 3


def test_the_button_finds_the_range_when_there_is_no_recipe(buttoned):
    buttoned.panel.press(Press.SHORT)
    buttoned.until(lambda status: status.bracket is not None and status.bracket.outcome is not None)
    assert buttoned.workflow.brackets()[0].outcome is Outcome.COMPLETE


def test_a_long_press_stops(gated, make_rig):
    gated.workflow._on_press(Press.LONG)
    gated.gate.pass_frame(100)
    assert gated.until_idle().bracket.outcome is Outcome.STOPPED


def test_a_long_press_with_nothing_to_stop_does_nothing(buttoned):
    before = list(buttoned.panel.shown), buttoned.workflow.status()
    buttoned.panel.press(Press.LONG)
    assert (list(buttoned.panel.shown), buttoned.workflow.status()) == before


def test_the_led_goes_dark_at_the_end(buttoned):
    buttoned.workflow.close()
    assert buttoned.panel.shown[-1] is Signal.OFF


# --- what is on the card ----------------------------------------------------------------------------


def test_a_deleted_bracket_is_gone(rig):
    bracket_id = rig.shoot(2)
    rig.workflow.delete(bracket_id)
    assert rig.workflow.brackets() == ()
    assert rig.workflow.status().bracket is None


def test_a_bracket_being_shot_cannot_be_deleted_or_stacked(gated):
    for ask in (gated.workflow.delete, gated.workflow.stack):
        with pytest.raises(BusyError):
            ask(gated.id)


def test_a_small_copy_that_is_there_waits_for_none_that_is_being_made(rig, monkeypatch):
    bracket_id = rig.shoot(2)
    begun, enough = threading.Event(), threading.Event()

    def slowly(*given):
        begun.set()
        assert enough.wait(PATIENCE_S)
        return small_jpeg(*given)

    monkeypatch.setattr("rig.store.small_jpeg", slowly)
    ask = partial(rig.workflow.file, bracket_id)
    making = threading.Thread(target=ask, args=("frame_screen",), kwargs={"frame": 1})
    making.start()
    try:
        assert begun.wait(PATIENCE_S)
        meanwhile = threading.Thread(target=ask, args=("frame_thumb",), kwargs={"frame": 0})
        meanwhile.start()
        meanwhile.join(PATIENCE_S / 2)
        assert not meanwhile.is_alive() and making.is_alive()
    finally:
        enough.set()
        making.join(PATIENCE_S)


def test_nothing_waits_for_the_removal_of_a_large_bracket(rig, monkeypatch):
    bracket_id = rig.shoot(2)
    begun, enough = threading.Event(), threading.Event()
    monkeypatch.setattr("rig.workflow.empty", lambda trash: begun.set() or enough.wait(PATIENCE_S))
    removal = threading.Thread(target=rig.workflow.delete, args=(bracket_id,))
    removal.start()
    try:
        assert begun.wait(PATIENCE_S)
        meanwhile = threading.Thread(target=rig.workflow.clear_limits)
        meanwhile.start()
        meanwhile.join(PATIENCE_S / 2)
        assert not meanwhile.is_alive() and removal.is_alive()
        assert rig.workflow.brackets() == () and rig.workflow.status().bracket is None
    finally:
        enough.set()
        removal.join(PATIENCE_S)


def test_frames_and_thumbs_are_files(rig):
    bracket_id = rig.shoot(2)
    frame = rig.workflow.file(bracket_id, "frame", frame=1)
    assert cv2.imread(str(frame)).shape[:2] == (SMALL_PX[1], SMALL_PX[0])
    thumb = rig.workflow.file(bracket_id, "frame_thumb", frame=0)
    thumb.unlink()
    assert rig.workflow.file(bracket_id, "frame_thumb", frame=0).is_file()
    assert rig.workflow.file(bracket_id, "thumb").is_file()
    with pytest.raises(NoSuchBracketError):
        rig.workflow.file(bracket_id, "frame", frame=2)


@pytest.mark.parametrize(
    "odd",
    [
        {"method": "magic"}, {"quality": 0}, {"threads": "2"}, {"crop": 1}, {"out": "/etc"}, {"reference": -1},
        {"prefer": "left"}, {"prefer": "near", "method": "average"}, {"threads": 257}, {"memory_limit_mb": 10**7},
    ],
)  # fmt: skip
def test_odd_stack_settings_are_refused(rig, odd):
    bracket_id = rig.shoot(2)
    with pytest.raises(ConfigError):
        rig.workflow.stack(bracket_id, odd)


# --- killed -----------------------------------------------------------------------------------------

SHOOT_FOR_EVER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    from simrig import Rig, small_rig
    from rig.config import Settings
    from rig.workflow import Workflow
    workflow = Workflow(Settings().changed({"stacking.live": False}), Path(sys.argv[1]), build=small_rig)
    workflow.open()
    rig = Rig(workflow, Path(sys.argv[1]))
    rig.set_limits(60)
    workflow.start_bracket(key="tap")
    rev = 0
    while True:
        status = workflow.wait_status(rev, 10)
        rev = status.rev
        print(status.bracket.done, flush=True)
    """
)


def test_a_rig_killed_while_shooting_offers_to_go_on(make_rig, tmp_path):
    data = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", SHOOT_FOR_EVER, str(data)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert child.stdout is not None
    with killed_if_it_takes_long(child):
        seen = next(int(line) for line in child.stdout if int(line) >= 7)
    os.kill(child.pid, signal.SIGKILL)
    child.wait(PATIENCE_S)

    rig = make_rig(data=data)
    status = rig.workflow.status()
    assert status.bracket.outcome is Outcome.INTERRUPTED
    assert status.bracket.done >= seen
    assert Store(data).folder_of(status.bracket.id).damaged_frames() == ()
    assert (
        rig.workflow.start_bracket(key="tap") == status.bracket.id
    )  # the tap that was cut off is not shot again
    rig.workflow.resume()
    rig.until_idle()
    assert rig.workflow.bracket(status.bracket.id).summary.outcome is Outcome.COMPLETE


# --- stacking ---------------------------------------------------------------------------------------


GROWING_PX = (640, 480)  # the growing picture is a quarter of it, and still has a pyramid


def stacked(rig):
    return rig.until(lambda status: status.stack is not None and not status.stack.running)


def shoot_the_scene(rig):
    """A bracket with something to fuse: over the textured depth of the scene, in few frames."""
    found = rig.workflow.suggestion
    rig.workflow.set_near(found.near_steps)
    rig.workflow.set_far(found.far_steps)
    rig.workflow.set_step((found.far_steps - found.near_steps) // 4)
    return rig.workflow.start_bracket()


def test_a_bracket_is_stacked_while_it_is_shot(make_rig):
    rig = make_rig({"stacking.live": True}, build=partial(small_rig, size_px=GROWING_PX))
    bracket_id = shoot_the_scene(rig)
    status = stacked(rig)
    assert (status.stack.stage, status.stack.error) == ("done", None)
    result = rig.workflow.bracket(bracket_id).results[0]
    assert (result.id, result.used, result.frames) == ("r01", 5, 5)
    assert result.report["frames"]
    for kind in ("fused", "screen", "thumb", "depth"):
        assert cv2.imread(str(rig.workflow.file(bracket_id, kind))) is not None
    assert rig.workflow.stack_preview() == rig.workflow.file(bracket_id, "screen")
    assert rig.workflow.stack_depth() is None  # of a stack that grows
    assert not list(rig.workflow.folder(bracket_id).rglob("preview*"))


def test_stacking_again_keeps_both_results(rig):
    bracket_id = shoot_the_scene(rig)
    rig.until_idle()
    assert rig.workflow.stack(bracket_id) == "r01"
    assert rig.workflow.stack(bracket_id, {"method": "average", "crop": False}) == "r02"
    assert rig.workflow.wait_stacked(PATIENCE_S)
    first, second = rig.workflow.bracket(bracket_id).results
    assert (first.id, second.id) == ("r01", "r02")
    assert second.settings["method"] == "average"
    assert (second.width, second.height) == SMALL_PX


def test_a_result_of_some_frames_tells_which_and_keeps_the_one_of_all(rig):
    bracket_id = shoot_the_scene(rig)
    rig.until_idle()
    rig.workflow.stack(bracket_id)
    rig.workflow.stack(bracket_id, {"prefer": "near"}, frames=[0, 1, 3, 4])
    assert rig.workflow.wait_stacked(PATIENCE_S)
    whole, some = rig.workflow.bracket(bracket_id).results
    assert (whole.frames, some.frames) == (5, 4)
    assert [frame["name"] for frame in some.report["frames"]] == ["000.jpg", "001.jpg", "003.jpg", "004.jpg"]


@pytest.mark.parametrize("odd", [[], [0], [0, 7], [-1, 0]])
def test_frames_that_are_not_there_or_no_stack_are_refused(rig, odd):
    bracket_id = rig.shoot(3)
    with pytest.raises(ConfigError):
        rig.workflow.stack(bracket_id, frames=odd)


def test_a_stopped_bracket_is_stacked_as_far_as_it_goes(make_rig):
    build = GatedRig(GROWING_PX)
    rig = make_rig({"stacking.live": True}, build=build)
    rig.gate = build.gate
    bracket_id = shoot_the_scene(rig)
    rig.gate.wait_for_capture()
    let_pass(rig, 3)
    rig.workflow.stop()
    rig.gate.pass_frame(100)
    rig.until_idle()
    stacked(rig)
    detail = rig.workflow.bracket(bracket_id)
    assert detail.results[0].frames == detail.summary.frames_done


def test_a_stacker_that_dies_leaves_rig_and_frames_alone(make_rig):
    rig = make_rig(stacker=(sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    bracket_id = rig.shoot(2)
    rig.workflow.stack(bracket_id)
    status = stacked(rig)
    assert status.stack.stage == "failed"
    assert "the frames are safe" in status.stack.error
    assert status.state is Phase.IDLE
    assert rig.workflow.bracket(bracket_id).summary.results == ()
    assert not list((rig.data / bracket_id).rglob("*.part"))


def test_a_cancelled_stack_leaves_no_result_and_the_next_has_its_turn(make_rig):
    rig = make_rig(
        stacker=(sys.executable, "-c", "import sys; [None for line in sys.stdin if 'cancel' not in line]")
    )
    bracket_id = rig.shoot(2)
    rig.workflow.stack(bracket_id)
    rig.until(lambda status: "cancel_stack" in status.allowed)
    rig.workflow.cancel_stack()
    assert stacked(rig).stack.stage in ("cancelled", "failed")
    assert not list((rig.data / bracket_id).rglob("*.part"))


def test_closing_ends_the_stacker_too(make_rig):
    rig = make_rig(stacker=(sys.executable, "-c", "import time; time.sleep(600)"))
    bracket_id = rig.shoot(2)
    rig.workflow.stack(bracket_id)
    rig.workflow.close()
    assert rig.workflow.status().stack.stage == "cancelled"
    assert not list(rig.data.rglob("*.part"))


def test_a_bracket_being_stacked_cannot_be_deleted(make_rig):
    rig = make_rig(stacker=(sys.executable, "-c", "import time; time.sleep(600)"))
    bracket_id = rig.shoot(2)
    rig.workflow.stack(bracket_id)
    with pytest.raises(BusyError, match="being worked on"):
        rig.workflow.delete(bracket_id)


def test_a_stack_that_still_waits_is_cancelled_too(make_rig):
    rig = make_rig(stacker=(sys.executable, "-c", "import time; time.sleep(600)"))
    bracket_id = rig.shoot(2)
    rig.workflow.stack(bracket_id)
    rig.workflow.stack(bracket_id)
    rig.workflow.close()
    assert rig.workflow.status().stack.running is False
    assert not list(rig.data.rglob("*.part"))


def test_a_time_or_gain_that_the_camera_cannot_do_is_told_at_the_start_and_begins_no_bracket(make_rig):
    rig = make_rig({"camera.gain": 40.0})
    assert "camera.gain = 40 is more or less than this sensor can do" in rig.workflow.status().message
    rig.set_limits(frames=2)
    with pytest.raises(ConfigError, match=r"from 1 to 22\.26"):
        rig.workflow.start_bracket()
    with pytest.raises(ConfigError, match=r"from 1 to 22\.26"):
        rig.workflow.auto_range(then_shoot=True)
    assert rig.workflow.brackets() == ()

    rig.workflow.change_settings({"capture.settle_s": 0.7})  # has nothing to do with it
    with pytest.raises(ConfigError, match=r"from 1 to 22\.26"):
        rig.workflow.change_settings({"camera.gain": 30.0})
    assert (rig.workflow.settings.capture.settle_s, rig.workflow.settings.camera.gain) == (0.7, 40.0)
    rig.workflow.change_settings({"camera.gain": 4.0})
    rig.until_idle()
    assert rig.workflow.start_bracket()


def test_a_time_too_short_for_the_flash_begins_no_bracket(make_rig):
    rig = make_rig({"camera.exposure_us": 20_000, "flash.pin": 18})
    rig.set_limits(frames=2)
    with pytest.raises(ConfigError, match="too short for a flash"):
        rig.workflow.start_bracket()
    rig.workflow.change_settings({"camera.exposure_us": 0})
    rig.until_idle()
    with pytest.raises(ConfigError, match="too short for a flash"):
        rig.workflow.change_settings({"camera.exposure_us": 50_000})


def test_a_bracket_whose_flash_died_is_gone_on_with_once_it_works_again(make_rig):
    built = []

    def build(settings):
        built.append(small_rig(settings))
        return built[-1]

    rig = make_rig({"flash.pin": 18, "flash.recycle_s": 1.0}, build=build)
    rig.set_limits(frames=3)
    faults, fire = built[-1].camera._bench.faults, built[-1].flash.fire
    fired = built[-1].flash.fired_ns
    built[-1].flash.fire = lambda *when: (setattr(faults, "flash_dead", len(fired) >= 5), fire(*when))[1]
    bracket_id = rig.workflow.start_bracket()
    status = rig.until(lambda status: status.fault is not None)

    assert (status.fault.device, status.fault.action) == ("light", "Try the light again")
    assert "gives no light" in status.fault.sentence and status.bracket.done in (1, 2)

    rig.workflow.recover()
    rig.until_idle()
    rig.workflow.resume(bracket_id)
    assert rig.until_idle().bracket.outcome is Outcome.COMPLETE
    frames = rig.workflow.bracket(bracket_id).frames
    assert len(frames) == 3 and len({(frame.exposure_us, frame.gain) for frame in frames}) == 1
    assert all(frame.exposure_us > 87_000 for frame in frames)  # longer than the reading of the rows
