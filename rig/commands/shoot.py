"""`fieldstack shoot`: one bracket, stacked while it is shot."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rig.box import Box, checked_box
from rig.commands.distance import distance
from rig.commands.edge import run_at_the_edge
from rig.commands.follow import follow_bracket, follow_stack, outcome_facts, wait_until_still
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_json,
    add_lens,
    add_sim,
    builder,
    data_folder,
    lens_settings,
    settings_from,
)
from rig.commands.signals import ended_by_signals
from rig.config import Settings
from rig.errors import NotAllowedError
from rig.status import Status
from rig.workflow import Workflow
from stacker.console import Console

EPILOG = (
    "Without --near, --far and --auto it shoots between the near and far set last, as the rig's button does, "
    "and looks for the range when none is set. Ctrl-C keeps the frames: see `fieldstack brackets resume`."
)


def add_shoot_parser(commands: Subparsers) -> None:
    """Add `shoot` to the commands."""
    parser = add_command(commands, "shoot", "shoot a focus bracket and stack it", run_shoot, EPILOG)
    where = parser.add_argument_group("range")
    where.add_argument(
        "--near", type=distance, metavar="S", help="focus of the nearest frame: 1200 (steps), 300um or 1.2mm"
    )
    where.add_argument("--far", type=distance, metavar="S", help="focus of the farthest frame")
    where.add_argument("--auto", action="store_true", help="find near and far by a sweep over the travel")
    where.add_argument(
        "--box",
        type=box,
        metavar="X,Y,W,H",
        help="with --auto: only what is in this part of the picture; its left and upper edge, width and height "
        "as fractions of the picture, 0.25,0.25,0.5,0.5 for the middle "
        "(default: the whole picture)",
    )
    how = parser.add_argument_group("step").add_mutually_exclusive_group()
    how.add_argument(
        "--step",
        type=distance,
        metavar="S",
        help="between frames: 12 (steps) or 50um (default: from the optics)",
    )
    how.add_argument(
        "--overlap",
        type=float,
        metavar="0..0.9",
        help="share of the depth of field that neighbouring frames have in common; more where the subject "
        "has fine relief (default: the settings, 0.3)",
    )
    add_lens(parser)
    add_sim(parser)
    add_data(parser)
    parser.add_argument("--no-stack", action="store_true", help="shoot only; stack later or elsewhere")
    add_config(parser)
    add_json(parser)
    parser.set_defaults(wrong_use=parser.error)


def box(text: str) -> Box:
    """For argparse: "0.25,0.25,0.5,0.5"."""
    try:
        return checked_box([float(one) for one in text.split(",")])
    except NotAllowedError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no box: write four fractions of the picture, 0.25,0.25,0.5,0.5 for its middle"
        ) from error


def run_shoot(args: argparse.Namespace) -> int:
    """`fieldstack shoot`: returns the exit code."""
    if (args.near is None) != (args.far is None):
        args.wrong_use("--near and --far belong together: give both")
    if args.auto and args.near is not None:
        args.wrong_use("--auto finds near and far itself: leave out --near and --far")
    if args.box is not None and not args.auto:
        args.wrong_use("--box is where --auto looks: give --auto too")
    if args.lens is not None and args.sim is not None:
        args.wrong_use("a simulated scene has a lens of its own: leave out --lens")
    return run_at_the_edge(lambda console: shoot(args, console), quiet=args.json)


def shoot(args: argparse.Namespace, console: Console) -> None:
    """Shoot the bracket that the options ask for, stack it and say where it is."""
    settings = settings_from(
        args,
        {
            **lens_settings(args.lens),
            "optics.overlap": args.overlap,
            "stacking.live": False if args.no_stack else None,
        },
    )
    with opened(settings, data_folder(args, settings), args.sim, console) as (workflow, cancelled):
        per_um = workflow.settings.motor.steps_per_um
        workflow.set_step(None if args.step is None else args.step.whole_steps(per_um))
        workflow.check_exposure()  # before it is looked for a range in vain
        find_limits(workflow, args, console, cancelled)
        bracket_id = workflow.start_bracket()
        shot_and_stacked(workflow, bracket_id, not args.no_stack, args.json, console, cancelled)


@contextmanager
def opened(
    settings: Settings, folder: Path, sim: str | None, console: Console
) -> Iterator[tuple[Workflow, Callable[[], bool]]]:
    """An opened workflow at rest, and whether a signal asked for the end; closed at the end whatever happens."""
    workflow = Workflow(settings, folder, build=builder(sim))
    with ended_by_signals() as cancelled:
        try:
            workflow.open(wait=False)
            status = wait_until_still(workflow, console, cancelled, "starting the rig")
            if status.message is not None:
                console.warn(status.message)
            yield workflow, cancelled
        finally:
            workflow.close()


def find_limits(
    workflow: Workflow, args: argparse.Namespace, console: Console, cancelled: Callable[[], bool]
) -> None:
    """Near and far from the options, as they were set last, or by a sweep."""
    if args.near is not None:
        workflow.clear_limits()
        per_um = workflow.settings.motor.steps_per_um
        workflow.set_near(args.near.nearest_steps(per_um))
        workflow.set_far(args.far.nearest_steps(per_um))
        return
    focus = workflow.status().focus
    if args.auto or focus.near_steps is None or focus.far_steps is None:
        workflow.auto_range(box=args.box)
        status = wait_until_still(workflow, console, cancelled, "looking for the sharp range")
        if status.message is not None:
            console.tell(status.message)


def shot_and_stacked(
    workflow: Workflow,
    bracket_id: str,
    stack: bool,
    as_json: bool,
    console: Console,
    cancelled: Callable[[], bool],
) -> None:
    """Wait for a bracket and its stack; say what there is."""
    status = follow_bracket(workflow, bracket_id, console, cancelled)
    if stack:
        if not workflow.settings.stacking.live:
            workflow.stack(bracket_id)
        follow_stack(workflow, bracket_id, console, cancelled)
    facts = outcome_facts(workflow, bracket_id, status)
    if as_json:
        print(json.dumps(facts, indent=1))
    else:
        tell(facts, status, console)


def tell(facts: dict[str, Any], status: Status, console: Console) -> None:
    """What there is now, in sentences."""
    console.tell(f"bracket {facts['id']}: {facts['frames']} frames in {facts['folder']}")
    if facts["verdict_sentence"]:
        console.tell(facts["verdict_sentence"])
    if status.message is not None:
        console.warn(status.message)
    if facts["result"] is not None:
        console.tell(f"fused image: {facts['result']['path']}")
