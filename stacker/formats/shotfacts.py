"""How a frame was taken, as far as its EXIF says: by what, when, and exposed how."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from stacker.formats.exif import Exif
from stacker.formats.ifd import integer, rational, text
from stacker.formats.metadata import Metadata

_MAKE, _MODEL, _SERIAL, _LENS = 0x010F, 0x0110, 0xA431, 0xA434
_LONGEST = 60  # of a text; a hostile file may hold 64 kB, and colours for a terminal
_EXPOSURE, _F_NUMBER, _ISO, _FOCAL = 0x829A, 0x829D, 0x8827, 0x920A


@dataclass(frozen=True)
class ShotFacts:
    """None or "" where the file says nothing."""

    taken: str | None = None  # "2026:05:17 14:03:22.41", the camera's own clock
    camera: str = ""  # maker and model, "NIKON D3300"
    body: str = ""  # serial number
    lens: str = ""
    focal_mm: float | None = None
    f_number: float | None = None
    exposure_s: float | None = None
    iso: int | None = None

    @property
    def taken_s(self) -> float | None:
        """The moment as seconds on the camera's clock, comparable only with others of that clock."""
        if self.taken is None:
            return None
        moment, _, fraction = self.taken.partition(".")
        fraction = fraction.strip()
        try:
            whole = datetime.strptime(moment, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
            return whole + (float(f"0.{fraction}") if fraction.isdecimal() else 0.0)
        except (ValueError, OverflowError):
            return None

    @property
    def brightness(self) -> float | None:
        """Stops of light that exposure time and sensitivity let in; None when they are not told."""
        if self.exposure_s is None:
            return None
        return math.log2(self.exposure_s * (self.iso or 100))


def shot_facts(metadata: Metadata) -> ShotFacts:
    """What the EXIF of a frame tells of its taking; empty where it tells nothing."""
    exif = Exif.parse(metadata.exif or b"")
    main, camera, order = exif.main, exif.camera, exif.order
    make, model = _shown(text(main.get(_MAKE))), _shown(text(main.get(_MODEL)))
    named = (
        model if model.casefold().startswith(make.casefold().partition(" ")[0]) else f"{make} {model}".strip()
    )
    return ShotFacts(
        taken=_shown(metadata.taken) or None,
        camera=named,
        body=_shown(text(camera.get(_SERIAL))),
        lens=_shown(text(camera.get(_LENS))),
        focal_mm=rational(camera.get(_FOCAL), order),
        f_number=rational(camera.get(_F_NUMBER), order),
        exposure_s=rational(camera.get(_EXPOSURE), order),
        iso=integer(camera.get(_ISO), order, 0) or None,
    )


def _shown(value: str | None) -> str:
    return "".join(letter for letter in value or "" if letter.isprintable())[:_LONGEST].strip()
