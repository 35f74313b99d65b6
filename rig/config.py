"""Every setting of the rig: a frozen, checked dataclass per part of the machine. The file: rig.configfile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, cast

from rig.checked import Checked, checked_value, setting, setting_fields
from rig.errors import ConfigError
from rig.saying import say

NOT_FITTED = 0  # as a GPIO number: 0 and 1 belong to the EEPROM of add-on boards, so no rig uses them


@dataclass(frozen=True)
class OpticsSettings(Checked):
    """The lens, and how densely a bracket samples its depth. Formulas: rig.optics."""

    section: ClassVar[str] = "optics"

    magnification: float = setting(
        1.0, "Size on the sensor divided by size of the subject; 1.0 is life size.", 0.001, 100
    )
    f_number: float = setting(5.6, "As engraved on the lens; for an objective m / (2 NA (m + 1)).", 0.5, 128)
    pupil_ratio: float = setting(1.0, "Exit pupil divided by entrance pupil; 1 when unknown.", 0.1, 10)
    wavelength_um: float = setting(0.55, "Green, where the eye and the sensor see best.", 0.2, 2)
    overlap: float = setting(
        0.3, "Share of the depth of field that neighbouring frames have in common.", 0, 0.9
    )
    depth: Literal["wave", "economy"] = setting(
        "wave", "Depth of field: wave is the safe one; economy takes the larger one and needs fewer frames."
    )
    confusion_um: float = setting(
        3.1,
        "Largest blur spot taken as sharp, for economy: two pixels, the limit of the Bayer mosaic.",
        0.1,
        100,
    )


@dataclass(frozen=True)
class MotorSettings(Checked):
    """The focus motor: its driver, its travel and what is known of its mechanics."""

    section: ClassVar[str] = "motor"

    driver: Literal["none", "stepdir", "uln2003", "sim"] = setting(
        "none",
        "stepdir: A4988, DRV8825, TMC2209; uln2003: 28BYJ-48; sim: a simulated motor; none: not fitted.",
    )
    step_pin: int = setting(20, "BCM number of STEP (stepdir).", 0, 27)
    dir_pin: int = setting(21, "BCM number of DIR (stepdir).", 0, 27)
    enable_pin: int = setting(16, "BCM number of EN, low = energised (stepdir); 0 = not wired.", 0, 27)
    coil_pins: tuple[int, int, int, int] = setting(
        (6, 13, 19, 12), "BCM numbers of IN1 to IN4 (uln2003).", 0, 27
    )
    endstop_pin: int = setting(0, "BCM number of the endstop at the near end; 0 = no endstop.", 0, 27)
    endstop_normally_closed: bool = setting(
        True, "A switch that opens when hit: a broken wire then stops the motor too."
    )
    invert: bool = setting(False, "Turn the other way, when steps up move the focus nearer.")
    steps_per_um: float = setting(
        1.0, "Steps for one µm of focus at the subject, as measured with the two-point wizard.", 1e-6
    )
    min_steps: int = setting(
        0, "Soft limit at the near end; the drive must have backlash_steps of room below."
    )
    max_steps: int = setting(48_000, "Soft limit at the far end.")
    backlash_steps: int = setting(
        64,
        "Motion lost on reversing, generously: every position is approached from below by as much.",
        0,
        100_000,
    )
    steps_per_s: float = setting(800.0, "Top speed; beyond 1000 a 28BYJ-48 loses steps.", 1, 20_000)
    start_steps_per_s: float = setting(200.0, "Speed the motor starts from without losing steps.", 1, 20_000)
    ramp_steps: int = setting(
        30, "Steps to reach top speed; a ramp leaves less vibration to settle.", 0, 10_000
    )
    home_margin_steps: int = setting(
        50, "Distance kept from the endstop, so that everyday moves never touch it.", 0, 100_000
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_steps >= self.max_steps:
            raise ConfigError(
                say(
                    "settings.no_travel",
                    "motor.max_steps = {far} is not beyond motor.min_steps = {near}: the travel must "
                    "have a length",
                    far=self.max_steps,
                    near=self.min_steps,
                )
            )
        if self.start_steps_per_s > self.steps_per_s:
            raise ConfigError(
                say(
                    "settings.ramp",
                    "motor.start_steps_per_s = {start:g} is above motor.steps_per_s = {top:g}: a ramp "
                    "speeds up, so it must be less or equal",
                    start=self.start_steps_per_s,
                    top=self.steps_per_s,
                )
            )

    @property
    def pins(self) -> dict[str, int]:
        """The GPIO numbers this driver really uses, by setting."""
        if self.driver == "stepdir":
            used = {"step_pin": self.step_pin, "dir_pin": self.dir_pin, "enable_pin": self.enable_pin}
        elif self.driver == "uln2003":
            used = {f"coil_pins[{index}]": pin for index, pin in enumerate(self.coil_pins)}
        else:
            return {}
        return {**used, "endstop_pin": self.endstop_pin}


@dataclass(frozen=True)
class CameraSettings(Checked):
    """The camera and its exposure."""

    section: ClassVar[str] = "camera"

    driver: Literal["auto", "picamera2", "sim", "replay"] = setting(
        "auto", "auto: the Raspberry Pi camera when one is found, else the simulated rig."
    )
    scene: str = setting("bristles", "Scene of the simulated rig.")
    sim_width_px: int = setting(
        4056, "Width of a simulated frame; smaller ones are quicker to try things with.", 320, 4056
    )
    replay_folder: str = setting("", "Folder of frames that the replay driver answers with.")
    exposure_us: int = setting(0, "Exposure time; 0 = automatic, then locked for the bracket.", 0, 60_000_000)
    longest_exposure_us: int = setting(
        250_000,
        "Automatic exposure goes so far before it raises the gain: longer ones catch more vibration.",
        100,
        10_000_000,
    )
    meter_positions: int = setting(
        3,
        "Focus positions of a bracket at which its exposure is measured, for the brightest; 0 = where it stands.",
        0,
        20,
    )
    gain: float = setting(0.0, "Analogue gain, 1 = least noise; 0 = automatic, then locked.", 0, 64)
    colour_gains: tuple[float, float] = setting(
        (0.0, 0.0), "Red and blue against green; 0 = automatic, then locked.", 0, 32
    )
    jpeg_quality: int = setting(
        93, "JPEG quality of a frame; above 93 the file grows more than the detail.", 50, 100
    )
    dng: bool = setting(
        False, "Also keep the raw data of each frame: 18 MB more a frame, for stacking later."
    )
    buffers: int = setting(
        2, "Full-size buffers of the camera; stepped down by itself where memory is short.", 1, 4
    )
    preview_width_px: int = setting(
        1024,
        "Width of the live picture, in which the range is looked for too: below 640 thin hairs are missed.",
        160,
        1920,
    )
    timeout_s: float = setting(10.0, "A camera that gives nothing for so long is restarted once.", 0.5, 120)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.driver == "replay" and not self.replay_folder:
            raise ConfigError(
                say(
                    "settings.replay_folder_missing",
                    'camera.driver = "replay" needs camera.replay_folder: name the folder of frames',
                )
            )


@dataclass(frozen=True)
class CaptureSettings(Checked):
    """How a bracket is shot."""

    section: ClassVar[str] = "capture"

    settle_mode: Literal["fixed", "watched"] = setting(
        "watched", "watched: expose when successive previews stop moving; fixed: wait settle_s."
    )
    settle_s: float = setting(
        0.4, "Wait after a move (fixed mode): 0.3 to 0.5 for a lens ring, 1 to 2 beyond 5x.", 0, 60
    )
    settle_limit_s: float = setting(
        3.0, "Longest wait in watched mode: in wind the frame is then shot all the same.", 0.1, 120
    )
    still_px: float = setting(
        0.1, "Motion between two previews, in preview pixels, below which the picture is still.", 0.01, 10
    )
    shaken_px: float = setting(
        0.4,
        "Motion across an exposure, in preview pixels, above which the frame is shot again.",
        0.01,
        50,
    )
    retries: int = setting(1, "How often a shaken or bumped frame is shot again; 0 = never.", 0, 5)
    max_frames: int = setting(
        300, "A plan of more frames is refused: it is a wrong figure more often.", 1, 999
    )
    extend_frames: int = setting(
        6,
        "Frames that a bracket adds by itself where an end turns out cut or a gap is left; 0 = never.",
        0,
        50,
    )
    drift_check: Literal["never", "auto", "always"] = setting(
        "auto",
        "After the bracket go to the endstop and tell how many steps were lost; costs the way there. auto: after "
        "30 frames or more, where the drive was homed.",
        formerly={True: "always", False: "never"},
    )


@dataclass(frozen=True)
class PanelSettings(Checked):
    """Button, LED and buzzer on the rig."""

    section: ClassVar[str] = "panel"

    button_pin: int = setting(26, "BCM number of the button to ground; 0 = not fitted.", 0, 27)
    led_pin: int = setting(25, "BCM number of the status LED; 0 = not fitted.", 0, 27)
    buzzer_pin: int = setting(0, "BCM number of an active buzzer; 0 = not fitted.", 0, 27)
    light_pin: int = setting(0, "BCM number of the light's switch; 0 = not fitted.", 0, 27)
    light_sync: Literal["frame", "bracket"] = setting(
        "frame",
        "frame: lit for each exposure, dark while the focus moves; bracket: lit all the time, for lamps that "
        "need long to warm up.",
    )
    light_lead_s: float = setting(
        0.1, "From switching the light on until it counts as steady; LED drivers start softly.", 0, 60
    )
    debounce_ms: int = setting(20, "A press shorter than this is contact bounce.", 1, 200)
    power_off_command: tuple[str, ...] = setting(
        ("systemctl", "poweroff"),
        "Program and arguments that switch the computer off, at a press of 6 s; empty = nothing does.",
    )

    @property
    def pins(self) -> dict[str, int]:
        """The GPIO numbers by setting."""
        return {
            "button_pin": self.button_pin,
            "led_pin": self.led_pin,
            "buzzer_pin": self.buzzer_pin,
            "light_pin": self.light_pin,
        }


@dataclass(frozen=True)
class FlashSettings(Checked):
    """A xenon or LED flash in a dark room, triggered once a frame while all rows of the sensor are open."""

    section: ClassVar[str] = "flash"

    pin: int = setting(
        0,
        "BCM number of the flash's trigger; 0 = not fitted. With it every frame of a bracket is flashed.",
        0,
        27,
    )
    trigger: Literal["high", "low"] = setting(
        "high", "Level of the pin that fires; high for an optocoupler as in wiring.md."
    )
    pulse_ms: float = setting(
        1.0, "Length of the trigger pulse: a xenon flash wants about 1, LEDs are lit for as long.", 0.05, 50
    )
    delay_ms: float = setting(0.0, "From the trigger to the light; a radio trigger takes some.", 0, 200)
    recycle_s: float = setting(
        3.0, "Wait between two flashes until it is as strong again; longer as the battery empties.", 0, 60
    )

    @property
    def pins(self) -> dict[str, int]:
        """The GPIO number by setting."""
        return {"pin": self.pin}


@dataclass(frozen=True)
class StackingSettings(Checked):
    """What the stacker does with a bracket by itself."""

    section: ClassVar[str] = "stacking"

    live: bool = setting(True, "Stack while shooting; the result is there soon after the last frame.")
    method: Literal["auto", "pyramid", "depthmap", "average"] = setting(
        "auto", "auto takes the best of what is known for each region."
    )
    crop: bool = setting(True, "Cut the result to the area that every frame covers.")
    depth_map: bool = setting(True, "Keep the depth map beside the fused image.")
    memory_limit_mb: int = setting(
        0, "Memory the stacker process may take; 0 = what the computer can spare.", 0, 1_000_000
    )
    threads: int = setting(0, "Threads of the stacker; 0 = one per core.", 0, 256)
    jpeg_quality: int = setting(95, "JPEG quality of the fused image.", 50, 100)


@dataclass(frozen=True)
class StoreSettings(Checked):
    """Where brackets live."""

    section: ClassVar[str] = "store"

    data_folder: str = setting("", "Folder of the brackets; empty = $FIELDSTACK_DATA, else ~/fieldstack.")
    reserve_mb: int = setting(
        300, "Space never filled, so that the system itself keeps working.", 0, 1_000_000
    )
    copy_to: tuple[str, ...] = setting(
        (), "Further folders that brackets can be copied to from the phone: disks that are mounted elsewhere."
    )


@dataclass(frozen=True)
class SourceSettings(Checked):
    """Where the frames of other cameras may be read from; nothing is ever written to a camera's card."""

    section: ClassVar[str] = "sources"

    folders: tuple[str, ...] = setting((), "Folders whose brackets can be stacked from the phone.")
    removable: bool = setting(
        True,
        "Also cards and sticks mounted below /media, /run/media or /mnt that can be pulled out; to copy to, too.",
    )


