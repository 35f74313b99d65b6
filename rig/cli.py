"""`fieldstack`: one program, a command for each thing that can be asked of the rig."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

NAME = "fieldstack"
INTERRUPTED = 130


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    try:
        parsed = get_parser().parse_args(args)
        return int(parsed.run(parsed))
    except (
        KeyboardInterrupt
    ):  # while the program was still being loaded; the commands have an edge of their own
        print(f"{NAME}: interrupted before anything was begun", file=sys.stderr)
        return INTERRUPTED


def get_parser() -> argparse.ArgumentParser:
    """The parser with all its commands."""
    # Loaded here, not above: it takes seconds on a small Pi, in which Ctrl-C must be understood too.
    from rig.commands.brackets import add_brackets_parser
    from rig.commands.calibrate import add_calibrate_parser
    from rig.commands.cards import add_import_parser
    from rig.commands.doctor import add_doctor_parser
    from rig.commands.plan import add_plan_parser
    from rig.commands.run import add_run_parser
    from rig.commands.shoot import add_shoot_parser
    from stacker.batchcommand import add_batch_parser
    from stacker.cli import add_depth_parser, add_stack_parser
    from stacker.parser import Parser

    parser = Parser(
        prog=NAME,
        description="Shoot focus brackets, fuse them on the spot, and see them on a phone.",
        epilog="Exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {own_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_stack_parser(commands)
    add_batch_parser(commands)
    add_depth_parser(commands)
    add_shoot_parser(commands)
    add_plan_parser(commands)
    add_run_parser(commands)
    add_brackets_parser(commands)
    add_import_parser(commands)
    add_calibrate_parser(commands)
    add_doctor_parser(commands)
    return parser


def own_version() -> str:
    """The installed version; "unknown" when run from sources that were never installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown"


if __name__ == "__main__":
    sys.exit(main())
