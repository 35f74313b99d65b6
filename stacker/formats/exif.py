"""An EXIF block as three tag directories; a TIFF file begins with the same."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from stacker.formats.ifd import (
    LONG,
    Block,
    Directory,
    Entry,
    byte_order,
    first_directory,
    integer,
    read_directory,
    write_directory,
)

IMAGE_DESCRIPTION, ORIENTATION, SOFTWARE, DATE_TIME = 0x010E, 0x0112, 0x0131, 0x0132
DATE_TIME_ORIGINAL, SUBSECOND_ORIGINAL = 0x9003, 0x9291
PIXEL_WIDTH, PIXEL_HEIGHT = 0xA002, 0xA003
_CAMERA, _PLACE = 0x8769, 0x8825  # pointers from IFD0 to the EXIF and the GPS directory

# Kept from IFD0: what was photographed, with what, by whom. The other tags of IFD0 describe how the pixels of
# the frame's own file are stored, and would be wrong in the result.
_KEPT_IN_MAIN = {IMAGE_DESCRIPTION, 0x010F, 0x0110, ORIENTATION, SOFTWARE, DATE_TIME, 0x013B, 0x8298}
# Dropped from the EXIF directory: MakerNote (its offsets hold only in the file it was written into), the
# pointer to the interoperability directory, and a padding tag of Windows.
_DROPPED_IN_CAMERA = {0x927C, 0xA005, 0xEA1C}


@dataclass(frozen=True)
class Exif:
    """The directories of an EXIF block: of the picture (IFD0), of the camera's settings, of the place.

    order: byte order of the values, '<' or '>'.
    """

    order: str = ">"
    main: Directory = field(default_factory=dict)
    camera: Directory = field(default_factory=dict)
    place: Directory = field(default_factory=dict)

    @classmethod
    def parse(cls, block: Block) -> Exif:
        """The directories of a block (or a whole TIFF file); empty ones where it is broken."""
        order = byte_order(block)
        if order is None:
            return cls()
        main = first_directory(block)
        camera = read_directory(block, integer(main.get(_CAMERA), order, 0))
        place = read_directory(block, integer(main.get(_PLACE), order, 0))
        return cls(
            order,
            {tag: entry for tag, entry in main.items() if tag in _KEPT_IN_MAIN},
            {tag: entry for tag, entry in camera.items() if tag not in _DROPPED_IN_CAMERA},
            place,
        )

    def pack(self) -> bytes:
        """The block as bytes of even length; this depends on the sizes of the tags, not on their values."""
        wanted = [(tag, each) for tag, each in ((_CAMERA, self.camera), (_PLACE, self.place)) if each]
        main = self.main | {tag: Entry(LONG, 1, b"\0\0\0\0") for tag, _ in wanted}
        offset = 8 + len(write_directory(main, self.order, 8))
        behind = b""
        for tag, directory in wanted:
            main[tag] = Entry(LONG, 1, struct.pack(self.order + "I", offset + len(behind)))
            behind += write_directory(directory, self.order, offset + len(behind))
        start = b"II*\0" if self.order == "<" else b"MM\0*"
        return start + struct.pack(self.order + "I", 8) + write_directory(main, self.order, 8) + behind
