"""Claiming lines, what goes wrong there, and what is left behind."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from fake_rpi_gpio import FakeRpiGpio

from rig.config import MotorSettings, PanelSettings, Settings
from rig.devices import gpio as gpio_module
from rig.devices.gpio import Gpio, is_outdated
from rig.devices.safe_off import safe_levels
from rig.errors import GpioError


@pytest.fixture
def library() -> FakeRpiGpio:
    return FakeRpiGpio()


def test_an_output_is_taken_and_driven_in_one_call_so_it_never_glitches(library):
    Gpio(library).output(16, "EN", initial=1)
    assert library.calls == [("setup", 16, "out", 1)]


def test_close_makes_outputs_safe_before_it_gives_them_back(library):
    gpio = Gpio(library)
    gpio.output(20, "light", initial=0, safe=0).write(1)
    gpio.close()
    assert library.calls[-2:] == [("output", 20, 0), ("cleanup", 20)]


def test_a_kept_line_is_made_safe_and_not_given_back(library):
    gpio = Gpio(library)
    gpio.output(16, "EN", initial=1, keep=True).write(0)
    gpio.close()
    assert library.calls[-1] == ("output", 16, 1)


def test_one_broken_line_does_not_keep_the_others_from_being_safe(library):
    gpio = Gpio(library)
    for number in (16, 20):
        gpio.output(number, "line", initial=1).write(0)
    library.fail[16] = RuntimeError("gone")
    gpio.make_safe()
    assert library.levels[20] == 1


def test_nothing_is_driven_any_more_once_the_process_ends(library):
    gpio = Gpio(library)
    enable = gpio.output(16, "EN", initial=1)
    enable.write(0)
    gpio.end()
    enable.write(0)  # by a thread that still works
    assert library.levels[16] == 1


def test_close_twice_does_nothing_more(library):
    gpio = Gpio(library)
    gpio.output(20, "STEP", initial=0)
    gpio.close()
    calls = list(library.calls)
    gpio.close()
    assert library.calls == calls


def test_a_busy_line_is_named_with_its_purpose_and_a_way_to_find_who_has_it(library):
    library.fail[26] = Exception("'GPIO busy'")
    with pytest.raises(
        GpioError, match=r"^GPIO 26 \(button\) is in use by another program .*gpioinfo.*: free it"
    ):
        Gpio(library).input(26, "button", pull="up")


def test_another_failure_is_told_in_the_librarys_words(library):
    library.fail[20] = RuntimeError("bad GPIO number")
    with pytest.raises(GpioError, match=r"^GPIO 20 \(STEP\) cannot be used: bad GPIO number$"):
        Gpio(library).output(20, "STEP", initial=0)


def test_a_line_that_fails_later_says_what_it_is_for(library):
    line = Gpio(library).output(20, "STEP", initial=0)
    library.fail[20] = Exception("chip gone")
    with pytest.raises(GpioError, match=r"^GPIO 20 \(STEP\) cannot be driven: chip gone$"):
        line.write(1)


def test_a_chip_that_cannot_be_opened_suggests_the_group(library, monkeypatch):
    def refuse(mode: int) -> None:
        raise Exception("can not open gpiochip")

    monkeypatch.setattr(library, "setmode", refuse)
    with pytest.raises(GpioError, match="can not open gpiochip; is the user in the group gpio"):
        Gpio(library)


@pytest.mark.parametrize(
    ("kernel", "outdated"),
    [
        ("6.1.21-v8+", False),
        ("6.5.0", False),
        ("6.6.20+rpt-rpi-v8", True),
        ("6.12.25-rpi", True),
        ("10.0", True),
    ],
)
def test_the_original_rpi_gpio_is_outdated_from_kernel_6_6_on(kernel, outdated):
    class Original:
        VERSION = "0.7.1"

    assert is_outdated(Original, kernel) is outdated


def test_rpi_lgpio_is_never_outdated(library):
    assert not is_outdated(library, "6.12.25-rpi")


def test_the_outdated_library_is_refused_with_the_commands_that_help(library, monkeypatch):
    monkeypatch.setattr(gpio_module.importlib, "import_module", lambda name: library)
    monkeypatch.setattr(gpio_module, "is_outdated", lambda *_: True)
    with pytest.raises(GpioError, match=r"replace it by rpi-lgpio .*apt install python3-rpi-lgpio"):
        gpio_module.load_library()


def test_a_missing_library_names_the_package(monkeypatch):
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(gpio_module.importlib, "import_module", missing)
    with pytest.raises(GpioError, match="sudo apt install python3-rpi-lgpio"):
        gpio_module.load_library()


@pytest.mark.parametrize("given", [True, False])
def test_lgpio_is_given_a_folder_for_its_fifo_unless_it_has_one(given, monkeypatch, tmp_path):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("LG_WD", "/elsewhere")
    if not given:
        monkeypatch.delenv("LG_WD")
    monkeypatch.setattr(gpio_module.importlib, "import_module", lambda name: FakeRpiGpio())
    gpio_module.load_library()
    assert gpio_module.os.environ["LG_WD"] == ("/elsewhere" if given else str(tmp_path))


# The 40-pin header: BCM number -> pin, https://pinout.xyz
HEADER = {2: 3, 3: 5, 4: 7, 14: 8, 15: 10, 17: 11, 18: 12, 27: 13, 22: 15, 23: 16, 24: 18, 10: 19, 9: 21}
HEADER |= {25: 22, 11: 23, 8: 24, 7: 26, 5: 29, 6: 31, 12: 32, 13: 33, 19: 35, 16: 36, 26: 37, 20: 38, 21: 40}


def wiring_rows() -> dict[str, tuple[list[int], list[int], bool]]:
    """Setting -> GPIO numbers, header pins, whether they are only a proposal; from the table of the page."""
    page = (Path(__file__).parents[2] / "docs/wiring.md").read_text()
    rows = re.findall(r"^\| `((?:motor|panel)\.\w+)`[^|]*\|([^|]+)\|([^|]+)\|", page, re.MULTILINE)
    return {
        name: (
            [int(n) for n in re.findall(r"\d+", gpio)],
            [int(n) for n in re.findall(r"\d+", pins)],
            "propos" in gpio,
        )
        for name, gpio, pins in rows
    }


def test_the_wiring_page_has_every_line_a_setting_can_name():
    settings = [f"motor.{f.name}" for f in fields(MotorSettings)] + [
        f"panel.{f.name}" for f in fields(PanelSettings)
    ]
    assert set(wiring_rows()) == {name for name in settings if name.endswith(("_pin", "_pins"))}


@pytest.mark.parametrize("name", wiring_rows())
def test_the_wiring_page_names_the_default_line_and_its_place_on_the_header(name):
    numbers, pins, proposed = wiring_rows()[name]
    section, key = name.split(".")
    default = getattr(MotorSettings() if section == "motor" else PanelSettings(), key)
    assert [HEADER[number] for number in numbers] == pins
    assert (
        proposed if default == 0 else numbers == list(default if isinstance(default, tuple) else (default,))
    )


def test_safe_off_knows_every_output_line_of_the_settings():
    settings = Settings(
        motor=MotorSettings(driver="stepdir"), panel=PanelSettings(buzzer_pin=24, light_pin=23)
    )
    assert safe_levels(settings) == {20: 0, 21: 0, 16: 1, 25: 0, 24: 0, 23: 0}


def test_safe_off_switches_the_coils_off_and_leaves_unwired_lines_alone():
    settings = Settings(motor=MotorSettings(driver="uln2003"), panel=PanelSettings(led_pin=0))
    assert safe_levels(settings) == {6: 0, 13: 0, 19: 0, 12: 0}
