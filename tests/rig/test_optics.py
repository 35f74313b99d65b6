"""Optics against published figures and against its own laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.config import OpticsSettings
from rig.lens import depth_of_field_um, focus_step_um
from rig.optics import (
    airy_diameter_um,
    depth_of_field_classic_um,
    depth_of_field_wave_um,
    effective_f_number,
    frame_count,
    numerical_aperture,
    steps_to_um,
    um_to_steps,
)


def test_wave_depth_is_the_published_figure_at_life_size_and_f_32() -> None:
    assert depth_of_field_wave_um(1.0, 32.0) == pytest.approx(2253, abs=0.5)


@pytest.mark.parametrize(
    ("magnification", "f_number", "effective", "classic_um", "wave_um"),
    [
        (0.1, 4.0, 4.4, 2_728, 4_259),
        (0.5, 4.0, 6.0, 149, 317),
        (1.0, 5.6, 11.2, 69, 276),
    ],
)
def test_worked_examples(
    magnification: float, f_number: float, effective: float, classic_um: float, wave_um: float
) -> None:
    found = effective_f_number(f_number, magnification)

    assert found == pytest.approx(effective)
    assert depth_of_field_classic_um(magnification, found, 3.1) == pytest.approx(classic_um, rel=0.01)
    assert depth_of_field_wave_um(magnification, found) == pytest.approx(wave_um, rel=0.01)


@pytest.mark.parametrize(("magnification", "classic_um", "wave_um"), [(4, 7.8, 55), (10, 1.2, 8.8)])
def test_objectives_at_effective_f_20(magnification: float, classic_um: float, wave_um: float) -> None:
    assert depth_of_field_classic_um(magnification, 20, 3.1) == pytest.approx(classic_um, rel=0.05)
    assert depth_of_field_wave_um(magnification, 20) == pytest.approx(wave_um, rel=0.01)


def test_wave_depth_is_wavelength_over_aperture_squared() -> None:
    aperture = numerical_aperture(4.0, 20.0)

    assert aperture == pytest.approx(0.1)
    assert depth_of_field_wave_um(4.0, 20.0) == pytest.approx(0.55 / aperture**2)


def test_airy_disk_covers_two_pixels_of_the_sensor_from_f_2_3() -> None:
    assert airy_diameter_um(2.31) == pytest.approx(2 * 1.55, rel=0.01)


def test_pupil_ratio_above_one_lessens_the_loss_of_light() -> None:
    assert effective_f_number(4.0, 1.0, pupil_ratio=2.0) == 6.0


def test_economy_takes_the_larger_depth() -> None:
    optics = OpticsSettings(magnification=1.0, f_number=1.4, depth="economy", confusion_um=10)

    assert depth_of_field_um(optics) == pytest.approx(2 * 2.8 * 10)


@given(st.floats(0.05, 20), st.floats(1, 32))
def test_economy_never_takes_more_frames_than_wave(magnification: float, f_number: float) -> None:
    wave = OpticsSettings(magnification=magnification, f_number=f_number, depth="wave")
    economy = OpticsSettings(magnification=magnification, f_number=f_number, depth="economy")

    assert depth_of_field_um(economy) >= depth_of_field_um(wave)


@given(st.floats(0, 0.9))
def test_neighbours_share_the_overlap(overlap: float) -> None:
    optics = OpticsSettings(overlap=overlap)
    depth = depth_of_field_um(optics)

    assert depth - focus_step_um(optics) == pytest.approx(overlap * depth, abs=1e-9)


@pytest.mark.parametrize(
    ("depth", "step", "frames"), [(0, 5, 1), (1, 5, 2), (10, 5, 3), (11, 5, 4), (0.3, 0.1, 4)]
)
def test_frame_count_covers_both_ends(depth: float, step: float, frames: int) -> None:
    assert frame_count(depth, step) == frames


@given(st.integers(-(10**6), 10**6), st.floats(1e-3, 1e3))
def test_steps_survive_the_way_to_um_and_back(steps: int, steps_per_um: float) -> None:
    assert um_to_steps(steps_to_um(steps, steps_per_um), steps_per_um) == steps
