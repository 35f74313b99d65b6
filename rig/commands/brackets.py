"""`fieldstack brackets`: what is on the card, and what can still be done with it."""

from __future__ import annotations

import argparse
import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rig.brackets import BracketDetail, BracketSummary
from rig.commands.edge import InterruptedCommandError, run_at_the_edge
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_json,
    add_sim,
    data_folder,
    settings_from,
)
from rig.commands.shoot import opened, shot_and_stacked
from rig.durable import PART, megabytes, sync_folder
from rig.errors import NoSuchBracketError, PlanError, StackFailedError, StoreError
from rig.repair import ENDS
from rig.stackorders import stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.status import StackProgress
from rig.store import Store
from rig.store import opened as opened_store
from rig.workflow import Workflow
from stacker.console import Console
from stacker.interrupt import cancelled_by_signals

LOOK_S = 0.5  # Ctrl-C is felt within this time


def add_brackets_parser(commands: Subparsers) -> None:
    """Add `brackets` with its own commands."""
    brackets = commands.add_parser(
        "brackets", help="list, show, stack, go on with, export or delete brackets", allow_abbrev=False
    )
    under = brackets.add_subparsers(title="commands", required=True, metavar="COMMAND")

    listing = _command(under, "list", "list the brackets on the card, newest first", list_brackets)
    add_json(listing)

    showing = _command(under, "show", "show what is known of a bracket", show_bracket, one=True)
    showing.add_argument("--check", action="store_true", help="read every frame and compare its checksum")
    add_json(showing)

    stacking = _command(under, "stack", "stack a bracket (again)", stack_bracket, one=True)
    stacking.add_argument(
        "--method",
        choices=("auto", "pyramid", "depthmap", "average"),
        help="of fusion (default: the settings)",
    )
    stacking.add_argument("--align", choices=("auto", "none"), default="auto", help="(default: %(default)s)")
    stacking.add_argument(
        "--crop",
        action=argparse.BooleanOptionalAction,
        help="cut to the area that every frame covers (default: the settings)",
    )
    add_json(stacking)

    resuming = _command(
        under,
        "resume",
        "shoot the missing frames of a stopped or interrupted bracket",
        resume_bracket,
        one=True,
    )
    add_sim(resuming)
    resuming.add_argument("--no-stack", action="store_true", help="shoot only; stack later or elsewhere")
    add_json(resuming)

    extending = _command(
        under, "extend", "shoot more frames beyond the ends of a bracket", extend_bracket, one=True
    )
    extending.add_argument("--end", choices=ENDS, help="which end (default: whichever turned out cut)")
    extending.add_argument(
        "--frames", type=int, metavar="N", help="how many (default: as many as the verdict asked for)"
    )
    add_sim(extending)
    extending.add_argument("--no-stack", action="store_true", help="shoot only; stack later or elsewhere")
    add_json(extending)

    filling = _command(
        under, "fill", "shoot between frames that are further apart than planned", fill_bracket, one=True
    )
    add_sim(filling)
    filling.add_argument("--no-stack", action="store_true", help="shoot only; stack later or elsewhere")
    add_json(filling)

    exporting = _command(under, "export", "copy a bracket to another place", export_bracket, one=True)
    exporting.add_argument("to", type=Path, metavar="TO", help="a new folder, or a new file ending in .zip")

    deleting = _command(under, "delete", "delete brackets for good", delete_brackets)
    deleting.add_argument("ids", nargs="+", metavar="ID", help="such as b000012")


def _command(
    under: Subparsers, name: str, help_: str, work: Any, one: bool = False
) -> argparse.ArgumentParser:
    def run(args: argparse.Namespace) -> int:
        return run_at_the_edge(lambda console: work(args, console), quiet=getattr(args, "json", False))

    parser = add_command(under, name, help_, run)
    if one:
        parser.add_argument("id", metavar="ID", help="such as b000012")
    add_data(parser)
    add_config(parser)
    return parser


def store_of(args: argparse.Namespace) -> Store:
    """The brackets' folder, not yet open for writing."""
    settings = settings_from(args)
    return Store(data_folder(args, settings), settings.store.reserve_mb * 1_000_000)


# --- looking: works while the rig runs -----------------------------------------------------------------
def list_brackets(args: argparse.Namespace, console: Console) -> None:
    """One line a bracket."""
    store = store_of(args)
    store.see_active()
    summaries = store.summaries()
    if args.json:
        print(json.dumps([summary.as_dict() for summary in summaries], indent=1))
        return
    for summary in summaries:
        console.tell(line_of(summary))
    for bracket_id in sorted(set(store.ids()) - {summary.id for summary in summaries}):
        console.warn(
            f"the facts of {bracket_id} are damaged: `fieldstack brackets show {bracket_id}` says how"
        )
    if not store.ids():
        console.tell(f"no brackets in {store.folder}")


def line_of(summary: BracketSummary) -> str:
    """A bracket in one line of a list."""
    frames = f"{summary.frames_done}/{summary.frames_planned} frames"
    state = "being shot" if summary.outcome is None else summary.outcome.value
    results = ", ".join(summary.results) or "not stacked"
    when = (summary.created or "time unknown")[:19].replace("T", " ")
    return f"{summary.id}  {when:19}  {state:11}  {frames:14}  {megabytes(summary.bytes):>8}  {results}"


def show_bracket(args: argparse.Namespace, console: Console) -> None:
    """Everything noted about a bracket; with --check also whether its frames are whole."""
    store = store_of(args)
    store.see_active()
    detail = store.with_reports(store.detail(args.id))
    if args.json:
        print(json.dumps(detail.as_dict(), indent=1))
    else:
        for line in lines_of(detail, store.folder_of(args.id).path):
            console.tell(line)
    if args.check:
        damaged = [frame.name for frame in store.folder_of(args.id).damaged_frames()]
        if damaged:
            raise StoreError(
                f"{len(damaged)} frames of {args.id} are missing or damaged: {', '.join(damaged)}"
            )
        console.tell(f"all {len(detail.frames)} frames are as they were written")


