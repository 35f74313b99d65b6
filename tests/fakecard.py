"""A camera's card with brackets on it: simulated frames, or those of a folder, with the EXIF of a camera."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import piexif
from brackets import Picture, tilted_plane

START = datetime(2026, 5, 17, 14, 0, 0)


@dataclass
class FakeCard:
    """Frames are named IMG_0001.JPG and so on, in the order they are put on the card."""

    root: Path
    model: str = "Canon EOS R7"
    clock: datetime = START
    count: int = 0
    size: tuple[int, int] = (240, 320)  # (h, w)
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / "DCIM" / "100CANON"
        self.folder.mkdir(parents=True, exist_ok=True)

    def later(self, seconds: float) -> FakeCard:
        """Nothing is shot for a while."""
        self.clock += timedelta(seconds=seconds)
        return self

    def bracket(self, frames: int = 5, every_s: float = 1.0, seed: int = 1, **exif: object) -> list[Path]:
        """A tilted plane, near to far."""
        pictures = tilted_plane(self.size, frames, seed).frames
        return [self.put(picture, every_s, **exif) for picture in pictures]

    def burst(self, frames: int = 4, every_s: float = 1.0, seed: int = 5) -> list[Path]:
        """The same focus again and again."""
        picture = tilted_plane(self.size, 3, seed).frames[1]
        return [self.put(picture, every_s) for _ in range(frames)]

    def put(self, picture: Picture, every_s: float = 1.0, **exif: object) -> Path:
        """One more frame; the clock goes on."""
        path = self._next()
        assert cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
        self._stamp(path, every_s, **exif)
        return path

    def copy(self, frames: Sequence[Path], every_s: float = 1.0, **exif: object) -> list[Path]:
        """The frames of a real bracket, as if this camera had shot them now."""
        copies = []
        for frame in frames:
            path = self._next()
            shutil.copyfile(frame, path)
            self._stamp(path, every_s, **exif)
            copies.append(path)
        return copies

    def _next(self) -> Path:
        self.count += 1
        return self.folder / f"IMG_{self.count:04d}.JPG"

    def _stamp(
        self, path: Path, every_s: float, exposure: tuple[int, int] = (1, 125), iso: int = 200
    ) -> None:
        self.clock += timedelta(seconds=every_s)
        block = piexif.dump(
            {
                "0th": {piexif.ImageIFD.Make: b"Canon", piexif.ImageIFD.Model: self.model.encode()},
                "Exif": {
                    piexif.ExifIFD.DateTimeOriginal: self.clock.strftime("%Y:%m:%d %H:%M:%S").encode(),
                    piexif.ExifIFD.SubSecTimeOriginal: f"{self.clock.microsecond // 10000:02d}".encode(),
                    piexif.ExifIFD.ExposureTime: exposure,
                    piexif.ExifIFD.FNumber: (56, 10),
                    piexif.ExifIFD.ISOSpeedRatings: iso,
                    piexif.ExifIFD.LensModel: b"MP-E65mm f/2.8 1-5x Macro Photo",
                },
            }
        )
        piexif.insert(block, str(path))


def two_brackets(root: Path) -> FakeCard:
    """A card with brackets of 4 and 5 frames, ten minutes apart."""
    card = FakeCard(root)
    card.bracket(4, seed=1)
    card.later(600).bracket(5, seed=2)
    return card


def state_of(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything that can change about the files below a folder, to be compared later."""
    return {
        str(path.relative_to(root)): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }
