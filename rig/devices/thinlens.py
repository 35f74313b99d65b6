"""A thin lens: how large a point out of focus becomes, how the picture breathes, what diffraction leaves."""

from __future__ import annotations

from dataclasses import dataclass

WAVELENGTH_UM = 0.55  # green, where eye and sensor are most sensitive


@dataclass(frozen=True)
class ThinLens:
    """A lens focused by moving it against the sensor, described where it is used.

    Depths z are µm along the axis from the plane where the magnification is the nominal one;
    they grow away from the lens. Formulas are the Gaussian lens equation 1/f = 1/u + 1/v.
    """

    magnification: float = 1.0  # at z = 0
    f_number: float = 2.8  # as engraved, i.e. at infinity
    focal_mm: float = 25.0
    breathing: float = 1.0  # 1 = as the lens equation has it; inner focusing makes it less, or negative

    def __post_init__(self) -> None:
        for name in ("magnification", "f_number", "focal_mm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} {getattr(self, name)} is not greater than 0")

    @property
    def effective_f_number(self) -> float:
        """N (1 + m) at the nominal magnification, pupil magnification 1."""
        return self.f_number * (1 + self.magnification)

    @property
    def depth_of_field_um(self) -> float:
        """Quarter-wave depth of field 4 λ N_eff² / m²."""
        return 4 * WAVELENGTH_UM * (self.effective_f_number / self.magnification) ** 2

    @property
    def diffraction_sigma_um(self) -> float:
        """Gaussian nearest to the Airy disk's core, on the sensor: σ = 0.42 λ N_eff."""
        return 0.42 * WAVELENGTH_UM * self.effective_f_number

    def object_distance_um(self, z_um: float = 0.0) -> float:
        """Lens to the plane at depth z: f (1 + 1/m) + z."""
        return self.focal_mm * 1000 * (1 + 1 / self.magnification) + z_um

    def image_distance_um(self, z_focus_um: float) -> float:
        """Lens to sensor when focused at z: v = f u / (u - f)."""
        f_um, u_um = self.focal_mm * 1000, self.object_distance_um(z_focus_um)
        return f_um * u_um / (u_um - f_um)

    def blur_um(self, z_um: float, z_focus_um: float) -> float:
        """Signed diameter on the sensor of the disc a point at z becomes; negative nearer than the focus.

        A cone as wide as the aperture D = f/N converges at the image distance of z, not on the sensor:
        c = D (v_f / u_f) |u - u_f| / u, which near focus is the familiar m² |dz| / N_eff.
        """
        aperture_um = self.focal_mm * 1000 / self.f_number
        u_um, focused_um = self.object_distance_um(z_um), self.object_distance_um(z_focus_um)
        return aperture_um * self.image_distance_um(z_focus_um) / focused_um * (u_um - focused_um) / u_um

    def breathing_scale(self, z_focus_um: float) -> float:
        """Size of the picture when focused at z against its size when focused at 0.

        Chief rays pass the middle of the lens, so every depth scales alike, with the image distance.
        """
        stretch = self.image_distance_um(z_focus_um) / self.image_distance_um(0.0)
        return 1 + self.breathing * (stretch - 1)
