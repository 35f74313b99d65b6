"""Options that several commands share, and what they mean."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rig.config import Settings
from rig.configfile import load_settings
from rig.lenspresets import LENSES, find_lens

if TYPE_CHECKING:
    from rig.machine import Build

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

DATA_VARIABLE = "FIELDSTACK_DATA"
USUAL_DATA = "~/fieldstack"


def add_command(
    commands: Subparsers, name: str, help_: str, run: Any, epilog: str = ""
) -> argparse.ArgumentParser:
    """A command's parser; the parsed arguments carry `run`, to be called with them."""
    parser = commands.add_parser(
        name,
        help=help_,
        description=f"{help_[:1].upper()}{help_[1:]}.",
        epilog=epilog or None,
        allow_abbrev=False,  # a mistyped option must not pass for another
    )
    parser.set_defaults(run=run)
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """Add --config, the settings file."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="the rig's settings (default: /etc/fieldstack/config.toml, ~/.config/fieldstack/config.toml)",
    )


def add_lens(parser: Any) -> None:
    """Add --lens, a name for magnification and f-number."""
    parser.add_argument(
        "--lens",
        metavar="NAME",
        help=f"magnification and f-number of a usual lens: {', '.join(lens.name for lens in LENSES)}",
    )


def lens_settings(name: str | None) -> dict[str, float]:
    """The settings that --lens stands for. Raises ConfigError."""
    return {} if name is None else find_lens(name).settings


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data, the brackets' folder."""
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help=f"folder of the brackets (default: ${DATA_VARIABLE}, else the settings, else {USUAL_DATA})",
    )


def add_sim(parser: argparse.ArgumentParser) -> None:
    """Add --sim, the simulated rig."""
    parser.add_argument(
        "--sim",
        metavar="SCENE",
        help="use the simulated rig looking at this scene, or replay:FOLDER for the frames of a bracket; "
        "to try things without hardware (default: only where no camera is found)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="answer in JSON, for scripts")


def settings_from(args: argparse.Namespace, changes: dict[str, Any] | None = None) -> Settings:
    """The settings of --config with what other options change. Raises ConfigError."""
    given = {name: value for name, value in (changes or {}).items() if value is not None}
    return load_settings(args.config).changed(given)


def data_folder(args: argparse.Namespace, settings: Settings) -> Path:
    """Where brackets live."""
    if args.data is not None:
        return Path(args.data).expanduser()
    named = os.environ.get(DATA_VARIABLE) or settings.store.data_folder or USUAL_DATA
    return Path(named).expanduser()


def builder(sim: str | None) -> Build:
    """What makes the devices, with the simulated scene asked for. To be called before threads are started.

    Raises ConfigError for an unknown scene, CameraError for a folder that cannot be replayed.
    """
    from rig.devices.build import build_devices
    from rig.devices.build_sim import check_simulated
    from rig.devices.heap import keep_one_heap

    if sim is not None:
        check_simulated(sim)  # at once: what was mistyped is no fault of a device, to be waited for
    keep_one_heap()
    return partial(build_devices, sim=sim)
