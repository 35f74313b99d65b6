"""`fieldstack plan`: the focus step and the number of frames, explained."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from rig.commands.distance import distance
from rig.commands.edge import run_at_the_edge
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_json,
    add_lens,
    lens_settings,
    settings_from,
)
from rig.lens import depth_of_field_um, focus_step_um
from rig.plan import BracketPlan, plan_bracket, plan_depth
from stacker.console import Console

ABOUT_ONE_FRAME = 3  # of the sentences: f-number, depth of field, step; the others are about the bracket


def add_plan_parser(commands: Subparsers) -> None:
    """Add `plan` to the commands."""
    parser = add_command(commands, "plan", "explain the focus step and how many frames it takes", run_plan)
    optics = parser.add_argument_group("optics (default: the settings)")
    add_lens(optics)
    optics.add_argument(
        "--magnification", type=float, metavar="M", help="size on the sensor / size of the subject"
    )
    optics.add_argument("--f-number", type=float, metavar="N", help="as engraved on the lens")
    optics.add_argument(
        "--pupil-ratio", type=float, metavar="P", help="exit pupil / entrance pupil, when known"
    )
    optics.add_argument(
        "--overlap", type=float, metavar="0..0.9", help="of neighbouring frames' depths of field"
    )
    optics.add_argument(
        "--criterion",
        choices=("wave", "economy"),
        help="of sharpness: wave is the safe one, economy takes fewer frames where the lens allows it",
    )
    optics.add_argument(
        "--steps-per-um", type=float, metavar="S", help="motor steps for one µm of focus at the subject"
    )
    where = parser.add_argument_group("range")
    where.add_argument("--depth", type=float, metavar="MM", help="of the subject, in millimetres")
    where.add_argument(
        "--near", type=distance, metavar="S", help="focus of the nearest frame: 1200 (steps), 300um or 1.2mm"
    )
    where.add_argument("--far", type=distance, metavar="S", help="focus of the farthest frame")
    parser.add_argument("--step", type=distance, metavar="S", help="a step of your own: 12 (steps) or 50um")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(wrong_use=parser.error)


def run_plan(args: argparse.Namespace) -> int:
    """`fieldstack plan`: returns the exit code."""
    if (args.near is None) != (args.far is None):
        args.wrong_use("--near and --far belong together: give both")
    if args.depth is not None and args.near is not None:
        args.wrong_use("--depth and --near/--far say the same: give one of them")
    return run_at_the_edge(lambda console: plan(args, console))


def given_lens(args: argparse.Namespace) -> dict[str, float | None]:
    """The lens that is planned for; what is given by hand counts before what its name stands for."""
    given = {"optics.magnification": args.magnification, "optics.f_number": args.f_number}
    return {**given, **{k: v for k, v in lens_settings(args.lens).items() if given[k] is None}}


def plan(args: argparse.Namespace, console: Console) -> None:
    """Say how a bracket of this depth would be shot; without a depth, what one step would be."""
    settings = settings_from(
        args,
        {
            **given_lens(args),
            "optics.pupil_ratio": args.pupil_ratio,
            "optics.overlap": args.overlap,
            "optics.depth": args.criterion,
            "motor.steps_per_um": args.steps_per_um,
        },
    )
    per_um = settings.motor.steps_per_um
    step = None if args.step is None else args.step.whole_steps(per_um)
    if args.near is not None:
        near, far = args.near.nearest_steps(per_um), args.far.nearest_steps(per_um)
        found = plan_bracket(settings, near, far, step)
    else:
        found = plan_depth(settings, (args.depth or 0.0) * 1000, None if step is None else step / per_um)
    whole = args.depth is not None or args.near is not None
    if args.json:
        facts = asdict(found) if whole else {"step_um": found.step_um, "step_steps": found.step_steps}
        optics = {
            "depth_of_field_um": depth_of_field_um(settings.optics),
            "wanted_step_um": focus_step_um(settings.optics),
        }
        print(json.dumps({**facts, **optics}, indent=1))
        return
    for sentence in sentences(found, whole):
        console.tell(sentence)


def sentences(found: BracketPlan, whole: bool) -> tuple[str, ...]:
    """The plan in sentences; not whole: those about a single frame."""
    return (found.why if whole else found.why[:ABOUT_ONE_FRAME]) + found.warnings
