"""Lenses that people use, by name: what they need to be planned with. The one list, for command line and phone."""

from __future__ import annotations

from dataclasses import dataclass

from rig.errors import ConfigError
from rig.saying import say


@dataclass(frozen=True)
class LensPreset:
    """A lens, or a scale at which one is used."""

    name: str  # as it is typed
    title: str  # as it is shown
    magnification: float
    f_number: float

    @property
    def settings(self) -> dict[str, float]:
        """The settings it stands for, by dotted name."""
        return {"optics.magnification": self.magnification, "optics.f_number": self.f_number}


def _objective(magnification: float, aperture: float) -> LensPreset:
    """A microscope's objective: at its magnification it works at N_e = m / (2 NA), so N = N_e / (1 + m)."""
    f_number = round(magnification / (2 * aperture * (1 + magnification)), 3)
    return LensPreset(
        f"{magnification:g}x", f"{magnification:g}× · NA {aperture:.2f}", magnification, f_number
    )


LENSES = (
    LensPreset("1:10", "1:10 · f/5.6", 0.1, 5.6),  # a C-mount lens at its nearest
    LensPreset("1:4", "1:4 · f/8", 0.25, 8),
    LensPreset("1:2", "1:2 · f/8", 0.5, 8),
    LensPreset("1:1", "1:1 · f/5.6", 1, 5.6),
    LensPreset("2:1", "2:1 · f/4", 2, 4),
    _objective(4, 0.10),
    _objective(10, 0.25),
)


def find_lens(name: str) -> LensPreset:
    """The lens of this name, whatever the case. Raises ConfigError with the names there are."""
    for lens in LENSES:
        if lens.name == name.strip().lower().replace("×", "x"):
            return lens
    raise ConfigError(
        say(
            "settings.no_such_lens",
            "lens {name} is not one of {known}",
            name=repr(name),
            known=", ".join(lens.name for lens in LENSES),
        )
    )
