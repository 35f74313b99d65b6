"""`fieldstack calibrate`: measure the drive, and say which setting follows."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rig.commands.edge import run_at_the_edge
from rig.commands.follow import wait_until_still
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_sim,
    data_folder,
    settings_from,
)
from rig.commands.shoot import opened
from rig.configfile import USER_FILE, toml_value
from rig.errors import ConfigError, FocusNotFoundError
from rig.scale import fitted_steps_per_um
from rig.settingsfile import keep_changes
from stacker.console import Console

SCALE = "motor.steps_per_um"


def add_calibrate_parser(commands: Subparsers) -> None:
    """Add `calibrate` with its own commands."""
    calibrate = commands.add_parser("calibrate", help="measure the focus drive", allow_abbrev=False)
    under = calibrate.add_subparsers(title="commands", required=True, metavar="COMMAND")

    backlash = add_command(
        under,
        "backlash",
        "measure the motion lost on reversing",
        lambda args: run_at_the_edge(lambda console: backlash_command(args, console)),
        "Aim at something with fine detail and leave the rig alone; it takes about a minute.",
    )
    add_sim(backlash)
    add_data(backlash)

    scale = add_command(
        under,
        "scale",
        "tell motor steps for one µm from points of known depth",
        lambda args: run_at_the_edge(lambda console: scale_command(args, console)),
        "Focus on two lines of a ruler that lies at 45°, note both positions, and give their distance in "
        "depth: that along the ruler divided by 1.414.",
    )
    points = scale.add_mutually_exclusive_group(required=True)
    points.add_argument("--steps", type=int, nargs=2, metavar=("A", "B"), help="two focus positions")
    points.add_argument(
        "--table",
        type=Path,
        metavar="FILE",
        help="a line for each of several points: position in steps, depth in µm",
    )
    scale.add_argument("--um", type=float, metavar="D", help="distance of the two in depth, in µm")
    for parser in (backlash, scale):
        parser.add_argument(
            "--save", action="store_true", help="write it into the settings (--config, else the user's file)"
        )
        add_config(parser)
    scale.set_defaults(wrong_use=scale.error)


def backlash_command(args: argparse.Namespace, console: Console) -> None:
    """Sweep up and down and say what the drive loses."""
    settings = settings_from(args)
    with opened(settings, data_folder(args, settings), args.sim, console) as (workflow, cancelled):
        workflow.calibrate_backlash()
        status = wait_until_still(workflow, console, cancelled, "measuring the backlash")
    if status.proposal is None:
        raise FocusNotFoundError(status.message or "the backlash was not measured")
    console.tell(status.proposal.sentence)
    tell_or_save(args, console, status.proposal.setting, int(status.proposal.value))


def scale_command(args: argparse.Namespace, console: Console) -> None:
    """Say how many steps a µm takes."""
    if (args.steps is None) == (args.um is not None):
        args.wrong_use("--um belongs to --steps: the distance of the two positions in depth")
    table = [(args.steps[0], 0.0), (args.steps[1], args.um)] if args.steps else read_table(args.table)
    if args.steps and args.steps[0] > args.steps[1]:
        table = [(args.steps[1], 0.0), (args.steps[0], args.um)]
    found, warning = fitted_steps_per_um(table)
    console.tell(f"{found:.6g} motor steps move the focus by one µm")
    if warning is not None:
        console.warn(warning)
    tell_or_save(args, console, SCALE, round(found, 6))


def read_table(path: Path) -> list[tuple[int, float]]:
    """Points from a text file: two figures a line, between them spaces, a comma or a semicolon; # comments.

    Raises ConfigError naming the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the table {path} cannot be read: {error}") from error
    points = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        try:
            steps, um = words
            points.append((int(steps), float(um)))
        except ValueError:
            raise ConfigError(
                f'{path} line {number}: "{line.strip()[:40]}" is not a position in steps and a depth in µm'
            ) from None
    return points


def tell_or_save(args: argparse.Namespace, console: Console, name: str, value: Any) -> None:
    """Say the line of the settings, or write it."""
    section, _, key = name.partition(".")
    settings_from(args, {name: value})  # raises what is wrong with it before anything is written
    if not args.save:
        console.tell(f"to keep it, repeat with --save, or put into the settings: [{section}] {key} = {value}")
        return
    path = args.config or USER_FILE.expanduser()
    keep_changes(path, {name: value})
    console.tell(f"{path}: [{section}] {key} = {toml_value(value)}")
