"""The lens of the settings: what rig.optics says of it."""

from __future__ import annotations

from rig.config import OpticsSettings
from rig.optics import (
    airy_diameter_um,
    depth_of_field_classic_um,
    depth_of_field_wave_um,
    effective_f_number,
)


def working_f_number(optics: OpticsSettings) -> float:
    """The effective f-number at the magnification set."""
    return effective_f_number(optics.f_number, optics.magnification, optics.pupil_ratio)


def diffraction_spot_um(optics: OpticsSettings) -> float:
    """Width of a point on the sensor."""
    return airy_diameter_um(working_f_number(optics), optics.wavelength_um)


def depth_of_field_um(optics: OpticsSettings) -> float:
    """The depth that one frame holds, by the criterion chosen."""
    effective = working_f_number(optics)
    wave = depth_of_field_wave_um(optics.magnification, effective, optics.wavelength_um)
    if optics.depth == "wave":
        return wave
    return max(wave, depth_of_field_classic_um(optics.magnification, effective, optics.confusion_um))


def focus_step_um(optics: OpticsSettings) -> float:
    """Distance between neighbouring frames: depth of field times (1 - overlap)."""
    return depth_of_field_um(optics) * (1 - optics.overlap)