@dataclass(frozen=True)
class WebSettings(Checked):
    """The phone page."""

    section: ClassVar[str] = "web"

    host: str = setting("127.0.0.1", "Address to listen on; 0.0.0.0 lets phones on the rig's network in.")
    port: int = setting(8000, "TCP port of the page; 80 on an installed rig. 0 = any free one.", 0, 65_535)
    trusted_hosts: tuple[str, ...] = setting(
        (), "Further names this rig is called by; requests to other names are refused (DNS rebinding)."
    )
    wifi_name: str = setting("", "The rig's own network, for the code that lets another phone join it.")
    wifi_key: str = setting("", "Key of that network; only paired phones are shown it.")
    look_only: bool = setting(
        False, "Phones that are not paired may look at the live picture and the results, and do nothing else."
    )


@dataclass(frozen=True)
class Settings:
    """All settings of one rig.

    Raises ConfigError when two parts contradict each other, e.g. use the same GPIO pin.
    """

    optics: OpticsSettings = field(default_factory=OpticsSettings)
    motor: MotorSettings = field(default_factory=MotorSettings)
    camera: CameraSettings = field(default_factory=CameraSettings)
    capture: CaptureSettings = field(default_factory=CaptureSettings)
    panel: PanelSettings = field(default_factory=PanelSettings)
    flash: FlashSettings = field(default_factory=FlashSettings)
    stacking: StackingSettings = field(default_factory=StackingSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    sources: SourceSettings = field(default_factory=SourceSettings)
    web: WebSettings = field(default_factory=WebSettings)

    def __post_init__(self) -> None:
        used: dict[int, str] = {}
        for name, pin in self.pins.items():
            if pin != NOT_FITTED and pin in used:
                raise ConfigError(
                    say(
                        "settings.pin_taken",
                        "{name} = {pin} is already {taken}: give each its own GPIO pin",
                        name=name,
                        pin=pin,
                        taken=used[pin],
                    )
                )
            used[pin] = name

    @property
    def pins(self) -> dict[str, int]:
        """The GPIO numbers that the rig uses, by dotted name of their setting; some may be NOT_FITTED."""
        parts = self.motor, self.panel, self.flash
        return {f"{part.section}.{key}": pin for part in parts for key, pin in part.pins.items()}

    def value(self, name: str) -> Any:
        """One setting's value, by dotted name. Raises ConfigError."""
        section, _, key = name.partition(".")
        part_of(section, key)
        return getattr(getattr(self, section), key)

    def changed(self, changes: Mapping[str, Any]) -> Settings:
        """These settings with some replaced, by dotted name: {"capture.settle_s": 0.5}.

        Values may be plain JSON values. Raises ConfigError; nothing is changed then.
        """
        parts: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            section, _, key = name.partition(".")
            parts.setdefault(section, {})[key] = checked_value(part_of(section, key), key, value)
        return replace(self, **{name: replace(getattr(self, name), **part) for name, part in parts.items()})


PARTS: dict[str, type[Checked]] = {
    part.name: cast(type[Checked], part.default_factory)
    for part in fields(Settings)  # each part's factory is its class
}


def part_of(section: str, key: str) -> type[Checked]:
    """The class that holds section.key. Raises ConfigError naming the nearest that exists."""
    if section not in PARTS:
        raise ConfigError(
            say(
                "settings.no_such_part",
                "[{section}] is not a part of the rig: {nearest}",
                section=section,
                nearest=_nearest(section, PARTS),
            )
        )
    known = setting_fields(PARTS[section])
    if key not in known:
        raise ConfigError(
            say(
                "settings.no_such_setting",
                "{section}.{key} is not a setting: {nearest}",
                section=section,
                key=key,
                nearest=_nearest(key, known),
            )
        )
    return PARTS[section]


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches  # only ever needed to word a refusal

    close = get_close_matches(word, known, n=1)
    return f'did you mean "{close[0]}"?' if close else f"there are {', '.join(known)}"
