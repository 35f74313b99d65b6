"""Imports stand back for the rig's own work: in the stacker's queue, and while a bracket is being shot."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fakecard import FakeCard
from simrig import PATIENCE_S

from rig.bracketfolder import BracketFolder, create_folder
from rig.config import SourceSettings
from rig.durable import free_bytes
from rig.importdesk import ImportDesk
from rig.scan import Scan
from rig.sources import Source, Sources
from rig.stackqueue import StackQueue, StackTask

# Notes every job it is given. A job of b000001 goes on until it is cancelled, the first time.
STACKER = """
import json, pathlib, sys
job = json.loads(sys.stdin.readline())
out = pathlib.Path(job["out"])
log = out.parents[3] / "log"
with log.open("a") as file:
    file.write(out.parents[2].name + "\\n")
if out.parents[2].name == "b000001" and log.read_text().count("b000001") == 1:
    sys.stdin.readline()
    sys.exit(130)
out.write_bytes(pathlib.Path(job["frames"][0]).read_bytes())
print(json.dumps({"event": "done", "report": {}}))
"""
ENDLESS = "import sys, time\nsys.stdin.readline()\nwhile True: time.sleep(0.01)"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def task(tmp_path: Path) -> Callable[..., StackTask]:
    frame = FakeCard(tmp_path / "card").bracket(3)[0]

    def make(bracket_id: str, background: bool) -> StackTask:
        folder: BracketFolder = create_folder(tmp_path / bracket_id, {}, free_bytes)
        return StackTask(folder, [frame], {}, depth_map=False, background=background)

    return make


def ran(tmp_path: Path) -> list[str]:
    log = tmp_path / "log"
    return log.read_text().split() if log.exists() else []


def test_the_rigs_own_stack_ends_an_imported_one_which_is_begun_again_afterwards(
    task: Callable[..., StackTask], tmp_path: Path
) -> None:
    queue = StackQueue(lambda progress: None, (sys.executable, "-c", STACKER))
    queue.start()
    imported, own = task("b000001", True), task("b000002", False)
    queue.put(imported)
    until(lambda: ran(tmp_path) == ["b000001"])
    queue.put(own)

    assert queue.wait_idle(PATIENCE_S)
    assert ran(tmp_path) == ["b000001", "b000002", "b000001"]
    assert (imported.progress.stage, own.progress.stage) == ("done", "done")
    queue.close()


def test_the_rigs_own_stacks_go_before_imported_ones_that_wait(
    task: Callable[..., StackTask], tmp_path: Path
) -> None:
    queue = StackQueue(lambda progress: None, (sys.executable, "-c", STACKER))
    for bracket, background in (("b000005", True), ("b000006", True), ("b000007", False), ("b000008", False)):
        queue.put(task(bracket, background))
    queue.start()

    assert queue.wait_idle(PATIENCE_S)
    assert ran(tmp_path) == ["b000007", "b000008", "b000005", "b000006"]
    queue.close()


def test_an_imported_stack_that_stands_back_can_still_be_cancelled(
    task: Callable[..., StackTask], tmp_path: Path
) -> None:
    queue = StackQueue(lambda progress: None, (sys.executable, "-c", STACKER))
    queue.start()
    imported = task("b000001", True)
    queue.put(imported)
    until(lambda: ran(tmp_path) == ["b000001"])
    imported.cancel()
    queue.put(task("b000002", False))

    assert queue.wait_idle(PATIENCE_S)
    assert ran(tmp_path) == ["b000001", "b000002"] and imported.progress.stage == "cancelled"
    queue.close()


def state_of(pid: int) -> str:
    """R, S, T (stopped) ... of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_scan_is_stopped_dead_and_goes_on(tmp_path: Path) -> None:
    source = Source("s00000000", "card", "folder", tmp_path, "")
    scan = Scan(source, tmp_path / "thumbs", (sys.executable, "-c", ENDLESS))
    thread = threading.Thread(target=scan.run)
    thread.start()
    until(lambda: scan._process is not None)
    assert scan._process is not None
    pid = scan._process.pid
    scan.hold(True)
    until(lambda: state_of(pid) == "T")
    scan.hold(False)
    until(lambda: state_of(pid) != "T")
    scan.hold(True)
    scan.cancel()  # also while it is stopped
    thread.join(PATIENCE_S)

    assert scan.view().state == "cancelled"


def test_a_scan_whose_process_dies_is_said_so_and_costs_the_rig_nothing(tmp_path: Path) -> None:
    source = Source("s00000000", "card", "folder", tmp_path, "")
    scan = Scan(source, tmp_path / "thumbs", (sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"))
    scan.run()

    assert scan.view().state == "failed" and "looking through card broke off" in str(scan.view().error)


LIES = [
    '{"event": "frames", "frames": [{"path": "../../etc/shadow"}]}',
    '{"event": "groups", "groups": [["x", 1, true]]}',
    '{"event": "progress"}',
    '{"event": "done"}',
]


@pytest.mark.parametrize("lie", LIES)
def test_a_scan_whose_process_tells_nonsense_is_ended(tmp_path: Path, lie: str) -> None:
    source = Source("s00000000", "card", "folder", tmp_path, "")
    program = f"import time; print({lie!r}, flush=True); time.sleep(600)"
    scan = Scan(source, tmp_path / "thumbs", (sys.executable, "-c", program))
    scan.run()

    assert scan.view().state == "failed"


def test_without_time_to_look_brackets_are_told_apart_by_their_times_alone(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.bracket(5)
    card.bracket(5)  # without a pause: only the pictures tell that the focus starts anew
    source = Source("s00000000", "card", "folder", card.root, "")
    hasty, patient = Scan(source, tmp_path / "thumbs"), Scan(source, tmp_path / "thumbs")
    hasty.run(look_s=-1)
    patient.run()

    assert (hasty.view().state, hasty.view().complete, hasty.view().brackets) == ("done", False, 1)
    assert (patient.view().state, patient.view().complete, patient.view().brackets) == ("done", True, 2)


class Busy:
    """A rig that shoots until it is told to stop."""

    def __init__(self) -> None:
        self.shooting = True
        self.asked = 0

    def wants_quiet(self) -> bool:
        self.asked += 1
        return self.shooting


def test_no_scan_is_begun_while_a_bracket_is_being_shot(tmp_path: Path) -> None:
    card = FakeCard(tmp_path / "card")
    card.bracket(3)
    busy = Busy()
    sources = Sources(SourceSettings(folders=(str(card.root),), removable=False))
    desk = ImportDesk(sources, tmp_path / "data", busy)  # type: ignore[arg-type]
    ((source, _),) = desk.sources()
    job = desk.scan(source.id)
    until(lambda: busy.asked > 3)
    assert desk.job(job).state == "waiting"
    busy.shooting = False

    assert desk.wait_idle(PATIENCE_S)
    assert desk.job(job).state == "done"
    desk.close()
