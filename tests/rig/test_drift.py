"""The check for lost steps at the end of a bracket: when it is made, and what it says."""

from __future__ import annotations

import pytest
from smallrig import SmallRig, small_rig

from rig.capturereport import CaptureReport
from rig.config import CaptureSettings
from rig.drift import held_against_endstop, is_due
from rig.errors import EndstopError
from rig.focuser import Focuser, never
from rig.status import Outcome

SHOT = CaptureReport(Outcome.COMPLETE, (), None, ("It was windy.",))


@pytest.mark.parametrize(
    ("setting", "frames", "due"),
    [("auto", 29, False), ("auto", 30, True), ("never", 999, False), ("always", 3, True)],
)
def test_a_long_bracket_is_checked_by_itself(setting: str, frames: int, due: bool) -> None:
    capture = CaptureSettings(drift_check=setting)  # type: ignore[arg-type]

    assert is_due(capture, small_rig().focuser, frames) is due


def test_a_drive_that_was_never_homed_is_not_sent_home_by_itself() -> None:
    rig = small_rig()

    assert not is_due(CaptureSettings(), Focuser(rig.devices.motor, rig.settings.motor), 100)


def away(rig: SmallRig, **faults: object) -> SmallRig:
    """The rig with the focus far from the endstop; faults: broken on the way there, or from then on."""
    for name, value in faults.items():
        setattr(rig.devices.bench.faults, name, value)
    rig.focuser.goto(1500)
    rig.devices.bench.faults.motor_lost_every = None
    return rig


def test_steps_lost_are_told_before_all_else() -> None:
    rig = away(small_rig(), motor_lost_every=50)

    report = held_against_endstop(SHOT, rig.focuser, 40, never)

    assert report.lost_steps is not None and report.lost_steps > 10
    assert f"had lost {report.lost_steps} steps by the end of the bracket" in report.warnings[0]
    assert report.warnings[1:] == SHOT.warnings
    assert not rig.devices.motor.energised


def test_a_drive_that_lost_none_is_not_spoken_of() -> None:
    report = held_against_endstop(SHOT, away(small_rig()).focuser, 40, never)

    assert (report.lost_steps, report.warnings) == (0, SHOT.warnings)


def test_an_endstop_that_is_not_found_leaves_the_bracket_complete() -> None:
    rig = away(small_rig(), endstop="never_closes")

    report = held_against_endstop(SHOT, rig.focuser, 40, never)

    assert isinstance(report.error, EndstopError)
    assert report.error.kept == "40 of 40 frames are safe on the card."
    assert report.outcome is Outcome.COMPLETE
    assert not rig.devices.motor.energised
