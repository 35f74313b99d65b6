"""A computer's mounts and block devices as its kernel would tell them, below a folder of the test."""

from __future__ import annotations

from pathlib import Path

from rig.config import SourceSettings
from rig.sources import Mounts, Sources


class Computer:
    """Nothing is mounted at first but the card that the system runs from."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.lines = ["22 1 179:2 / / rw,noatime - ext4 /dev/root rw"]
        self.devices = root / "sys/dev/block"
        self.devices.mkdir(parents=True)
        self.disk("179:2", "platform/mmc_host/mmc0/block/mmcblk0", partition=True, removable=False)

    def disk(self, device: str, place: str, *, partition: bool, removable: bool) -> None:
        disk = self.root / "sys/devices" / place
        at = disk / f"p{device.partition(':')[2]}" if partition else disk
        at.mkdir(parents=True, exist_ok=True)
        (disk / "removable").write_text(f"{int(removable)}\n")
        if partition:
            (at / "partition").write_text("1\n")
        (self.devices / device).symlink_to(at)

    def mount(
        self,
        device: str,
        below: str = "media/pi",
        name: str = "EOS_DIGITAL",
        options: str = "ro",
        kind: str = "vfat",
    ) -> Path:
        point = self.root / below / name
        point.mkdir(parents=True, exist_ok=True)
        escaped = str(point).replace(" ", "\\040")
        self.lines.append(f"90 22 {device} / {escaped} {options},nosuid - {kind} /dev/x {options}")
        self.write()
        return point

    def stick(self, name: str = "STICK", options: str = "rw", kind: str = "vfat", number: int = 1) -> Path:
        """A stick in a USB socket, mounted."""
        self.disk(f"8:{number}", f"usb1/1-{number}/host0/block/sd{number}", partition=True, removable=True)
        return self.mount(f"8:{number}", name=name, options=options, kind=kind)

    def pull_out(self) -> None:
        """What was mounted last is there no more."""
        self.lines.pop()
        self.write()

    def write(self) -> None:
        """Tell it as the kernel does, at once and whole."""
        new = self.root / "mountinfo.new"
        new.write_text("\n".join(self.lines) + "\n")
        new.rename(self.root / "mountinfo")

    @property
    def mounts(self) -> Mounts:
        self.write()
        below = tuple(str(self.root / top) for top in ("media", "run/media", "mnt"))
        return Mounts(self.root / "mountinfo", self.devices, below)

    def sources(self, **settings: object) -> Sources:
        return Sources(SourceSettings(**settings), self.mounts)
