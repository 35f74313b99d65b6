"""`fieldstack copy`: brackets onto a stick or another disk, read back and compared, as the phone does it."""

from __future__ import annotations

import argparse
from pathlib import Path

from rig.commands.edge import InterruptedCommandError, run_at_the_edge
from rig.commands.options import Subparsers, add_command, add_config, add_data, data_folder, settings_from
from rig.copyjob import TOP, CopyCancelledError, CopyJob, CopyOrder, Meter
from rig.errors import TargetError
from rig.store import Store, opened
from rig.targets import folder_target
from rig.timeofday import TimeOfDay
from stacker.console import Console
from stacker.interrupt import cancelled_by_signals


def add_copy_parser(commands: Subparsers) -> None:
    """Add `copy`."""
    parser = add_command(
        commands,
        "copy",
        "copy brackets onto a stick or disk, read back and compared",
        lambda args: run_at_the_edge(lambda console: copy(args, console)),
        epilog="Nothing is replaced: what is there already is compared. The rig must not be running meanwhile.",
    )
    parser.add_argument(
        "to", type=Path, metavar="FOLDER", help=f"where the stick is mounted; brackets go into {TOP}/ there"
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="such as b000012 (default: all that are not there yet)"
    )
    parser.add_argument(
        "--results", action="store_true", help="the results alone, when frames take too much room"
    )
    add_data(parser)
    add_config(parser)


def copy(args: argparse.Namespace, console: Console) -> None:
    """Copy them. Ctrl-C keeps what is copied."""
    target = folder_target(args.to)
    if target is None:
        raise TargetError(f"{args.to} is no folder, or is on a camera's card, to which nothing is written")
    if target.problem is not None:
        raise TargetError(target.problem)
    settings = settings_from(args)
    store = Store(data_folder(args, settings), settings.store.reserve_mb * 1_000_000)
    time = TimeOfDay()
    with opened(store), cancelled_by_signals() as cancelled:
        for one in args.ids:
            store.folder_of(one)

        def go_on() -> None:
            if cancelled():
                raise CopyCancelledError

        def tell(meter: Meter) -> None:
            console.progress(meter.done // 2_000_000, meter.total // 2_000_000, "copying, MB")

        job = CopyJob(
            CopyOrder(target, tuple(args.ids) or None, "results" if args.results else "all"),
            store,
            present=target.root.is_dir,
            date=lambda: time.moment().created,
            begins=lambda bracket_id: None,
            go_on=go_on,
            tell=tell,
        )
        try:
            console.tell(job.run())
        except CopyCancelledError as error:
            raise InterruptedCommandError(
                f"interrupted: what was copied to {target.name} stays there"
            ) from error
