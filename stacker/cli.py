"""`fieldstack stack` and `fieldstack depth`: the stacker's commands, also as `python -m stacker`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from stacker.console import NAME, Console
from stacker.edge import DEBUG_VARIABLE, run_at_the_edge
from stacker.errors import SettingsError
from stacker.imagefile import JPEG_SUFFIXES
from stacker.interrupt import cancelled_by_signals
from stacker.job import StackJob, check_outputs
from stacker.order import Order
from stacker.settings import AlignMethod, AlignSettings, FuseMethod, StackSettings

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

DEFAULT_QUALITY = 95


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 1 failed, 2 wrong use, 130 interrupted)."""
    parsed = get_parser().parse_args(args)
    return int(parsed.run(parsed))


def get_parser() -> argparse.ArgumentParser:
    """The parser of `python -m stacker`."""
    parser = argparse.ArgumentParser(
        prog=NAME, description="Fuse a focus bracket into one all-sharp picture."
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_stack_parser(commands)
    add_depth_parser(commands)
    return parser


def add_stack_parser(commands: Subparsers) -> None:
    """Add `stack` to the commands of a program; the parsed arguments carry `run`, to be called with them."""
    parser = commands.add_parser(
        "stack",
        help="fuse frames into one picture",
        description="Fuse the frames of a focus bracket into one picture that is sharp from front to back.",
        allow_abbrev=False,  # a mistyped option must not pass for another
        epilog="Exit code: 0 done, 1 failed, 2 wrong use, 130 interrupted. "
        f"With {DEBUG_VARIABLE}=1 an error shows where it came from.",
    )
    parser.set_defaults(run=run_stack)
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="frames in shot order, or one folder (sorted by name)",
    )
    parser.add_argument(
        "-o",
        "--out",
        required=True,
        type=Path,
        metavar="OUT",
        help="the result: a name ending in .jpg, .png or .tif",
    )
    _add_fusing_options(parser)
    _add_output_options(parser)
    _add_running_options(parser)


def _add_fusing_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("fusing")
    group.add_argument(
        "--method",
        choices=get_args(FuseMethod),
        default="auto",
        help="pyramid keeps detail on crossing hairs, depthmap the tones of smooth surfaces, average is for "
        "comparison; auto takes the best per region (default: %(default)s)",
    )
    group.add_argument(
        "--align",
        choices=get_args(AlignMethod),
        default="auto",
        help="none for frames that are registered already (default: %(default)s)",
    )
    group.add_argument(
        "--reference",
        type=_integer(0),
        metavar="N",
        help="the frame whose geometry the others take, counted from 0 (default: the middle one)",
    )
    group.add_argument(
        "--order",
        choices=get_args(Order),
        default="given",
        help="name: sort as people count (2 before 10); time: by when they were taken (default: %(default)s)",
    )
    group.add_argument(
        "--crop",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cut to the area that every frame covers (default: yes)",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="fail when a frame is damaged or does not fit, instead of leaving it out with a warning",
    )


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("results")
    group.add_argument(
        "--depth-map",
        type=Path,
        metavar="PNG",
        help="write which frame is sharpest where: 0 first, 65535 last",
    )
    group.add_argument(
        "--confidence", type=Path, metavar="PNG", help="write how clearly that frame won: white = clearly"
    )
    group.add_argument(
        "--report", type=Path, metavar="JSON", help="write what was done with each frame, and warnings"
    )
    group.add_argument(
        "--bit-depth",
        type=int,
        choices=(8, 16),
        help="of the result; 16 for further editing, as .png or .tif (default: that of the frames)",
    )
    group.add_argument(
        "--quality", type=_integer(1, 100), metavar="1..100", help=f"of a JPEG (default: {DEFAULT_QUALITY})"
    )


def _add_running_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument(
        "--memory-limit",
        type=_integer(1),
        metavar="MB",
        help="stay below this much memory; for a machine that does other work too (default: what is free)",
    )
    group.add_argument(
        "--threads",
        type=_integer(0),
        default=0,
        metavar="N",
        help="0 for one per core (default: %(default)s)",
    )
    group.add_argument("--quiet", action="store_true", help="say nothing but warnings and errors")


