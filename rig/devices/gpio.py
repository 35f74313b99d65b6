"""The lines of the GPIO header, by BCM number: the only file that imports RPi.GPIO.

The package rpi-lgpio provides that module on every Pi and kernel. Its lines belong to one process: a
process forked after the import finds them busy, so start helpers with spawn.
"""

from __future__ import annotations

import atexit
import importlib
import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from rig.devices.gpiolines import users
from rig.errors import GpioError, LineBusyError
from rig.saying import say

Pull = Literal["up", "down", "none"]

# From this kernel on the GPIO numbers of sysfs start at 512, and RPi.GPIO 0.7.1 gets no edges any more.
_FIRST_KERNEL_WITHOUT_SYSFS_EDGES = (6, 6)


class _Line:
    def __init__(self, library: Any, number: int, what: str) -> None:
        self.number, self.what = number, what
        self._library = library

    def _try(self, verb: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return call(self.number, *args, **options)
        except Exception as error:  # lgpio.error is a plain Exception
            raise GpioError(
                say(
                    "gpio.line",
                    "GPIO {number} ({what}) cannot be {verb}: {why}",
                    number=self.number,
                    what=self.what,
                    verb=verb,
                    why=error,
                )
            ) from error


class OutputLine(_Line):
    """A line driven by the rig. `safe` is the level it is left at on every exit path."""

    def __init__(self, library: Any, number: int, what: str, safe: int) -> None:
        super().__init__(library, number, what)
        self.safe = safe
        self._ending = False

    def write(self, level: int) -> None:
        """Drive the line high (1) or low (0). Raises GpioError."""
        self._try("driven", self._library.output, self.safe if self._ending else level)

    def end(self) -> None:
        """Safe for good: a thread that still works while the process ends changes nothing. Raises GpioError."""
        self._ending = True
        self.write(self.safe)


class InputLine(_Line):
    """A line read by the rig."""

    def read(self) -> int:
        """The level now, 0 or 1. Raises GpioError."""
        return int(self._try("read", self._library.input))

    def watch(self, changed: Callable[[], None], debounce_ms: int) -> None:
        """Call changed, on the library's thread, once the line has rested at a new level for debounce_ms.

        The callback must not raise: the library prints such errors and forgets them. Raises GpioError.
        """
        self._try(
            "watched",
            self._library.add_event_detect,
            self._library.BOTH,
            callback=lambda _: changed(),
            bouncetime=debounce_ms,
        )


class Gpio:
    """The lines one rig uses: every output is safe after close() and at Python's own exit.

    Signals that end a process without either are not heard here, for lines are opened on the rig's thread and Python
    tells signals to the main thread alone: rig.commands.signals makes them end in order.
    library: a module with the API of RPi.GPIO; None imports the real one. Raises GpioError.
    """

    def __init__(self, library: Any = None) -> None:
        self._library = library if library is not None else load_library()
        self._outputs: list[OutputLine] = []
        self._freed_at_close: list[int] = []
        try:
            self._library.setwarnings(False)
            self._library.setmode(self._library.BCM)
        except Exception as error:
            raise GpioError(
                say(
                    "gpio.chip",
                    "the GPIO chip cannot be opened: {why}; is the user in the group gpio?",
                    why=error,
                )
            ) from error
        _open.add(self)
        atexit.unregister(make_all_safe)  # once, and before whatever was registered sooner: the library's own
        atexit.register(make_all_safe)

    def output(
        self, number: int, what: str, *, initial: int, safe: int | None = None, keep: bool = False
    ) -> OutputLine:
        """Take a line and drive it at once to `initial`, without a glitch in between.

        what: its purpose, for error messages. safe: level on exit, `initial` when None.
        keep: stay driven after close() until the process ends, for a line that must not float.
        """
        self._claim(number, what, self._library.OUT, initial=initial)
        line = OutputLine(self._library, number, what, initial if safe is None else safe)
        self._outputs.append(line)
        if keep:
            kept_here.add(number)
        else:
            self._freed_at_close.append(number)
        return line

    def input(self, number: int, what: str, *, pull: Pull) -> InputLine:
        """Take a line to read it, with the Pi's own pull resistor (about 50 kΩ)."""
        pulls = {"up": self._library.PUD_UP, "down": self._library.PUD_DOWN, "none": self._library.PUD_OFF}
        self._claim(number, what, self._library.IN, pull_up_down=pulls[pull])
        self._freed_at_close.append(number)
        return InputLine(self._library, number, what)

    def make_safe(self) -> None:
        """Drive every output to its safe level, even when some of them fail."""
        for line in self._outputs:
            with suppress(GpioError):
                line.write(line.safe)

    def end(self) -> None:
        """As make_safe(), for good."""
        for line in self._outputs:
            with suppress(GpioError):
                line.end()

    def close(self) -> None:
        """Make the outputs safe and give the lines back, except those to be kept. Safe to call twice."""
        self.make_safe()
        if self._freed_at_close:
            self._library.cleanup(self._freed_at_close)
        self._outputs, self._freed_at_close = [], []
        _open.discard(self)

    def _claim(self, number: int, what: str, direction: int, **how: int) -> None:
        try:
            self._library.setup(number, direction, **how)
        except Exception as error:
            raise _not_claimed(number, what, error) from error


kept_here: set[int] = set()  # lines that this process keeps driving after close(), and may take again
_open: set[Gpio] = set()  # whose outputs are to be safe when the process ends


def make_all_safe() -> None:
    """Every output of this process at its safe level, for good: the process ends."""
    for gpio in list(_open):
        gpio.end()


def load_library() -> Any:
    """The module RPi.GPIO, checked to be one that works here. Raises GpioError saying what to install."""
    _give_lgpio_a_folder()
    here = Path.cwd()
    try:
        library = importlib.import_module("RPi.GPIO")
    except ImportError as error:
        raise GpioError(
            say(
                "gpio.no_module",
                "the Python module RPi.GPIO is not installed: sudo apt install python3-rpi-lgpio",
            )
        ) from error
    except Exception as error:  # whatever the library makes of the board it finds
        raise GpioError(
            say("gpio.no_header", "this computer has no GPIO header that RPi.GPIO knows: {why}", why=error)
        ) from error
    finally:
        os.chdir(here)  # the import moves the whole process to LG_WD, away from the user's relative paths
    if is_outdated(library, platform.release()):
        raise GpioError(
            say(
                "gpio.outdated",
                "RPi.GPIO {version} does not work with kernel {kernel}: replace it by rpi-lgpio (pip "
                "uninstall RPi.GPIO; sudo apt install python3-rpi-lgpio)",
                version=library.VERSION,
                kernel=platform.release(),
            )
        )
    return library


def is_outdated(library: Any, kernel_release: str) -> bool:
    """True for the original RPi.GPIO on a kernel where its edge detection fails (6.6 and later).

    kernel_release: as uname gives it, "6.12.25+rpt-rpi-v8". rpi-lgpio is told by the lgpio it uses; its
    VERSION claims to be RPi.GPIO's.
    """
    major, minor = (int(part) for part in kernel_release.split("-")[0].split(".")[:2])
    return not hasattr(library, "lgpio") and (major, minor) >= _FIRST_KERNEL_WITHOUT_SYSFS_EDGES


def _give_lgpio_a_folder() -> None:
    """Point LG_WD to a private folder: importing lgpio makes a FIFO in the working directory, which may
    be read-only, or hold the FIFO of the same name of another process."""
    if "LG_WD" in os.environ:
        return
    runtime = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]  # systemd's RuntimeDirectory=
    if runtime and Path(runtime).is_dir():
        os.environ["LG_WD"] = runtime
    else:
        folder = os.environ["LG_WD"] = tempfile.mkdtemp(prefix="fieldstack-gpio-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)


def _not_claimed(number: int, what: str, error: Exception) -> GpioError:
    if "busy" not in str(error).lower():
        return GpioError(
            say(
                "gpio.unusable",
                "GPIO {number} ({what}) cannot be used: {why}",
                number=number,
                what=what,
                why=error,
            )
        )
    name = (users([number]) or {}).get(number)
    return LineBusyError(
        say(
            "gpio.in_use",
            "GPIO {number} ({what}) is in use by {who}: free it, or give the rig another pin",
            number=number,
            what=what,
            who=name or say("gpio.somebody", "another program or a device tree overlay (gpioinfo may know)"),
        )
    )
