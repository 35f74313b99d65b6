"""Pure optics: depth of field, diffraction, focus step, steps <-> µm.

Symbols: m magnification, N f-number as engraved, p pupil ratio, N_e effective f-number, λ wavelength.
All depths are at the subject, all lengths in µm. Check values: docs/optics.md.
"""

from __future__ import annotations

import math

IMX477_PIXEL_UM = 1.55  # pixel pitch of the HQ camera


def effective_f_number(f_number: float, magnification: float, pupil_ratio: float = 1.0) -> float:
    """N_e = N (1 + m / p): what the sensor sees of the lens at this magnification."""
    return f_number * (1 + magnification / pupil_ratio)


def numerical_aperture(magnification: float, effective: float) -> float:
    """NA = m / (2 N_e) on the subject's side."""
    return magnification / (2 * effective)


def depth_of_field_wave_um(magnification: float, effective: float, wavelength_um: float = 0.55) -> float:
    """4 λ N_e² / m²: within it the wavefront errs by less than a quarter wave.

    Independent of sensor and print size, therefore the safe depth. Zerene Stacker's table gives
    2.253 mm at m = 1, N_e = 32, λ = 0.55 µm.
    """
    return 4 * wavelength_um * effective**2 / magnification**2


def depth_of_field_classic_um(magnification: float, effective: float, confusion_um: float) -> float:
    """2 N_e c / m²: the geometric depth within which the blur spot stays below c on the sensor.

    Where it is less than the wave depth it means nothing: diffraction already blurs more than c.
    """
    return 2 * effective * confusion_um / magnification**2


def airy_diameter_um(effective: float, wavelength_um: float = 0.55) -> float:
    """2.44 λ N_e: diameter of the diffraction spot on the sensor."""
    return 2.44 * wavelength_um * effective


def frame_count(depth: float, step: float) -> int:
    """ceil(depth / step) + 1: frames needed so that both ends are covered. Same unit for both; step > 0.

    A quotient within rounding error of a whole number counts as whole: 0.3 / 0.1 is three steps.
    """
    return math.ceil(depth / step * (1 - 1e-9)) + 1


def um_to_steps(length_um: float, steps_per_um: float) -> int:
    """Whole motor steps nearest to a length, negative towards near."""
    return round(length_um * steps_per_um)


def steps_to_um(steps: int, steps_per_um: float) -> float:
    """Length of a number of motor steps, in µm at the subject."""
    return steps / steps_per_um