def lines_of(detail: BracketDetail, path: Path) -> list[str]:
    """A bracket for people."""
    lines = [line_of(detail.summary), f"folder: {path}"]
    lines += [str(sentence) for sentence in detail.plan.get("why", ())]
    lines += [
        f"{frame.name}  {frame.position_steps} steps  {frame.exposure_us} µs  gain {frame.gain:g}  "
        f"sharpness {frame.sharpness:.4g}"
        for frame in detail.frames
    ]
    lines += [
        f"{result.id}: {result.method}, {result.used} of {result.frames} frames, "
        f"{result.width}×{result.height}{''.join(f'; {warning}' for warning in result.warnings)}"
        for result in detail.results
    ]
    return lines


# --- working: one at a time ----------------------------------------------------------------------------
def stack_bracket(args: argparse.Namespace, console: Console) -> None:
    """Stack what is there of a bracket, without any device. Ctrl-C ends it without a result."""
    settings = settings_from(args)
    asked = {"method": args.method, "align": args.align, "crop": args.crop}
    order = stacker_settings(settings.stacking, {k: v for k, v in asked.items() if v is not None})
    with opened_store(store_of(args)) as store:
        detail = store.detail(args.id)
        if not detail.frames:
            raise NoSuchBracketError(f"bracket {args.id} has no frame to stack")
        folder = store.folder_of(args.id)
        frames = [folder.frame_path(frame.index) for frame in detail.in_focus_order]
        task = StackTask(folder, frames, order, settings.stacking.depth_map)
        last = _stack(task, console)
        if last.stage == "cancelled":
            raise InterruptedCommandError(
                f"interrupted: no result was kept; the frames of {args.id} are safe"
            )
        if last.error is not None:
            raise StackFailedError(last.error)
        fused = store.file(args.id, "fused", result=task.result_id)
        result = store.detail(args.id).results[-1]
    if args.json:
        print(json.dumps({"id": args.id, "result": task.result_id, "path": str(fused), "used": result.used}))
    else:
        for warning in result.warnings:
            console.warn(warning)
        console.tell(f"fused image: {fused}")


def _stack(task: StackTask, console: Console) -> StackProgress:
    queue = StackQueue(lambda progress: console.progress(progress.done, progress.total, "stacking"))
    queue.start()
    queue.put(task)
    try:
        with cancelled_by_signals() as cancelled:
            while not queue.wait_idle(LOOK_S):
                if cancelled():
                    queue.cancel()
    finally:
        queue.close()
    return task.progress


def resume_bracket(args: argparse.Namespace, console: Console) -> None:
    """Shoot what is missing, on the rig (or the simulated scene) it was begun on."""
    shoot_more(args, console, lambda workflow: workflow.resume(args.id))


def extend_bracket(args: argparse.Namespace, console: Console) -> None:
    """Shoot beyond an end, on the rig (or the simulated scene) it was begun on."""
    if args.frames is not None and args.frames < 1:
        raise PlanError(f"--frames {args.frames} would shoot nothing: it must be at least 1")
    shoot_more(args, console, lambda workflow: workflow.extend(args.id, args.frames, args.end))


def fill_bracket(args: argparse.Namespace, console: Console) -> None:
    """Shoot between frames, on the rig (or the simulated scene) it was begun on."""
    shoot_more(args, console, lambda workflow: workflow.fill_gaps(args.id))


def shoot_more(args: argparse.Namespace, console: Console, ask: Callable[[Workflow], None]) -> None:
    """Ask an opened workflow for more frames of a bracket, and wait for them and their stack."""
    settings = settings_from(args, {"stacking.live": False if args.no_stack else None})
    folder = data_folder(args, settings)
    sim = args.sim or Store(folder).detail(args.id).summary.simulated
    with opened(settings, folder, sim, console) as (workflow, cancelled):
        ask(workflow)
        shot_and_stacked(workflow, args.id, not args.no_stack, args.json, console, cancelled)


def export_bracket(args: argparse.Namespace, console: Console) -> None:
    """Copy a bracket as a folder or a ZIP; whole or not at all."""
    store = store_of(args)
    store.see_active()
    if store.detail(args.id).summary.outcome is None:
        raise StoreError(f"bracket {args.id} is being shot: export it afterwards")
    source, target = store.folder_of(args.id).path, args.to
    if target.exists():
        raise StoreError(f"{target} exists already: name a new folder or ZIP")
    part = target.with_name(target.name + PART)
    try:
        if target.suffix.lower() == ".zip":
            write_zip(source, part)
        else:
            shutil.copytree(source, part, ignore=shutil.ignore_patterns(f"*{PART}"))
        part.rename(target)
        sync_folder(target.absolute().parent)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)
        raise StoreError(f"{target} cannot be written: {error}") from error
    console.tell(f"wrote {target}")


def write_zip(source: Path, target: Path) -> None:
    """A folder as a ZIP, stored as it is: pictures do not become smaller."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and PART not in path.relative_to(source).as_posix():
                archive.write(path, Path(source.name) / path.relative_to(source))


def delete_brackets(args: argparse.Namespace, console: Console) -> None:
    """Delete these brackets, all of which must exist."""
    with opened_store(store_of(args)) as store:
        for bracket_id in args.ids:
            store.folder_of(bracket_id)
        for bracket_id in args.ids:
            store.delete(bracket_id)
            console.tell(f"deleted {bracket_id}")
