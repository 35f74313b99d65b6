"""`fieldstack import`: the brackets on another camera's card, copied and stacked as the phone does it."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rig.bracketfolder import BracketFolder
from rig.commands.edge import InterruptedCommandError, run_at_the_edge
from rig.commands.options import (
    Subparsers,
    add_command,
    add_config,
    add_data,
    add_json,
    data_folder,
    settings_from,
)
from rig.config import Settings
from rig.copying import moment
from rig.errors import ConfigError, SourceError, StackFailedError
from rig.importdesk import ImportDesk
from rig.importjob import JobView
from rig.scan import ScanView
from rig.sources import Source, Sources
from rig.stackorders import stacker_settings
from rig.stackqueue import StackQueue, StackTask
from rig.store import Store
from rig.store import opened as opened_store
from stacker.console import Console
from stacker.console import tell as say
from stacker.interrupt import cancelled_by_signals

LOOK_S = 0.3  # Ctrl-C is felt within this time

Ends = tuple[int, int]


def add_import_parser(commands: Subparsers) -> None:
    """Add `import` to the commands."""
    parser = add_command(
        commands,
        "import",
        "copy the brackets on another camera's card to the rig and stack them",
        run_import,
        "Without SOURCE it lists the cards and folders there are. The card is only read; Ctrl-C keeps what is done.",
    )
    parser.add_argument(
        "source", nargs="?", metavar="SOURCE", help="a folder, or the name or id of a card that is mounted"
    )
    parser.add_argument(
        "--list", action="store_true", dest="only_list", help="say which brackets there are, and copy nothing"
    )
    parser.add_argument(
        "--brackets",
        type=numbers,
        metavar="1,3-5",
        help="only these, as --list numbers them (default: all that are found)",
    )
    parser.add_argument(
        "--method",
        choices=("auto", "pyramid", "depthmap", "average"),
        help="of fusion (default: the settings)",
    )
    parser.add_argument("--align", choices=("auto", "none"), help="(default: auto)")
    add_data(parser)
    add_config(parser)
    add_json(parser)


def numbers(text: str) -> list[int]:
    """ "1,3-5" -> [1, 3, 4, 5]. Raises ArgumentTypeError."""
    chosen: list[int] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not low.strip().isdecimal() or (dash and not high.strip().isdecimal()):
            raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 1,3-5")
        chosen += range(int(low), int(high if dash else low) + 1)
    return chosen


def run_import(args: argparse.Namespace) -> int:
    """`fieldstack import`: returns the exit code."""
    return run_at_the_edge(lambda console: import_brackets(args, console), quiet=args.json)


def import_brackets(args: argparse.Namespace, console: Console) -> None:
    """List sources, list brackets, or copy and stack them."""
    settings = settings_from(args)
    if args.source is None:
        list_sources(Sources(settings.sources).now(), args.json, console)
        return
    source = Sources(settings.sources).named(args.source)
    folders = (*settings.sources.folders, *([str(source.root)] if source.kind == "folder" else []))
    sources = Sources(replace(settings.sources, folders=folders))
    store = Store(data_folder(args, settings), settings.store.reserve_mb * 1_000_000)
    with cancelled_by_signals() as cancelled:
        if args.only_list:
            with tempfile.TemporaryDirectory(prefix="fieldstack-") as scratch:
                desk = ImportDesk(sources, Path(scratch), CommandShelf(settings, store, None))
                with closed(desk):
                    view = looked_through(desk, source, console, cancelled)
            list_brackets(source, view, args.json, console)
            return
        queue = StackQueue(lambda progress: None)
        with opened_store(store):
            queue.start()
            try:
                desk = ImportDesk(sources, store.folder, CommandShelf(settings, store, queue))
                with closed(desk):
                    view = looked_through(desk, source, console, cancelled)
                    asked = {"method": args.method, "align": args.align}
                    ends = chosen(view, args.brackets, source)
                    order = {name: value for name, value in asked.items() if value is not None}
                    jobs = desk.order(source.id, view.id, ends, order, None)
                    views = done(desk, jobs, console, cancelled)
            finally:
                queue.close()
            tell(store, views, args.json, console)


class CommandShelf:
    """See rig.importdesk.Shelf: the store alone, with nothing that could be disturbed."""

    def __init__(self, settings: Settings, store: Store, queue: StackQueue | None) -> None:
        self._settings = settings
        self._store = store
        self._queue = queue

    def room(self) -> int:
        """Bytes free for brackets."""
        return self._store.room()

    def begin(self, expected_bytes: int, head: dict[str, Any]) -> BracketFolder:
        """A new bracket that has no name yet. Raises StorageFullError."""
        return self._store.begin(expected_bytes, **head)

    def checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the stacker is to be told, complete. Raises ConfigError."""
        return stacker_settings(self._settings.stacking, settings)

    def stack(self, bracket_id: str, settings: dict[str, Any]) -> StackTask:
        """Order its stack. settings: checked."""
        assert self._queue is not None
        folder = self._store.folder_of(bracket_id)
        frames = [folder.frame_path(frame.index) for frame in self._store.detail(bracket_id).in_focus_order]
        task = StackTask(folder, frames, settings, self._settings.stacking.depth_map)
        self._queue.put(task)
        return task

    def prefer(self, task: StackTask) -> None:
        """The command's own queue: nobody is there to change its order."""
        assert self._queue is not None
        self._queue.prefer(task)

    def wants_quiet(self) -> bool:
        """Never: no rig runs in this program."""
        return False


