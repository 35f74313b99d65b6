"""The tests of this folder are able to fail: a fault put into focuser or capture loop is caught by its test."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import pytest
import smallrig
import test_capture
import test_focuser
import test_light_sync

import rig.capture
import rig.focuser
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
        "            with self.lit():\n                settled = ",
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
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_mutant_is_caught(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant.check()
    changed = _module(mutant, monkeypatch)
    monkeypatch.setattr(smallrig, "Focuser", getattr(changed, "Focuser", smallrig.Focuser))
    for user in (test_capture, test_light_sync):
        monkeypatch.setattr(
            user, "capture_bracket", getattr(changed, "capture_bracket", user.capture_bracket)
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
