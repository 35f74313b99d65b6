"""`fieldstack stack` and `fieldstack depth`: the stacker's commands, also as `python -m stacker`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stacker.console import NAME, Console
from stacker.edge import DEBUG_VARIABLE, run_at_the_edge
from stacker.errors import SettingsError
from stacker.imagefile import JPEG_SUFFIXES
from stacker.interrupt import cancelled_by_signals, interrupted_by_sigterm
from stacker.job import STATE_SUFFIX, StackJob, check_outputs
from stacker.options import DEFAULT_CHECKPOINT_S, DEFAULT_IDLE_S, DEFAULT_QUALITY, add_stack_options, percent
from stacker.parser import Parser
from stacker.settings import AlignSettings, StackSettings

if TYPE_CHECKING:
    from stacker.alignonly import AlignJob
    from stacker.following import Follow

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def main(args: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (0 done, 1 failed, 2 wrong use, 130 interrupted)."""
    parsed = get_parser().parse_args(args)
    return int(parsed.run(parsed))


def get_parser() -> argparse.ArgumentParser:
    """The parser of `python -m stacker`."""
    from stacker.batchcommand import add_batch_parser  # not needed by `fieldstack stack`

    parser = Parser(prog=NAME, description="Fuse a focus bracket into one all-sharp picture.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_stack_parser(commands)
    add_batch_parser(commands)
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
    add_stack_options(parser)


def add_depth_parser(commands: Subparsers) -> None:
    """Add `depth` to the commands of a program."""
    parser = commands.add_parser(
        "depth",
        help="make pictures of a depth map",
        allow_abbrev=False,
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
        type=percent,
        default=2.0,
        metavar="PERCENT",
        help="parallax between nearest and farthest, of the width (default: %(default)s)",
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")


def run_stack(args: argparse.Namespace) -> int:
    """`fieldstack stack`: returns the exit code, says on stderr what went wrong."""
    console = Console(args.quiet)
    named = (
        args.out,
        args.depth_map,
        args.confidence,
        args.report,
        args.source_map,
        args.save_transforms,
    )
    results = {path: _last_change(path) for path in named if path}

    def align() -> None:
        from stacker.alignonly import align_files  # late, as below

        with cancelled_by_signals() as cancelled:
            report = align_files(
                align_job_from(args), progress=console.progress, cancelled=cancelled, warn=console.warn
            )
        console.tell(f"wrote {report.used} aligned frames into {args.align_only}")

    def stack() -> None:
        job = job_from(args)
        check_outputs(job)
        from stacker.pipeline import stack_files  # after the checks: it loads the numerical part

        follow = _follow_from(args)
        with cancelled_by_signals() as cancelled:
            if follow is None:
                stack_files(job, progress=console.progress, cancelled=cancelled, warn=console.warn)
            else:
                from stacker.live import follow_files

                follow_files(job, follow, progress=console.progress, cancelled=cancelled, warn=console.warn)
        console.tell(f"wrote {', '.join(str(path) for path in job.outputs)}")

    def kept() -> str:
        written = [str(path) for path, before in results.items() if _last_change(path) != before]
        done = f"Complete: {', '.join(written)}" if written else "No result was written"
        if args.out is not None and (state := args.out.with_name(args.out.name + STATE_SUFFIX)).exists():
            return f"{done}; the same command goes on from {state.name}."
        return f"{done}; the frames are as they were."

    return run_at_the_edge(stack if args.align_only is None else align, console, kept)


def run_depth(args: argparse.Namespace) -> int:
    """`fieldstack depth`: returns the exit code, says on stderr what went wrong."""
    console = Console(args.quiet)

    def depict() -> None:
        from stacker.depictions import Depictions, write_depictions

        wanted = Depictions(args.false_colour, args.anaglyph, args.wiggle, args.strength)
        with interrupted_by_sigterm():
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
        settings=_settings_from(args),
        depth_map=args.depth_map,
        confidence=args.confidence,
        report=args.report,
        source_map=args.source_map,
        transforms=args.transforms,
        save_transforms=args.save_transforms,
        preview=args.preview,
        bit_depth=args.bit_depth,
        quality=args.quality or DEFAULT_QUALITY,
        slab=args.slab,
        dark=args.dark,
        order=args.order,
        resume=args.resume,
        checkpoint_s=args.checkpoint,
        strict=args.strict,
    )


def align_job_from(args: argparse.Namespace) -> AlignJob:
    """The same for `stack --align-only`."""
    from stacker.alignonly import AlignJob

    unused = {"--depth-map": args.depth_map, "--confidence": args.confidence, "--report": args.report}
    unused |= {
        "--slab": args.slab,
        "--resume": args.resume,
        "--follow": args.follow or None,
        "--preview": args.preview,
        "--source-map": args.source_map,
        "--bit-depth": args.bit_depth,
        "--expect": args.expect,
        "--idle": args.idle,
        "--method": None if args.method == "auto" else args.method,
        "--prefer": None if args.prefer == "none" else args.prefer,
        "--checkpoint": None if args.checkpoint == DEFAULT_CHECKPOINT_S else args.checkpoint,
    }
    for option, value in unused.items():
        if value is not None:
            raise SettingsError(f"{option} is of no use with --align-only: nothing is fused")
    return AlignJob(
        inputs=tuple(args.inputs),
        folder=args.align_only,
        settings=_settings_from(args),
        quality=args.quality or DEFAULT_QUALITY,
        order=args.order,
        dark=args.dark,
        strict=args.strict,
        transforms=args.transforms,
        save_transforms=args.save_transforms,
    )


def _follow_from(args: argparse.Namespace) -> Follow | None:
    from stacker.following import Follow

    if not args.follow:
        for option, value in {"--expect": args.expect, "--idle": args.idle}.items():
            if value is not None:
                raise SettingsError(
                    f"{option} says when a bracket that is followed is complete; add --follow"
                )
        return None
    if len(args.inputs) != 1:
        raise SettingsError("--follow waits for frames in one folder; give that folder alone")
    for option, value in {"--transforms": args.transforms, "--dark": args.dark, "--slab": args.slab}.items():
        if value is not None:
            raise SettingsError(f"{option} is for a bracket that is complete, not for --follow")
    if args.resume:
        raise SettingsError("--resume goes on with a complete bracket; stack the folder without --follow")
    if args.order in ("time", "focus"):
        raise SettingsError(
            f"--follow takes frames in the order of their names; --order {args.order} is for complete brackets"
        )
    if args.expect is not None and args.idle is not None:
        raise SettingsError("give --expect or --idle, not both")
    return Follow(args.inputs[0], args.expect, DEFAULT_IDLE_S if args.idle is None else args.idle)


def _settings_from(args: argparse.Namespace) -> StackSettings:
    return StackSettings(
        method=args.method,
        align=AlignSettings(method=args.align, reference=args.reference),
        prefer=args.prefer,
        hot_pixels=args.hot_pixels,
        crop=args.crop,
        threads=args.threads,
        memory_limit_mb=args.memory_limit,
    )


def _last_change(path: Path) -> tuple[int, int] | None:
    """What tells a newly written file from the one that was there; None when there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns
