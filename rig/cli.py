"""`fieldstack`: one program, a command for each thing that can be asked of the rig."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

NAME = "fieldstack"
INTERRUPTED = 130
LEAVE_WITHIN_S = 10.0  # after the last word; closing everything took its own time before
# Where each command is. Loaded when it is asked for, and none above: that takes seconds on a small Pi, in which Ctrl-C
# must be understood too, and commands that are not asked for would take memory that a stack can use.
_COMMANDS = {
    "stack": ("stacker.cli", "add_stack_parser"),
    "batch": ("stacker.batchcommand", "add_batch_parser"),
    "depth": ("stacker.cli", "add_depth_parser"),
    "shoot": ("rig.commands.shoot", "add_shoot_parser"),
    "plan": ("rig.commands.plan", "add_plan_parser"),
    "run": ("rig.commands.run", "add_run_parser"),
    "brackets": ("rig.commands.brackets", "add_brackets_parser"),
    "copy": ("rig.commands.copies", "add_copy_parser"),
    "import": ("rig.commands.cards", "add_import_parser"),
    "calibrate": ("rig.commands.calibrate", "add_calibrate_parser"),
    "doctor": ("rig.commands.doctor", "add_doctor_parser"),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.

    args: None for those of the program, which then ends soon after this returns, whatever hangs.
    """
    try:
        words = sys.argv[1:] if args is None else args
        parsed = get_parser(words[0] if words else None).parse_args(args)
        code = int(parsed.run(parsed))
        if args is None:
            _leave(code)
        return code
    except (
        KeyboardInterrupt
    ):  # while the program was still being loaded; the commands have an edge of their own
        print(f"{NAME}: interrupted before anything was begun", file=sys.stderr)
        return INTERRUPTED


def _leave(code: int) -> None:
    from rig.ending import leave_within, make_lines_safe

    sys.stdout.flush()  # a reader may take its time
    leave_within(LEAVE_WITHIN_S, code, make_lines_safe)


def get_parser(command: str | None = None) -> argparse.ArgumentParser:
    """The parser with all its commands; of the only one that is needed, if that is known."""
    from stacker.parser import Parser

    parser = Parser(
        prog=NAME,
        description="Shoot focus brackets, fuse them on the spot, and see them on a phone.",
        epilog="Exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {own_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (module, function) in _COMMANDS.items():
        if command not in _COMMANDS or name == command:
            getattr(import_module(module), function)(commands)
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