@contextmanager
def closed(desk: ImportDesk) -> Iterator[None]:
    """Whatever happens, the desk's threads and processes are gone afterwards."""
    try:
        yield
    finally:
        desk.close()


def looked_through(
    desk: ImportDesk, source: Source, console: Console, cancelled: Callable[[], bool]
) -> ScanView:
    """What is on a source. Raises SourceError, InterruptedCommandError."""
    desk.scan(source.id)
    while not desk.wait_idle(LOOK_S):
        seen = desk.source(source.id)[1]
        if seen is not None and seen.total:
            console.progress(seen.done, seen.total, seen.state)
        if cancelled():
            raise InterruptedCommandError("interrupted while looking through the card: nothing was copied")
    view = desk.source(source.id)[1]
    if view is None or view.error is not None:
        raise SourceError(
            f"{source.name} could not be looked through: {view.error if view else 'it is gone'}"
        )
    return view


def brackets_of(view: ScanView) -> list[Ends]:
    """First and last frame of each bracket, as the list numbers them from 1."""
    return [(first, last) for first, last, is_bracket in view.groups if is_bracket]


def chosen(view: ScanView, wanted: Sequence[int] | None, source: Source) -> list[Ends]:
    """The brackets asked for. Raises ConfigError when there are none, or not all of them exist."""
    found = brackets_of(view)
    if not found:
        raise SourceError(f"there is no bracket among the {len(view.frames)} pictures of {source.name}")
    for number in wanted or ():
        if not 1 <= number <= len(found):
            raise ConfigError(f"there is no bracket {number}: {source.name} has 1 to {len(found)}")
    return found if wanted is None else [found[number - 1] for number in wanted]


def done(
    desk: ImportDesk, jobs: Sequence[str], console: Console, cancelled: Callable[[], bool]
) -> list[JobView]:
    """The jobs when all of them are over. Raises InterruptedCommandError."""
    halted = False
    while True:
        views = [desk.job(job) for job in jobs]
        over = sum(view.over for view in views)
        if over == len(views):
            break
        at_work = next(view for view in views if not view.over)
        console.progress(at_work.done, at_work.total, f"{at_work.state} {over + 1} of {len(views)}")
        if cancelled() and not halted:
            halted = True
            for job in jobs:
                desk.cancel(job)
        desk.wait_news(LOOK_S)
    if halted:
        kept = [view.bracket for view in views if view.bracket is not None]
        raise InterruptedCommandError(
            f"interrupted: {sum(view.state == 'done' for view in views)} brackets are stacked"
            + (f", the frames of {', '.join(kept)} are kept" if kept else "")
        )
    return views


# --- saying ---------------------------------------------------------------------------------------------
def list_sources(sources: Sequence[Source], as_json: bool, console: Console) -> None:
    """One line a source."""
    if as_json:
        say(json.dumps([{"id": s.id, "name": s.name, "kind": s.kind} for s in sources], indent=1))
        return
    for source in sources:
        console.tell(f"{source.id}  {source.kind:6}  {source.name}")
    if not sources:
        console.tell("no card is mounted and no folder is named in the settings ([sources] folders)")


def list_brackets(source: Source, view: ScanView, as_json: bool, console: Console) -> None:
    """One line a bracket, numbered from 1."""
    rows = []
    for number, (first, last) in enumerate(brackets_of(view), start=1):
        frame = view.frames[first]
        rows.append(
            {
                "number": number,
                "frames": last - first + 1,
                "first": frame.name,
                "last": view.frames[last].name,
                "taken": moment(frame.taken),
                "camera": frame.camera,
            }
        )
    if as_json:
        say(json.dumps(rows, indent=1))
        return
    for row in rows:
        when = str(row["taken"] or "time unknown")[:19].replace("T", " ")
        console.tell(
            f"{row['number']:3}  {when:19}  {row['frames']:3} frames  {row['first']} to {row['last']}  {row['camera']}"
        )
    console.tell(f"{len(rows)} brackets among the {len(view.frames)} pictures of {source.name}")


def tell(store: Store, views: Sequence[JobView], as_json: bool, console: Console) -> None:
    """What became of each bracket. Raises StackFailedError when any has no result."""
    failed = [view for view in views if view.state != "done"]
    paths = {
        view.id: str(store.file(view.bracket, "fused", result=view.result))
        for view in views
        if view.state == "done" and view.bracket is not None
    }
    if as_json:
        facts = [{**asdict(view), "path": paths.get(view.id)} for view in views]
        keep = ("bracket", "result", "state", "path", "error")
        say(json.dumps([{name: fact[name] for name in keep} for fact in facts], indent=1))
    for view in views:
        if view.id in paths:
            console.tell(f"{view.bracket}: fused image: {paths[view.id]}")
        else:
            console.warn(view.error or f"a bracket of {view.name} was {view.state}")
    if failed:
        raise StackFailedError(f"stacked {len(paths)} of {len(views)} brackets")
    console.tell(f"stacked {len(paths)} of {len(views)} brackets; the card may be taken out")
