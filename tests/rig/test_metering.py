"""Exposure for a whole bracket, on a camera whose subject is brighter at some depths than at others."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from smallrig import small_rig

from rig.capture import capture_bracket
from rig.config import CameraSettings
from rig.devices.camera import Exposure, Limits, Preview
from rig.devices.exposurelock import check_within
from rig.lockedcamera import same_exposure
from rig.metering import at_low_gain, meter, metered_positions
from rig.plan import plan_bracket

WANTED = 118.0  # mean level that automatic control brings a picture to
GAINS = (1.9, 1.6)
HQ = Limits(114, 600_000_000, 22.26)
POSITIONS = (1000, 1200, 1400)


class Daylight:
    """Previews of a grey card with a white spot; the card's light depends on the focus position."""

    limits = HQ

    def __init__(self, focuser, light, spot: float = 1.0, spot_share: float = 0.0, gain: float = 1.0):
        self._focuser, self._light, self._gain = focuser, light, gain
        self._spot, self._spot_share = spot, spot_share
        self._seq = itertools.count(1)
        self.locked: Exposure | None = None

    def now_ns(self) -> int:
        return 0

    def lock(self, exposure: Exposure) -> Exposure:
        self.locked = exposure
        return exposure

    def preview(self, timeout_s: float = 2.0) -> Preview:
        light = self._light(self._focuser.position_steps)
        exposure = self.locked or Exposure(round(WANTED / light / self._gain), self._gain, GAINS)
        level = light * exposure.exposure_us * exposure.gain
        image = np.full((60, 80, 3), min(level, 255.0), np.uint8)
        image[: round(60 * self._spot_share)] = min(level * self._spot, 255.0)
        return Preview(image, next(self._seq), 1, exposure)


def never() -> bool:
    return False


def metered_with(**card: object) -> tuple[Exposure, Daylight]:
    rig = small_rig()
    camera = Daylight(rig.focuser, **{"light": lambda position: 0.01, **card})
    found = meter(camera, rig.focuser, POSITIONS, CameraSettings(), never)
    assert found is not None
    return found.exposure, camera


def test_the_brightest_depth_decides() -> None:
    found, _ = metered_with(light=lambda position: 0.02 if position == 1200 else 0.01)

    assert found.exposure_us == pytest.approx(WANTED / 0.02, rel=0.01)


def test_gain_is_exchanged_for_exposure() -> None:
    found, _ = metered_with(gain=4.0)

    assert (found.exposure_us, found.gain) == (pytest.approx(WANTED / 0.01, rel=0.01), 1.0)


def test_in_the_dark_gain_takes_over_where_exposure_would_be_too_long() -> None:
    found = at_low_gain(Exposure(400_000, 2.0, GAINS), CameraSettings(longest_exposure_us=200_000), HQ)

    assert (found.exposure_us, found.gain) == (200_000, 4.0)


@pytest.mark.parametrize(
    ("measured", "settings", "found"),
    [
        (Exposure(66_666, 16.0, GAINS), CameraSettings(longest_exposure_us=40_000), (40_000, 22.26)),
        (Exposure(60, 1.0, GAINS), CameraSettings(), (114, 1.0)),
    ],
)
def test_what_the_sensor_cannot_do_is_not_asked_of_it(
    measured: Exposure, settings: CameraSettings, found: tuple[int, float]
) -> None:
    exposure = at_low_gain(measured, settings, HQ)
    assert (exposure.exposure_us, exposure.gain) == found
    check_within(exposure, HQ)


def test_a_sensor_whose_least_gain_is_more_than_1_is_asked_for_no_less() -> None:
    other = replace(HQ, least_gain=1.12)

    found = at_low_gain(Exposure(20_000, 2.0, GAINS), CameraSettings(), other)
    assert (found.exposure_us, found.gain) == (round(40_000 / 1.12), pytest.approx(1.12, rel=1e-3))


def test_without_positions_it_is_measured_where_it_stands() -> None:
    rig = small_rig()
    rig.focuser.goto(1234)
    moved: list[int] = []
    rig.focuser.goto = lambda position, *_: moved.append(position)  # type: ignore[method-assign]
    found = meter(Daylight(rig.focuser, lambda position: 0.01), rig.focuser, (), CameraSettings(), never)

    assert found is not None and found.exposure.exposure_us == pytest.approx(WANTED / 0.01, rel=0.01)
    assert moved == []


@pytest.mark.parametrize("meter_positions", [0, 1])
def test_too_little_light_for_the_sensor_and_the_longest_exposure_is_told_once(meter_positions: int) -> None:
    rig = small_rig(
        capture__settle_mode="fixed", camera__meter_positions=meter_positions, camera__longest_exposure_us=200
    )
    plan = plan_bracket(rig.settings, 1000, 1100, 100)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)
    said = [str(one) for one in report.warnings if "too little light" in one]

    assert report.exposure is not None and report.exposure.exposure_us <= 200
    assert len(said) == 1 and "stops dark" in said[0]


def test_a_white_part_that_would_burn_out_makes_it_darker() -> None:
    plain, _ = metered_with()
    found, camera = metered_with(spot=3.0, spot_share=0.2)

    assert found.exposure_us < 0.8 * plain.exposure_us
    assert camera.preview().image.max() < 250


def test_a_glint_may_burn_out() -> None:
    plain, _ = metered_with()
    found, _ = metered_with(spot=30.0, spot_share=0.008)

    assert found == plain


def test_white_balance_is_taken_over() -> None:
    assert metered_with()[0].colour_gains == GAINS


def test_the_positions_looked_at_are_spread_from_near_to_far() -> None:
    assert metered_positions(tuple(range(11)), 3) == (0, 5, 10)
    assert metered_positions((7, 8), 5) == (7, 8)
    assert metered_positions(tuple(range(11)), 1) == (0,)


def test_a_bracket_is_shot_as_measured_and_an_exposure_by_hand_is_not_measured() -> None:
    rig = small_rig(capture__settle_mode="fixed")
    plan = plan_bracket(rig.settings, 1000, 1200, 100)
    report = capture_bracket(rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock)
    assert report.exposure is not None and report.exposure.gain == 1.0
    assert all(same_exposure(facts.exposure, report.exposure) for facts in rig.facts)

    by_hand = small_rig(capture__settle_mode="fixed", camera__exposure_us=5000)
    report = capture_bracket(
        by_hand.devices.camera, by_hand.focuser, plan, by_hand.settings, by_hand.sink, clock=by_hand.clock
    )
    assert report.exposure is not None and report.exposure.exposure_us == pytest.approx(5000, rel=0.02)
