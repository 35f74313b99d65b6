"""`fieldstack doctor`: what is there, what is wrong and what to do."""

from __future__ import annotations

import argparse
import json

from rig.commands.edge import run_at_the_edge
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_json,
    data_folder,
    settings_from,
)
from rig.diagnosis import Diagnosis, Health
from rig.doctor import diagnose
from rig.errors import RigError
from stacker.console import Console

MARKS = {Health.GOOD: "ok  ", Health.NOTE: "note", Health.BAD: "BAD "}


class UnfitError(RigError):
    """The main job cannot be done here."""


def add_doctor_parser(commands: Subparsers) -> None:
    """Add `doctor` to the commands."""
    epilog = "Exit code: 0 when brackets can be shot and stacked here (the simulated rig counts), else 1."
    parser = add_command(
        commands, "doctor", "say what is there, what is wrong and what to do", run_doctor, epilog
    )
    add_data(parser)
    add_config(parser)
    add_json(parser)


def run_doctor(args: argparse.Namespace) -> int:
    """`fieldstack doctor`: returns the exit code."""
    return run_at_the_edge(lambda console: doctor(args, console))


def doctor(args: argparse.Namespace, console: Console) -> None:
    """Look and tell. Raises UnfitError when the main job cannot be done."""
    settings = settings_from(args)
    diagnosis = diagnose(settings, data_folder(args, settings))
    if args.json:
        print(json.dumps(diagnosis.as_dict(), indent=1))
    else:
        for line in lines_of(diagnosis):
            console.tell(line)
    if not diagnosis.can_work:
        raise UnfitError(diagnosis.sentence)
    if not args.json:
        console.tell(diagnosis.sentence)


def lines_of(diagnosis: Diagnosis) -> list[str]:
    """A line a check, and what to do beneath it."""
    lines = []
    for check in diagnosis.checks:
        lines.append(f"{MARKS[check.health]}  {check.name}: {check.found}")
        if check.advice is not None:
            lines.append(f"      -> {check.advice}")
    return lines
