"""`fieldstack batch`: every bracket found in folders, stacked into one folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from stacker.console import Console
from stacker.edge import run_at_the_edge
from stacker.errors import CancelledError, InputError, SettingsError, StackerError
from stacker.interrupt import cancelled_by_signals
from stacker.job import StackJob
from stacker.options import whole_number
from stacker.settings import AlignMethod, AlignSettings, FuseMethod, StackSettings

if TYPE_CHECKING:
    from stacker.batch import BracketOutcome, FoundBracket
    from stacker.stack import Cancelled

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_batch_parser(commands: Subparsers) -> None:
    """Add `batch` to the commands of a program; the parsed arguments carry `run`, to be called with them."""
    parser = commands.add_parser(
        "batch",
        help="stack every bracket found in folders",
        description="Find the brackets in folders (and in the folders within them) by camera, exposure, gaps in time "
        "and the way the focus moves on, and stack each into its own picture.",
        allow_abbrev=False,
        epilog="A bracket that fails does not stop the others, and one stacked by an earlier run is left as it is: "
        "the same command goes on after an interruption. Exit code: 0 all are there, 1 some are not, 2 wrong use, "
        "130 interrupted.",
    )
    parser.set_defaults(run=run_batch)
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="a card, or folders of frames"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder of the results; made when it is not there",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        dest="only_list",
        help="say which brackets there are, and stack nothing",
    )
    parser.add_argument(
        "--whole", action="store_true", help="take each folder as one bracket, whatever its frames look like"
    )
    parser.add_argument("--again", action="store_true", help="stack also what an earlier run has stacked")
    parser.add_argument(
        "--kind", choices=("jpg", "png", "tif"), default="jpg", help="of the results (default: %(default)s)"
    )
    parser.add_argument(
        "--method", choices=get_args(FuseMethod), default="auto", help="of fusion (default: %(default)s)"
    )
    parser.add_argument(
        "--align",
        choices=get_args(AlignMethod),
        default="auto",
        help="none for frames that are registered already",
    )
    parser.add_argument(
        "--crop", action=argparse.BooleanOptionalAction, default=True, help="cut to what every frame covers"
    )
    parser.add_argument("--depth-map", action="store_true", help="write NAME-depth.png beside each result")
    parser.add_argument("--report", action="store_true", help="write NAME.json beside each result")
    parser.add_argument(
        "--memory-limit", type=whole_number(1), metavar="MB", help="stay below this (default: what is free)"
    )
    parser.add_argument(
        "--threads",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="0 for one per core (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but warnings and errors")


class BatchFailedError(StackerError):
    """Some brackets have no result; the message says how many."""


def run_batch(args: argparse.Namespace) -> int:
    """`fieldstack batch`: returns the exit code, says on stderr what went wrong."""
    console = Console(args.quiet)
    return run_at_the_edge(
        lambda: batch(args, console), console, lambda: "What was complete before is there."
    )


def batch(args: argparse.Namespace, console: Console) -> None:
    """Find the brackets, stack each, and sum up. Raises BatchFailedError when any has no result."""
    from stacker.batch import free_names, make_folder, stack_each
    from stacker.pipeline import stack_files

    for folder in args.folders:
        if not folder.is_dir():
            raise SettingsError(f"{folder} is no folder: give folders of frames")
    with cancelled_by_signals() as cancelled:
        brackets, failed = brackets_of(args, console, cancelled)
        outs = free_names([bracket.name for bracket in brackets], args.out, f".{args.kind}")
        if args.only_list:
            for bracket in brackets:
                first, last = bracket.frames[0], bracket.frames[-1].name
                console.tell(f"{bracket.name}: {len(bracket.frames)} frames, {first} to {last}")
            sum_up([], failed, console)
            return
        make_folder(args.out)

        def stack(job: StackJob, what: str) -> None:
            stack_files(
                job,
                progress=lambda done, total, _: console.progress(done, total, what),
                cancelled=cancelled,
                warn=lambda sentence: console.warn(f"{job.out.stem}: {sentence}"),
            )

        outcomes = []
        for outcome in stack_each(brackets, outs, job_from(args), args.again, stack):
            outcomes.append(outcome)
            tell(outcome, console)
            if cancelled():
                raise CancelledError("the batch was cancelled")
    sum_up(outcomes, failed, console)


def brackets_of(
    args: argparse.Namespace, console: Console, cancelled: Cancelled
) -> tuple[list[FoundBracket], int]:
    """The brackets of all folders, and how many folders have none that can be stacked."""
    from stacker.batch import find_brackets, picture_folders

    brackets: list[FoundBracket] = []
    failed = 0
    for folder in args.folders:
        try:
            within = [one for one in picture_folders(folder) if one.resolve() != args.out.resolve()]
        except InputError as error:
            failed += 1
            console.warn(str(error))
            continue
        if not within:
            failed += 1
            console.warn(f"there are no pictures in the folder {folder}")
        for one in within:
            try:
                brackets += find_brackets(one, args.whole, console.progress, cancelled, console.warn)
            except InputError as error:
                failed += 1
                console.warn(str(error))
    return brackets, failed


def job_from(args: argparse.Namespace) -> StackJob:
    """How each bracket is stacked; input and output are placeholders."""
    settings = StackSettings(
        method=args.method,
        align=AlignSettings(method=args.align),
        crop=args.crop,
        threads=args.threads,
        memory_limit_mb=args.memory_limit,
    )
    here = args.out / f"result.{args.kind}"
    return StackJob(
        inputs=(),
        out=here,
        settings=settings,
        depth_map=here.with_name("depth.png") if args.depth_map else None,
        report=here.with_suffix(".json") if args.report else None,
    )


def tell(outcome: BracketOutcome, console: Console) -> None:
    """One line on one bracket."""
    if outcome.why is not None:
        console.warn(f"{outcome.bracket.name} was not stacked: {outcome.why}")
    elif outcome.was_there:
        console.tell(f"{outcome.out} was there already")
    else:
        console.tell(f"wrote {outcome.out} from {len(outcome.bracket.frames)} frames")


def sum_up(outcomes: list[BracketOutcome], failed: int, console: Console) -> None:
    """The last line. Raises BatchFailedError when not everything is there."""
    from stacker.looking import enumerated

    without = [outcome.bracket.name for outcome in outcomes if outcome.why is not None]
    told = [f"stacked {len(outcomes) - len(without)} of {len(outcomes)} brackets"] if outcomes else []
    if without:
        told.append(f"not {enumerated(without)}")
    if failed:
        told.append(f"folders without a bracket: {failed}")
    if without or failed:
        raise BatchFailedError("; ".join(told))
    if outcomes:
        console.tell(told[0])
