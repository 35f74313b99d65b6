"""EXIF and colour profile: read from a frame, made true for the result."""

from __future__ import annotations

from dataclasses import dataclass, replace

from stacker.formats import exif as tags
from stacker.formats.exif import Exif
from stacker.formats.ifd import ascii_entry, integer, long_entry, short_entry, text
from stacker.version import VERSION

PROGRAM = "Fieldstack"
_RGB_PROFILE = b"RGB "  # colour space of a profile, bytes 16..19 of its header (ICC.1, 7.2.6)


@dataclass(frozen=True)
class Metadata:
    """What a picture file carries besides its pixels; None where it carries nothing.

    exif: the EXIF block from its byte-order mark on (without "Exif\\0\\0"); icc: the ICC profile; xmp: the XMP
    packet. That of a frame is not read: it says how the frame was developed, which is no longer true.
    """

    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None

    @property
    def orientation(self) -> int:
        """EXIF orientation 1..8; 1 when the tag is absent or makes no sense."""
        exif = Exif.parse(self.exif or b"")
        value = integer(exif.main.get(tags.ORIENTATION), exif.order, 1)
        return value if 1 <= value <= 8 else 1

    @property
    def written_by_us(self) -> bool:
        """Whether the picture is a result of this program, by the name of the software in its EXIF."""
        software = text(Exif.parse(self.exif or b"").main.get(tags.SOFTWARE))
        return software is not None and software.startswith(PROGRAM)

    @property
    def taken(self) -> str | None:
        """When the frame was exposed, "2026:05:17 14:03:22.41" (sorts as text), or None."""
        exif = Exif.parse(self.exif or b"")
        moment = text(exif.camera.get(tags.DATE_TIME_ORIGINAL)) or text(exif.main.get(tags.DATE_TIME))
        if not moment or not moment[:4].isdigit():
            return None
        return f"{moment}.{text(exif.camera.get(tags.SUBSECOND_ORIGINAL)) or '0'}"


def software_name() -> str:
    """The name and version written into results, "Fieldstack 0.1.0"."""
    return f"{PROGRAM} {VERSION}"


def result_metadata(of_frame: Metadata, shape: tuple[int, int], description: str | None = None) -> Metadata:
    """The metadata of a fused picture: the camera's facts and colour profile, without what is no longer true.

    shape: (h, w) of the result. Orientation becomes 1 (the pixels are upright), the size is the result's, the
    thumbnail and the maker's note are gone, Software says who wrote it; description replaces
    ImageDescription. A profile of another colour space (grey frames have one) does not fit the result, which is
    RGB, and is dropped.
    """
    exif = Exif.parse(of_frame.exif or b"")
    main = exif.main | {
        tags.ORIENTATION: short_entry(exif.order, 1),
        tags.SOFTWARE: ascii_entry(software_name()),
    }
    if description:
        main[tags.IMAGE_DESCRIPTION] = ascii_entry(description)
    camera = exif.camera | {
        tags.PIXEL_WIDTH: long_entry(exif.order, shape[1]),
        tags.PIXEL_HEIGHT: long_entry(exif.order, shape[0]),
    }
    icc = of_frame.icc if of_frame.icc and of_frame.icc[16:20] == _RGB_PROFILE else None
    return replace(of_frame, exif=replace(exif, main=main, camera=camera).pack(), icc=icc)
