"""Where brackets may be copied to: sticks that can be pulled out, folders of the settings; never a camera's card."""

from __future__ import annotations

import os
import pwd
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rig.config import Settings
from rig.durable import free_bytes
from rig.errors import NoSuchTargetError
from rig.saying import Said, say
from rig.sources import Mounts, place_id, shown_name

CAMERA_FOLDERS = ("DCIM", "dcim")  # on FAT the same; what a camera has written to is left as it is
FAT = {"vfat", "msdos"}
OWNED_BY_MOUNTING = FAT | {
    "exfat",
    "ntfs",
    "ntfs3",
    "fuseblk",
}  # who may write there is said when it is mounted
MOST_ON_FAT = 2**32 - 1  # bytes in one file


@dataclass(frozen=True)
class Target:
    """A place to copy to. Pages know its id; its path never leaves the rig."""

    id: str  # "s3f2a91c0": the same for the same place
    name: str
    kind: Literal["stick", "folder"]
    root: Path
    mark: str  # changes when it is pulled out or mounted again
    largest_file: int | None  # bytes; None: no limit of its own
    problem: Said | None  # why nothing can be written, and what to do; None: it can

    @property
    def free(self) -> int:
        """Bytes that may still be written there."""
        try:
            return free_bytes(self.root)
        except OSError:
            return 0


class Targets:
    """The targets there are at this moment."""

    def __init__(self, settings: Settings, mounts: Mounts | None = None) -> None:
        self._settings = settings
        self._mounts = mounts or Mounts()

    def now(self) -> tuple[Target, ...]:
        """Sticks first, then folders of the settings; what is not there or is a camera's card is left out."""
        found = []
        if self._settings.sources.removable:
            found += [_stick(point, told) for point, told in self._mounts.cards()]
        found += [folder_target(Path(name).expanduser()) for name in self._settings.store.copy_to]
        return tuple({target.id: target for target in found if target is not None}.values())

    def find(self, target_id: str) -> Target:
        """Raises NoSuchTargetError when it is not there (any more)."""
        for target in self.now():
            if target.id == target_id:
                return target
        raise NoSuchTargetError(
            say(
                "copy.no_target",
                "there is no stick {id} to copy to: was it pulled out?",
                id=repr(target_id[:20]),
            )
        )


def _stick(point: Path, told: str) -> Target | None:
    """A stick by its line in the mount table, see proc_pid_mountinfo(5)."""
    if is_card(point):
        return None
    mount, _, system = told.partition(" - ")
    kind, device, options = [*system.split(" "), "", "", ""][:3]
    name = shown_name(point.name)
    problem = None
    if "rw" not in mount.split(" ")[5].split(",") or "rw" not in options.split(","):
        how = _how_to_mount(kind, device)
        problem = say(
            "copy.read_only", "{name} is mounted read-only; to copy to it: {how}", name=name, how=how
        )
    elif not _may_write(point):
        how = _how_to_mount(kind, device)
        problem = say(
            "copy.not_mine", "{name} is mounted for another user; to copy to it: {how}", name=name, how=how
        )
    largest = MOST_ON_FAT if kind in FAT else None
    return Target(place_id("card", point), name, "stick", point, told, largest, problem)


def folder_target(path: Path) -> Target | None:
    """A folder to copy to; None where there is none, or it is on a camera's card."""
    try:
        root = path.resolve(strict=True)
    except OSError:
        return None
    mount = next(one for one in (root, *root.parents) if one.is_mount())
    if not root.is_dir() or is_card(root) or is_card(mount):
        return None
    name, problem = shown_name(root.name), None
    if not _may_write(root):
        problem = say(
            "copy.folder_not_mine", "{name} cannot be written by the user {user}", name=name, user=_user()
        )
    return Target(place_id("copies", root), name, "folder", root, "", None, problem)


def is_card(root: Path) -> bool:
    """Whether a camera has written there."""
    return any(os.path.lexists(root / name) for name in CAMERA_FOLDERS)


def _may_write(root: Path) -> bool:
    return os.access(root, os.W_OK | os.X_OK, effective_ids=True)


def _how_to_mount(kind: str, device: str) -> str:
    """The command for a terminal that makes a stick the rig's to write on."""
    device = shown_name(re.sub(r"[^\w/.:-]", "?", device))
    owned = kind in OWNED_BY_MOUNTING
    options = f"rw,uid={_user()}" if owned else "rw"
    command = f"sudo umount {device}; sudo mount -m -o {options} {device} /mnt/stick"
    return command if owned else f"{command}; sudo chown {_user()} /mnt/stick"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
