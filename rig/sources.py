"""Where frames of other cameras may be read from: folders of the settings, and cards that are mounted now."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rig.config import SourceSettings
from rig.errors import NoSuchSourceError
from rig.saying import say

SOURCE_ID = re.compile(r"s[0-9a-f]{8}")
MOUNT_POINTS = ("/media", "/run/media", "/mnt")  # where desktops and people mount cards
# Of them, only what can be pulled out; the others are disks of the computer.
REMOVABLE_PATHS = ("/usb", "/mmc_host/")


@dataclass(frozen=True)
class Source:
    """A place to read frames from. Pages know its id; its path never leaves the rig."""

    id: str  # "s3f2a91c0": the same for the same place
    name: str
    kind: Literal["folder", "card"]
    root: Path
    mark: str  # another card at the same place has another one


@dataclass(frozen=True)
class Mounts:
    """What the kernel tells of mounted file systems; other paths in tests."""

    table: Path = Path("/proc/self/mountinfo")
    devices: Path = Path("/sys/dev/block")
    below: tuple[str, ...] = MOUNT_POINTS

    def cards(self) -> Iterator[tuple[Path, str]]:
        """Mount point, and the line that tells of it, of every card or stick that can be pulled out."""
        lines = _lines(self.table)
        system = {self._disk(device) for point, device, _ in lines if str(point) == "/"}
        for point, device, told in lines:
            inside = any(point.is_relative_to(top) and str(point) != top for top in self.below)
            disk = self._disk(device) if inside else None
            if disk is not None and disk not in system and _can_be_pulled(disk):
                yield point, told

    def _disk(self, device: str) -> Path | None:
        """The disk that a device number "8:1" lies on; None for a network drive or a memory disk."""
        try:
            place = (self.devices / device).resolve(strict=True)
        except OSError:
            return None
        return place.parent if (place / "partition").exists() else place


def _can_be_pulled(disk: Path) -> bool:
    return _first_line(disk / "removable") == "1" or any(part in f"{disk}/" for part in REMOVABLE_PATHS)


class Sources:
    """The sources there are at this moment."""

    def __init__(self, settings: SourceSettings, mounts: Mounts | None = None) -> None:
        self._settings = settings
        self._mounts = mounts or Mounts()

    def now(self) -> tuple[Source, ...]:
        """Folders of the settings first, then cards; what is not there is left out."""
        found = [self._folder(Path(name).expanduser()) for name in self._settings.folders]
        if self._settings.removable:
            found += [self._card(point, told) for point, told in self._mounts.cards()]
        return tuple({source.id: source for source in found if source is not None}.values())

    def find(self, source_id: str) -> Source:
        """Raises NoSuchSourceError when it is not there (any more)."""
        for source in self.now():
            if source.id == source_id:
                return source
        raise NoSuchSourceError(
            say("card.no_source", "there is no source {id}: was the card taken out?", id=repr(source_id[:20]))
        )

    def named(self, text: str) -> Source:
        """The source of this id or name, or the folder at this path. Raises NoSuchSourceError."""
        for source in self.now():
            if text in (source.id, source.name):
                return source
        folder = self._folder(Path(text).expanduser())
        if folder is None:
            known = ", ".join(source.name for source in self.now()) or "none mounted or configured"
            raise NoSuchSourceError(
                say(
                    "card.not_named",
                    "{name} is neither a folder nor a known source ({known})",
                    name=repr(text),
                    known=known,
                )
            )
        return folder

    def _folder(self, path: Path) -> Source | None:
        try:
            root = path.resolve(strict=True)
        except OSError:
            return None
        if not root.is_dir():
            return None
        return Source(place_id("folder", root), shown_name(root.name), "folder", root, "")

    def _card(self, point: Path, told: str) -> Source | None:
        try:
            room = os.statvfs(point)
        except OSError:
            return None
        mark = hashlib.sha256(f"{told} {room.f_blocks} {room.f_bfree}".encode()).hexdigest()[:8]
        return Source(place_id("card", point), shown_name(point.name), "card", point, mark)


def shown_name(name: str) -> str:
    """A file's or card's name as it may be shown: nothing unprintable, not endless."""
    plain = name.encode("utf-8", "replace").decode("utf-8")
    return "".join(letter if letter.isprintable() else "?" for letter in plain)[:60] or "?"


def place_id(kind: str, root: Path) -> str:
    """What pages call a place by: the same for the same place, and nothing can be read from it."""
    return "s" + hashlib.sha256(f"{kind} {root}".encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _lines(table: Path) -> list[tuple[Path, str, str]]:
    """Mount point, device number and the whole line of every mount; proc_pid_mountinfo(5)."""
    try:
        text = table.read_bytes().decode("utf-8", "surrogateescape")
    except OSError:
        return []
    mounts = []
    for line in text.splitlines():
        fields = line.split(" ")
        if len(fields) > 4:
            point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
            mounts.append((Path(point), fields[2], line))
    return mounts


def _first_line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
