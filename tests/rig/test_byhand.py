"""One figure of the exposure given by hand: the other one keeps the picture as bright as it was measured."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from smallrig import small_rig

from rig.byhand import check_by_hand, off_sentence, with_settings
from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.config import CameraSettings
from rig.devices.camera import Exposure, Limits
from rig.errors import ConfigError
from rig.plan import plan_bracket

LIMITS = Limits(shortest_us=100, longest_us=1_000_000, most_gain=16.0)
MEASURED = Exposure(20_000, 1.0, (2.0, 1.5))


def by_hand(measured: Exposure = MEASURED, **settings: object) -> tuple[int, float]:
    found = with_settings(measured, CameraSettings(**settings), LIMITS)
    return found.exposure_us, found.gain


def told(**settings: object) -> str | None:
    camera = CameraSettings(**settings)
    return off_sentence(MEASURED, with_settings(MEASURED, camera, LIMITS), camera)


def test_time_makes_up_for_the_gain_and_gain_for_the_time() -> None:
    assert by_hand(gain=4.0) == (5000, 4.0)
    assert by_hand(exposure_us=2000) == (2000, 10.0)


def test_both_by_hand_are_taken_as_they_are_and_neither_leaves_what_was_measured() -> None:
    assert by_hand(gain=4.0, exposure_us=50_000) == (50_000, 4.0)
    assert by_hand() == (20_000, 1.0)
    assert told(gain=4.0, exposure_us=50_000) is None and told() is None


def test_what_makes_up_for_it_stays_within_what_the_sensor_can_do() -> None:
    assert by_hand(exposure_us=500) == (500, 16.0)
    assert by_hand(exposure_us=200_000) == (200_000, 1.0)
    assert by_hand(Exposure(1000, 1.0, (2, 1)), gain=16.0) == (100, 16.0)


def test_the_time_stays_as_short_as_automatic_control_would_keep_it() -> None:
    dark = Exposure(250_000, 4.0, (2, 1))
    assert by_hand(dark, gain=2.0) == (250_000, 2.0)
    assert by_hand(dark, gain=2.0, longest_exposure_us=900_000) == (500_000, 2.0)


def test_a_picture_that_cannot_be_as_measured_is_told_with_how_much() -> None:
    assert "exposure time that is set makes the picture 1.3 stops darker" in str(told(exposure_us=500))
    assert "3.3 stops brighter" in str(told(exposure_us=200_000))
    assert "gain that is set" in str(told(gain=1.0, longest_exposure_us=5000))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"gain": 0.5}, "camera.gain = 0.5 is more or less than this sensor can do: it must be from 1 to 16"),
        ({"gain": 40.0}, "from 1 to 16, or 0 for automatic"),
        (
            {"exposure_us": 50},
            "camera.exposure_us = 50 is more or less than this sensor can do: it must be from 100 to",
        ),
        ({"exposure_us": 2_000_000}, "to 1000000, or 0 for automatic"),
    ],
)
def test_a_figure_that_the_sensor_cannot_do_is_refused_with_what_it_can(settings, sentence) -> None:
    with pytest.raises(ConfigError) as refused:
        check_by_hand(CameraSettings(**settings), LIMITS)

    assert sentence in str(refused.value)


def test_what_the_sensor_can_just_do_is_taken_and_so_is_0() -> None:
    check_by_hand(CameraSettings(gain=16.0, exposure_us=100), LIMITS)
    check_by_hand(CameraSettings(gain=1.0, exposure_us=1_000_000), LIMITS)
    check_by_hand(CameraSettings(), LIMITS)


def test_a_third_of_a_stop_is_not_worth_a_word() -> None:
    assert told(exposure_us=25_000) is None
    assert told(exposure_us=26_000) is not None


# --- on the simulated rig -----------------------------------------------------------------------
def bracket(**settings: object) -> tuple[CaptureReport, float]:
    """The report, and the mean grey of the first frame."""
    rig = small_rig(
        capture__settle_mode="fixed", **{f"camera__{name}": one for name, one in settings.items()}
    )
    plan = plan_bracket(rig.settings, 1000, 1200, 100)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)
    return report, float(np.asarray(Image.open(io.BytesIO(rig.frames[0].jpeg)).convert("L")).mean())


@pytest.fixture(scope="module")
def automatic() -> tuple[CaptureReport, float]:
    return bracket()


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 4.0},
        {"exposure_us": 2000},
        {"gain": 4.0, "meter_positions": 0},
        {"exposure_us": 8000, "meter_positions": 0},
    ],
)
def test_a_bracket_with_one_figure_by_hand_is_as_bright_as_an_automatic_one(automatic, settings) -> None:
    report, grey = bracket(**settings)

    assert report.exposure is not None
    for name in ("gain", "exposure_us"):
        if name in settings:
            assert getattr(report.exposure, name) == pytest.approx(settings[name], rel=0.02)
    assert grey == pytest.approx(automatic[1], abs=4)
    assert max(facts.clipped_share for facts in report.frames) < 0.02
    assert report.warnings == automatic[0].warnings


@pytest.mark.parametrize("meter_positions", [0, 3])
def test_a_bracket_that_cannot_be_as_bright_says_so_once(automatic, meter_positions) -> None:
    report, grey = bracket(gain=1.0, longest_exposure_us=3000, meter_positions=meter_positions)
    said = [str(one) for one in report.warnings if "than measured" in one]

    assert grey < automatic[1] - 10
    assert len(said) == 1 and "stops darker" in said[0]


def test_both_figures_by_hand_are_shot_as_they_are() -> None:
    report, _ = bracket(gain=2.0, exposure_us=2000)

    assert report.exposure is not None
    assert (report.exposure.exposure_us, report.exposure.gain) == pytest.approx((2000, 2.0), rel=0.02)
    assert not [one for one in report.warnings if "than measured" in one]
