"""The tests of this folder are able to fail: a fault put into focuser or capture loop is caught by its test."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import pytest
import smallrig
import test_brightness
import test_bump
import test_capture
import test_flash
import test_focuser
import test_light_sync
import test_lockedcamera
import test_standstill

import rig.capture
import rig.flash
import rig.flashlight
import rig.focuser
import rig.lockedcamera
from rig.errors import RigError


@dataclass(frozen=True)
class Mutant:
    """One fault put into one module, and the test that must notice."""

    name: str
    module: ModuleType
    right: str
    wrong: str
    check: Callable[[], None]


MUTANTS = [
    Mutant(
        "the backlash is ignored",
        rig.focuser,
        "        if way < self._slack_steps:\n",
        "        if False:\n",
        test_focuser.test_a_small_step_back_is_taken_fully,
    ),
    Mutant(
        "positions are reached from whichever side they lie",
        rig.focuser,
        "self._travel(way - self.settings.backlash_steps, cancelled)",
        "self._travel(way, cancelled)",
        test_focuser.test_a_small_step_back_is_taken_fully,
    ),
    Mutant(
        "an endstop met too early is not told from one met in its place",
        rig.focuser,
        "if not self.homed or lost <=",
        "if lost or not self.homed or lost <=",
        test_focuser.test_an_endstop_met_on_the_way_says_how_many_steps_were_lost,
    ),
    Mutant(
        "frames are exposed in the dark",
        rig.capture,
        "            with self.lit_for_frames():\n                settled = ",
        "            with nullcontext():\n                settled = ",
        test_light_sync.test_frames_are_bright_by_the_rigs_light_and_dark_without_it,
    ),
    Mutant(
        "the light is out before the exposure",
        rig.capture,
        "                settled = settled or settler.wait(self.halted)\n",
        "                settled = settled or settler.wait(self.halted)\n            with nullcontext():\n",
        test_light_sync.test_the_light_is_on_a_lead_before_each_exposure_and_until_its_end,
    ),
    Mutant(
        "the frame is exposed during the move",
        rig.capture,
        "            settled = None if settler.watches else settler.wait(self.halted)\n",
        "            settled = Settled(0.0, still=True)\n",
        test_capture.test_no_frame_is_exposed_before_the_wait_is_over,
    ),
    Mutant(
        "a motor that stands is not looked for",
        rig.capture,
        "            drive.check(self.frames, last=index == total - 1)\n",
        "",
        partial(
            test_standstill.test_a_motor_that_stands_still_silently_ends_the_bracket_a_few_frames_later,
            scene="bumpy",
            stands_after=0,
        ),
    ),
    Mutant(
        "a frame as dark as without the lamp is kept",
        rig.capture,
        "            self._tell(light.look(frame.luma_small, index + 1))\n",
        "",
        partial(
            test_brightness.test_a_lamp_that_dies_ends_the_bracket_before_a_dark_frame_is_kept,
            frames=2,
            mode="fixed",
        ),
    ),
    Mutant(
        "where a frame lies is not looked at",
        rig.capture,
        "before, off = off, self._off_px(frame) if settled.still else None",
        "before, off = off, None",
        partial(test_bump.test_a_frame_bumped_for_a_moment_is_shot_again_at_its_place, mode="fixed", at=2),
    ),
    Mutant(
        "a blurred frame stays",
        rig.capture,
        "            self._shoot_blurred_again(locked, settler, sink)\n",
        "",
        partial(
            test_bump.test_a_frame_blurred_by_a_knock_that_nobody_watched_is_shot_again_once_the_next_shows_it,
            at=4,
        ),
    ),
    Mutant(
        "the flash is fired when the first row opens",
        rig.flash,
        "            coming.all_open_ns + round(place * room_ns) - delay_ns,\n",
        "            coming.start_ns - delay_ns,\n",
        test_flash.test_every_frame_is_lit_alike_from_its_first_row_to_its_last,
    ),
    Mutant(
        "the flash is not given the time to recycle",
        rig.flash,
        "            if left_s <= 0:\n",
        "            if True:\n",
        test_flash.test_the_flash_is_given_the_time_it_needs_to_recycle,
    ),
    Mutant(
        "a frame of which the flash lit a part is kept",
        rig.flashlight,
        "    if min(first, final) < UNLIT:\n",
        "    if False:\n",
        partial(
            test_flash.test_light_that_reaches_only_a_part_of_the_rows_is_found_out_before_the_first_frame,
            late_s=0.02,
            word="too late",
        ),
    ),
    Mutant(
        "a frame of another exposure is kept",
        rig.lockedcamera,
        "        if not same_exposure(got, want):\n",
        "        if False:\n",
        test_lockedcamera.test_a_lock_that_does_not_hold_is_an_error_that_says_what_it_did,
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.check()
    changed = _module(mutant, monkeypatch)
    monkeypatch.setattr(smallrig, "Focuser", getattr(changed, "Focuser", smallrig.Focuser))
    monkeypatch.setattr(
        test_lockedcamera, "LockedCamera", getattr(changed, "LockedCamera", test_lockedcamera.LockedCamera)
    )
    for user in (test_capture, test_light_sync, test_standstill, test_brightness, test_bump, test_flash):
        monkeypatch.setattr(
            user, "capture_bracket", getattr(changed, "capture_bracket", user.capture_bracket)
        )

    monkeypatch.setattr(rig.capture, "Flasher", getattr(changed, "Flasher", rig.flash.Flasher))
    monkeypatch.setattr(
        rig.flash, "what_is_wrong", getattr(changed, "what_is_wrong", rig.flashlight.what_is_wrong)
    )

    with pytest.raises((AssertionError, pytest.fail.Exception, RigError)):
        mutant.check()


def _module(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module with the fault in it."""
    source = inspect.getsource(mutant.module)
    assert source.count(mutant.right) == 1, (
        f"{mutant.module.__name__} has changed; this mutant no longer applies"
    )
    changed = ModuleType(f"{mutant.module.__name__}_with_a_fault")
    monkeypatch.setitem(sys.modules, changed.__name__, changed)  # where dataclasses look for it
    exec(compile(source.replace(mutant.right, mutant.wrong), mutant.name, "exec"), changed.__dict__)
    return changed
