"""The options of `fieldstack stack`, grouped by what they concern, and types that refuse with a reason."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from stacker.order import Order
from stacker.settings import AlignMethod, FuseMethod, HotPixels, Prefer

DEFAULT_QUALITY = 95
DEFAULT_IDLE_S = 60.0
DEFAULT_CHECKPOINT_S = 20.0


def add_stack_options(parser: argparse.ArgumentParser) -> None:
    """Add inputs, output and every option of `stack`."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="frames in shot order, or one folder (sorted by name)",
    )
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "-o", "--out", type=Path, metavar="OUT", help="the result: a name ending in .jpg, .png or .tif"
    )
    wanted.add_argument(
        "--align-only",
        type=Path,
        metavar="DIR",
        help="instead of fusing, write every frame aligned and cropped into this folder, under its own name",
    )
    _add_aligning_options(parser)
    _add_fusing_options(parser)
    _add_output_options(parser)
    _add_live_options(parser)
    _add_running_options(parser)


def _add_aligning_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("aligning")
    group.add_argument(
        "--align",
        choices=get_args(AlignMethod),
        default="auto",
        help="none for frames that are registered already (default: %(default)s)",
    )
    group.add_argument(
        "--reference",
        type=whole_number(0),
        metavar="N",
        help="the frame whose geometry the others take, counted from 0 (default: the middle one)",
    )
    group.add_argument(
        "--save-transforms",
        type=Path,
        metavar="JSON",
        help="write how each frame lies on the reference frame and how bright it is against that",
    )
    group.add_argument(
        "--transforms",
        type=Path,
        metavar="JSON",
        help="use what --save-transforms wrote instead of aligning: for another exposure, or another "
        "development of the raws, of the same bracket",
    )


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
        "--prefer",
        choices=get_args(Prefer),
        default="none",
        help="which wins where two depths lie over one another and both have contrast, as with a net before a "
        "pattern: the earlier (near) or the later (far) frames (default: %(default)s)",
    )
    group.add_argument(
        "--order",
        choices=get_args(Order),
        default="given",
        help="name: sort as people count (2 before 10); time: by when they were taken; focus: as they follow one "
        "another in focus. A folder is sorted by name, or by focus if the names clearly do not follow it "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--crop",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="cut to the area that every frame covers (default: yes)",
    )
    group.add_argument(
        "--dark",
        type=Path,
        metavar="FRAME",
        help="a frame taken with the cap on, exposed as the others: its hot pixels are painted over in all of them",
    )
    group.add_argument(
        "--hot-pixels",
        choices=get_args(HotPixels),
        default="auto",
        help="auto: paint over single pixels that stay bright where they are in five frames or more while the scene "
        "moves; keep: touch nothing (default: %(default)s)",
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
        "--slab",
        type=whole_number(3),
        metavar="N",
        help="also fuse every N neighbouring frames on their own (two in common with the next), as OUT_slab01 ...",
    )
    group.add_argument(
        "--source-map",
        type=Path,
        metavar="PNG",
        help="write the number of the frame, from 0, that counts most at each pixel (16 bit)",
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
        "--quality",
        type=whole_number(1, 100),
        metavar="1..100",
        help=f"of a JPEG ({DEFAULT_QUALITY})",
    )


def _add_live_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("while the bracket is being shot")
    group.add_argument(
        "--follow",
        action="store_true",
        help="take frames as they appear in the folder, each as soon as its file is complete",
    )
    group.add_argument(
        "--expect",
        type=whole_number(1),
        metavar="N",
        help="with --follow: the bracket is complete with so many frames",
    )
    group.add_argument(
        "--idle",
        type=seconds,
        metavar="S",
        help=f"with --follow: it is complete when no frame has come for so long (default: {DEFAULT_IDLE_S:g})",
    )
    group.add_argument(
        "--preview",
        type=Path,
        metavar="JPG",
        help="keep a small picture of the growing stack there, replaced again and again",
    )


def _add_running_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    group.add_argument(
        "--memory-limit",
        type=whole_number(1),
        metavar="MB",
        help="stay below this much memory; for a machine that does other work too (default: what is free)",
    )
    group.add_argument(
        "--threads",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="0 for one per core (default: %(default)s)",
    )
    group.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="go on from where the same command was stopped, or fail; --no-resume starts anew "
        "(default: go on if it was stopped)",
    )
    group.add_argument(
        "--checkpoint",
        type=seconds,
        default=DEFAULT_CHECKPOINT_S,
        metavar="S",
        help="keep what is done so far beside the result every so many seconds, as OUT.fieldstack-state "
        "(default: %(default)g)",
    )
    group.add_argument("--quiet", action="store_true", help="say nothing but warnings and errors")


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
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


def seconds(value: str) -> float:
    """A type for argparse: a time above 0."""
    try:
        number = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{number:g} should be above 0")
    return number


def percent(value: str) -> float:
    """A type for argparse: above 0 and at most 10 percent."""
    try:
        number = float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is not a number") from None
    if not 0 < number <= 10:
        raise argparse.ArgumentTypeError(f"{number:g} should be above 0 and at most 10")
    return number
