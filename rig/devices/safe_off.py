"""Switch motor, light and buzzer off after the program has died: python -m rig.devices.safe_off [CONFIG].

For ExecStopPost= of the service. A Raspberry Pi's kernel leaves the outputs of a killed process as they
were driven, so a motor that was held stays energised; see docs/wiring.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rig.config import Settings
from rig.configfile import load_settings
from rig.devices.gpio import Gpio
from rig.errors import RigError


def safe_levels(settings: Settings) -> dict[int, int]:
    """Line -> the level at which nothing draws current; only lines that are wired."""
    motor, panel = settings.motor, settings.panel
    levels = dict.fromkeys((panel.led_pin, panel.buzzer_pin, panel.light_pin), 0)
    levels[settings.flash.pin] = 0 if settings.flash.trigger == "high" else 1
    if motor.driver == "stepdir":
        levels |= {motor.step_pin: 0, motor.dir_pin: 0, motor.enable_pin: 1}
    elif motor.driver == "uln2003":
        levels |= dict.fromkeys(motor.coil_pins, 0)
    levels.pop(0, None)
    return levels


def switch_off(settings: Settings, gpio: Gpio) -> None:
    """Drive every line to its safe level and keep it there. Raises GpioError for a line in use."""
    for number, level in safe_levels(settings).items():
        gpio.output(number, "safe off", initial=level, keep=True)


def main(args: list[str] | None = None) -> int:
    """0 done, 1 with a sentence on stderr."""
    args = sys.argv[1:] if args is None else args
    try:
        settings = load_settings(Path(args[0]) if args else None)
        if safe_levels(settings):
            switch_off(settings, Gpio())
    except RigError as error:
        print(f"safe off: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
