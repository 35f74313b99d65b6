"""Who uses which line of the GPIO header, as the kernel tells it (what `gpioinfo` shows): looks only, takes no line."""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterable
from pathlib import Path

# linux/gpio.h: GPIO_GET_CHIPINFO_IOCTL, GPIO_V2_GET_LINEINFO_IOCTL and the start of what they fill in.
CHIP_INFO = struct.Struct("32s32sI")  # name, label, lines
LINE_INFO = struct.Struct("32s32sIIQ176x")  # name, consumer, offset, attributes, flags; the attributes
GET_CHIP_INFO = 2 << 30 | CHIP_INFO.size << 16 | 0xB4 << 8 | 0x01
GET_LINE_INFO = 3 << 30 | LINE_INFO.size << 16 | 0xB4 << 8 | 0x05
USED = 1
HEADER = "pinctrl-"  # the chips of the header are called pinctrl-bcm2835, pinctrl-bcm2711, pinctrl-rp1
CHIP_VARIABLE = "RPI_LGPIO_CHIP"  # by which rpi-lgpio is told of another one
OWN_NAME = "lg"  # under which lgpio, and so this program, takes its lines


def users(numbers: Iterable[int], dev: Path = Path("/dev")) -> dict[int, str] | None:
    """The lines that somebody has, by BCM number, with the name under which: "" where the kernel has none.

    None where the header's chip is not found, or this user may not look at it.
    """
    for path in _chips(dev):
        try:
            chip = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            _, label, lines = CHIP_INFO.unpack(fcntl.ioctl(chip, GET_CHIP_INFO, bytes(CHIP_INFO.size)))
            if CHIP_VARIABLE in os.environ or label.startswith(HEADER.encode()):
                return dict(_used(chip, [number for number in numbers if number < lines]))
        except OSError:
            continue
        finally:
            os.close(chip)
    return None


def _chips(dev: Path) -> list[Path]:
    if number := os.environ.get(CHIP_VARIABLE):
        return [dev / f"gpiochip{number}"]
    return sorted(dev.glob("gpiochip*"))


def _used(chip: int, numbers: Iterable[int]) -> Iterable[tuple[int, str]]:
    for number in numbers:
        asked = LINE_INFO.pack(b"", b"", number, 0, 0)
        _, consumer, _, _, flags = LINE_INFO.unpack(fcntl.ioctl(chip, GET_LINE_INFO, asked))
        if flags & USED:
            yield number, consumer.split(b"\0")[0].decode(errors="replace")
