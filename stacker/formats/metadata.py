"""EXIF and colour profile: read from a frame, made true for the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version

from stacker.formats import exif as tags
from stacker.formats.exif import Exif
from stacker.formats.ifd import ascii_entry, integer, long_entry, short_entry, text


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
    def taken(self) -> str | None:
        """When the frame was exposed, "2026:05:17 14:03:22.41" (sorts as text), or None."""
        exif = Exif.parse(self.exif or b"")
        moment = text(exif.camera.get(tags.DATE_TIME_ORIGINAL)) or text(exif.main.get(tags.DATE_TIME))
        if not moment or not moment[:4].isdigit():
            return None
        return f"{moment}.{text(exif.camera.get(tags.SUBSECOND_ORIGINAL)) or '0'}"


def software_name() -> str:
    """The name and version written into results, "Fieldstack 0.1.0"."""
    try:
        return f"Fieldstack {version('fieldstack')}"
    except PackageNotFoundError:  # run from a copy of the sources
        return "Fieldstack"


def result_metadata(of_frame: Metadata, shape: tuple[int, int], description: str | None = None) -> Metadata:
    """The metadata of a fused picture: the camera's facts and colour profile, without what is no longer true.

    shape: (h, w) of the result. Orientation becomes 1 (the pixels are upright), the size is the result's, the
    thumbnail and the maker's note are gone, Software says who wrote it; description replaces
    ImageDescription.
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
    return replace(of_frame, exif=replace(exif, main=main, camera=camera).pack())
