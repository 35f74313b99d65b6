"""In wind the exposure is kept so short that it blurs by half a pixel; where nothing sways it is left alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from smallrig import SmallRig, small_rig

from rig.capture import capture_bracket
from rig.capturereport import CaptureReport
from rig.config import CameraSettings
from rig.devices.camera import Exposure
from rig.devices.optical_bench import Mechanics
from rig.plan import plan_bracket
from rig.sway import BLUR_PX, MOST_GAIN, OVER, RING_HZ, Sway, shortened, sway_of

SIZE = (640, 480)
TIMES_S = [0.1 * n for n in range(8)]
AUTO = CameraSettings()


def swinging(hz: float, amplitude_px: float = 4.0) -> np.ndarray:
    """Where the picture lies at TIMES_S."""
    x = amplitude_px * np.sin(2 * math.pi * hz * np.array(TIMES_S) + 0.3)
    return np.stack([x, 0 * x], axis=1)


# --- arithmetic ---------------------------------------------------------------------------------
@pytest.mark.parametrize("hz", [0.3, 0.7, 1.5])
def test_slow_sway_has_the_speed_that_is_seen(hz: float) -> None:
    true = 2 * math.pi * hz * 4.0
    found = sway_of(swinging(hz), TIMES_S)

    assert 0.7 * true <= found.speed_px_s <= 1.6 * true


def test_what_lies_anywhere_from_preview_to_preview_rings_fast() -> None:
    places = np.random.default_rng(4).uniform(-1, 1, (8, 2))
    found = sway_of(places, TIMES_S)

    assert found.speed_px_s >= OVER * math.pi * RING_HZ * found.range_px * 0.99


def test_where_all_motion_is_less_than_half_a_pixel_any_exposure_will_do() -> None:
    sway = sway_of(swinging(19.0, amplitude_px=0.1), TIMES_S)

    assert sway.longest_s == math.inf
    long = Exposure(200_000, 1.0, (1, 1))
    assert shortened(long, AUTO, sway) is long


def test_a_shorter_exposure_is_the_same_light() -> None:
    short = shortened(Exposure(20_000, 1.0, (2.0, 1.5)), AUTO, Sway(9.0, 50.0))

    assert short.exposure_us == pytest.approx(1e6 * BLUR_PX / 50)
    assert short.exposure_us * short.gain == pytest.approx(20_000)
    assert short.colour_gains == (2.0, 1.5)


def test_the_gain_is_raised_only_so_far() -> None:
    assert shortened(Exposure(20_000, 1.0, (1, 1)), AUTO, Sway(90.0, 5000.0)).gain == pytest.approx(MOST_GAIN)
    noisy = Exposure(20_000, 8.0, (1, 1))
    assert shortened(noisy, AUTO, Sway(90.0, 5000.0)) is noisy


@pytest.mark.parametrize("settings", [CameraSettings(exposure_us=20_000), CameraSettings(gain=1.0)])
def test_what_the_settings_name_is_left_as_it_is(settings: CameraSettings) -> None:
    exposure = Exposure(20_000, 1.0, (1, 1))

    assert shortened(exposure, settings, Sway(9.0, 50.0)) is exposure


# --- on the simulated rig -----------------------------------------------------------------------
def shoot(rig: SmallRig, **how: object) -> CaptureReport:
    plan = plan_bracket(rig.settings, 1300, 1302, 1)
    return capture_bracket(
        rig.devices.camera, rig.focuser, plan, rig.settings, rig.sink, clock=rig.clock, **how
    )


def rig_in(wind_um: float, seed: int = 1, **changes: object) -> SmallRig:
    return small_rig(
        "bumpy",
        size_px=SIZE,
        mechanics=Mechanics(wind_um=wind_um),
        seed=seed,
        capture__settle_limit_s=0.5,
        camera__meter_positions=1,
        **changes,
    )


def blur_px(rig: SmallRig, exposure_us: int) -> float:
    """The most that the picture moves on the sensor in an exposure, within two seconds."""
    bench, now_ns = rig.devices.bench, rig.clock.monotonic_ns()
    places = [bench.shift_um_at(now_ns + 2_000_000 * step) for step in range(1000)]
    span = max(round(exposure_us / 2000), 1) + 1
    moved = [np.hypot(*np.ptp(np.array(places[at : at + span]), axis=0)) for at in range(0, 1000 - span, 7)]
    return float(max(moved)) / rig.devices.camera.pixel_um


@pytest.mark.parametrize("seed", [1, 2])
def test_in_wind_the_exposure_blurs_by_about_half_a_pixel_and_the_figures_are_told(seed: int) -> None:
    windy, calm = rig_in(60.0, seed), rig_in(0.0)
    report, plain = shoot(windy), shoot(calm)

    assert report.exposure is not None and plain.exposure is not None
    assert blur_px(windy, plain.exposure.exposure_us) > 0.9
    assert blur_px(windy, report.exposure.exposure_us) < 0.7
    assert report.exposure.exposure_us * report.exposure.gain == pytest.approx(
        plain.exposure.exposure_us * plain.exposure.gain, rel=0.1
    )
    (told,) = [one for one in report.warnings if "sways" in one]
    assert f"exposed for {report.exposure.exposure_us / 1000:.1f} ms" in told


def test_where_nothing_sways_nothing_is_told_and_the_gain_stays_low() -> None:
    report = shoot(rig_in(0.0))

    assert report.warnings == ()
    assert report.exposure is not None and report.exposure.gain == pytest.approx(1.0, rel=0.01)


def test_with_a_fixed_wait_or_a_bracket_gone_on_with_nothing_is_changed() -> None:
    fixed = shoot(rig_in(60.0, capture__settle_mode="fixed"))
    going_on = shoot(rig_in(60.0), exposure=Exposure(20_007, 1.0, (2.0, 1.5)))

    assert fixed.exposure is not None and going_on.exposure is not None
    assert fixed.exposure.gain == going_on.exposure.gain == 1.0