def add_depth_parser(commands: Subparsers) -> None:
    """Add `depth` to the commands of a program."""
    parser = commands.add_parser(
        "depth",
        help="make pictures of a depth map",
        description="Make pictures from a result and the depth map that `stack --depth-map` wrote beside it.",
    )
    parser.set_defaults(run=run_depth)
    parser.add_argument("image", type=Path, metavar="IMAGE", help="the fused picture")
    parser.add_argument("depth", type=Path, metavar="DEPTH", help="its depth map (PNG)")
    parser.add_argument(
        "--confidence", type=Path, metavar="PNG", help="fade the false colours where it is dark"
    )
    parser.add_argument("--false-colour", type=Path, metavar="OUT", help="write near red, far blue")
    parser.add_argument("--anaglyph", type=Path, metavar="OUT", help="write a picture for red-cyan glasses")
    parser.add_argument(
        "--wiggle", type=Path, metavar="OUT.gif|webp", help="write an animation that sways from side to side"
    )
    parser.add_argument(
        "--strength",
        type=_percent,
        default=2.0,
        metavar="PERCENT",
        help="parallax between nearest and farthest, of the width (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def run_stack(args: argparse.Namespace) -> int:
    """`fieldstack stack`: returns the exit code, says on stderr what went wrong."""
    console = Console(args.quiet)
    results = {
        path: _last_change(path) for path in (args.out, args.depth_map, args.confidence, args.report) if path
    }

    def stack() -> None:
        job = job_from(args)
        check_outputs(job)
        from stacker.pipeline import stack_files  # after the checks: it loads the numerical part

        with cancelled_by_signals() as cancelled:
            stack_files(job, progress=console.progress, cancelled=cancelled, warn=console.warn)
        console.tell(f"wrote {', '.join(str(path) for path in job.outputs)}")

    def kept() -> str:
        written = [str(path) for path, before in results.items() if _last_change(path) != before]
        done = f"Complete: {', '.join(written)}" if written else "No result was written"
        return f"{done}; the frames are as they were."

    return run_at_the_edge(stack, console, kept)


def run_depth(args: argparse.Namespace) -> int:
    """`fieldstack depth`: returns the exit code, says on stderr what went wrong."""
    console = Console(args.quiet)

    def depict() -> None:
        from stacker.depictions import Depictions, write_depictions

        wanted = Depictions(args.false_colour, args.anaglyph, args.wiggle, args.strength)
        written = write_depictions(args.image, args.depth, args.confidence, wanted)
        console.tell(f"wrote {', '.join(str(path) for path in written)}")

    return run_at_the_edge(depict, console)


def job_from(args: argparse.Namespace) -> StackJob:
    """The job that the arguments of `stack` ask for. Raises SettingsError when they contradict each other."""
    if args.quality is not None and args.out.suffix.lower() not in JPEG_SUFFIXES:
        raise SettingsError(f"--quality is for a JPEG; {args.out} is none")
    return StackJob(
        inputs=tuple(args.inputs),
        out=args.out,
        settings=StackSettings(
            method=args.method,
            align=AlignSettings(method=args.align, reference=args.reference),
            crop=args.crop,
            threads=args.threads,
            memory_limit_mb=args.memory_limit,
        ),
        depth_map=args.depth_map,
        confidence=args.confidence,
        report=args.report,
        bit_depth=args.bit_depth,
        quality=args.quality or DEFAULT_QUALITY,
        order=args.order,
        strict=args.strict,
    )


def _integer(least: int, most: int | None = None) -> Callable[[str], int]:
    """A type for argparse: a whole number within bounds, refused with a sentence that names them."""
    bounds = f"at least {least}" if most is None else f"{least}..{most}"

    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{value!r} is not a whole number") from None
        if number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{number} should be {bounds}")
        return number

    return parse


def _percent(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None
    if not 0 < number <= 10:
        raise argparse.ArgumentTypeError(f"{number:g} should be above 0 and at most 10")
    return number


def _last_change(path: Path) -> tuple[int, int] | None:
    """What tells a newly written file from the one that was there; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
