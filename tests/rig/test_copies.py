"""Brackets copied to a stick: whole and checked, the same ones once, nothing replaced, and told as it went."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakecomputer import Computer
from keptbrackets import add_frame, add_result, put_brackets
from simrig import PATIENCE_S, Rig

from rig import bracketcopy, copydesk, copyjob
from rig.bracketfolder import BracketFolder
from rig.brackets import Copied
from rig.copyjob import Meter
from rig.durable import free_bytes
from rig.errors import BusyError, NoSuchBracketError, NoSuchJobError, NoSuchTargetError, TargetError
from rig.status import CopyProgress, Phase
from rig.worthkeeping import FORBIDDEN, kept_files


class Desk:
    """A rig with brackets, and a stick in its socket."""

    def __init__(self, make_rig: Callable[..., Rig], computer: Computer, data: Path, *results: int) -> None:
        self.computer = computer
        self.stick = computer.stick()
        self.ids = put_brackets(data, *results)
        self.workflow = make_rig(mounts=computer.mounts, data=data).workflow

    @property
    def target(self) -> str:
        return self.workflow.copies.targets()[0].id

    def copy(self, *brackets: str, frames: bool = True) -> CopyProgress:
        """Copy these, or what is not there yet, and wait for the end."""
        self.workflow.copies.order(self.target, brackets or None, frames)
        return self.ended()

    def ended(self) -> CopyProgress:
        assert self.workflow.copies.wait_idle(PATIENCE_S)
        progress = self.workflow.status().copy
        assert progress is not None and not progress.running
        return progress

    def there(self) -> set[str]:
        return {str(path.relative_to(self.stick)) for path in self.stick.rglob("*") if not path.is_dir()}

    def names(self) -> list[str]:
        return [path.name for path in (self.stick / "Fieldstack").iterdir()]

    def folder(self, bracket_id: str) -> BracketFolder:
        return BracketFolder(self.workflow.folder(bracket_id), free_bytes)

    def copied(self, bracket_id: str) -> Copied | None:
        return self.workflow.bracket(bracket_id).summary.copied


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path / "computer")


@pytest.fixture
def desk(make_rig: Callable[..., Rig], computer: Computer, tmp_path: Path) -> Desk:
    """Two brackets: one with a result, one without."""
    return Desk(make_rig, computer, tmp_path / "data", 1, 0)


RESULT = {"r01/fused.jpg", "r01/depth.png", "r01/report.json"}
FRAMES = {"frames/000.jpg", "frames/001.jpg"}


def below(folder: str, *files: set[str]) -> set[str]:
    return {f"Fieldstack/{folder}/{name}" for name in set().union(*files)}


def test_everything_is_copied_checked_and_told(desk: Desk) -> None:
    told = desk.copy()
    first, second = desk.ids

    assert desk.there() == below(first, RESULT, FRAMES) | below(second, FRAMES)
    for path in (desk.stick / "Fieldstack").rglob("*.jpg"):
        bracket, kind, name = path.relative_to(desk.stick / "Fieldstack").parts
        original = (
            desk.workflow.folder(bracket) / ("frames" if kind == "frames" else f"results/{kind}") / name
        )
        assert path.read_bytes() == original.read_bytes()
    assert told.state == "done" and told.done == told.total > 0
    assert told.message is not None and told.message.code == "copy.done" and "STICK" in told.message
    copied = desk.copied(first)
    assert copied is not None and (copied.to, copied.frames) == ("STICK", True) and copied.at is not None


def test_results_alone_leave_brackets_without_one_out(desk: Desk) -> None:
    assert desk.copy(*desk.ids, frames=False).state == "done"
    assert desk.there() == below(desk.ids[0], RESULT)
    assert desk.copied(desk.ids[1]) is None


def test_without_any_result_there_is_nothing_to_copy(desk: Desk) -> None:
    told = desk.copy(desk.ids[1], frames=False)

    assert told.state == "failed" and told.message is not None and "stack the brackets first" in told.message


def test_copying_again_writes_nothing_and_what_is_new_is_added(desk: Desk) -> None:
    desk.copy()
    before = {path: path.stat().st_mtime_ns for path in desk.stick.rglob("*.jpg")}
    add_result(desk.folder(desk.ids[0]))
    assert desk.copied(desk.ids[0]) is None  # the copy lacks something now
    assert desk.copy(*desk.ids).state == "done"

    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert desk.there() >= below(desk.ids[0], {"r02/fused.jpg"}) and desk.copied(desk.ids[0]) is not None


def test_what_was_copied_and_is_still_there_is_not_read_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.copy()
    monkeypatch.setattr(bracketcopy, "is_same", None)  # would fail
    assert desk.copy().state == "done"
    (desk.stick / "Fieldstack" / desk.ids[1] / "frames/001.jpg").unlink()
    monkeypatch.undo()

    assert desk.copy().state == "done" and desk.there() >= below(desk.ids[1], FRAMES)


def test_another_brackets_files_of_the_same_name_are_left_alone(desk: Desk) -> None:
    """A card formatted anew counts from 1 again."""
    other = desk.stick / "Fieldstack" / desk.ids[0] / "frames"
    other.mkdir(parents=True)
    size = desk.folder(desk.ids[0]).frame_path(0).stat().st_size
    (other / "000.jpg").write_bytes(b"x" * size)
    told = desk.copy(desk.ids[0])

    assert told.state == "done" and told.done == told.total
    assert (other / "000.jpg").read_bytes() == b"x" * size and len(list(other.iterdir())) == 1
    assert desk.there() == below(desk.ids[0], {"frames/000.jpg"}) | below(
        f"{desk.ids[0]} (2)", RESULT, FRAMES
    )
    desk.copy(desk.ids[0])
    assert not (desk.stick / "Fieldstack" / f"{desk.ids[0]} (3)").exists()


def test_the_copy_has_the_brackets_title_as_far_as_a_stick_can_write_it(desk: Desk) -> None:
    desk.workflow.describe(desk.ids[0], {"title": 'Käfer: "Flügel" 1/2 .. '})
    desk.copy(desk.ids[0])
    (name,) = desk.names()

    assert name == f"{desk.ids[0]} Käfer Flügel 1 2" and not FORBIDDEN.search(name)


def test_a_bracket_that_was_given_a_title_later_is_found_again(desk: Desk) -> None:
    desk.copy(desk.ids[0])
    desk.workflow.describe(desk.ids[0], {"title": "Wasp"})
    desk.copy(desk.ids[0])

    assert desk.names() == [desk.ids[0]]


def test_a_title_that_the_stick_refuses_is_left_out(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.mkdir

    def mkdir(name: str, *rest: object, **more: object) -> None:
        if not str(name).isascii():
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), name)
        real(name, *rest, **more)

    desk.workflow.describe(desk.ids[0], {"title": "Käfer"})
    monkeypatch.setattr(os, "mkdir", mkdir)

    assert desk.copy(desk.ids[0]).state == "done"
    assert desk.names() == [desk.ids[0]]


def test_a_link_in_the_place_of_the_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (desk.stick / "Fieldstack").symlink_to(tmp_path / "outside")
    told = desk.copy()

    assert told.state == "failed" and told.message is not None and told.message.code == "copy.in_the_way"
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_the_place_of_a_brackets_folder_is_passed_by(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (desk.stick / "Fieldstack").mkdir()
    (desk.stick / "Fieldstack" / desk.ids[0]).symlink_to(tmp_path / "outside")

    assert desk.copy(desk.ids[0]).state == "done"
    assert list((tmp_path / "outside").iterdir()) == []
    assert desk.there() >= below(f"{desk.ids[0]} (2)", RESULT, FRAMES)


def test_what_does_not_fit_is_not_begun(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fstatvfs
    monkeypatch.setattr(os, "fstatvfs", lambda file: os.statvfs_result((*real(file)[:4], 1, *real(file)[5:])))
    told = desk.copy()

    assert told.state == "failed" and told.message is not None and told.message.code == "copy.no_room"
    assert desk.there() == set()


def test_a_file_larger_than_fat_can_hold_is_refused_before(desk: Desk) -> None:
    with (desk.workflow.folder(desk.ids[0]) / "results/r01/fused.tif").open("wb") as sparse:
        sparse.truncate(2**32)
    told = desk.copy(desk.ids[0])

    assert told.state == "failed" and told.message is not None and "format it as exFAT" in told.message
    assert desk.there() == set()


def test_a_stick_pulled_out_is_told_and_copying_again_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pulled_out(file: int) -> None:
        path = str(Path(f"/proc/self/fd/{file}").readlink())
        if path.startswith(str(desk.stick)) and "000001" not in path:
            desk.computer.pull_out()
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", pulled_out)
    target = desk.target
    desk.workflow.copies.order(target, None, True)
    told = desk.ended()
    monkeypatch.undo()
    assert told.state == "failed" and told.message is not None and told.message.code == "copy.pulled_out"
    assert desk.there() == below(desk.ids[0], RESULT, FRAMES) and desk.copied(desk.ids[0]) is not None
    with pytest.raises(NoSuchTargetError):
        desk.workflow.copies.order(target, None, True)

    desk.computer.mount("8:1", name="STICK", options="rw")
    assert desk.copy().state == "done" and desk.there() >= below(desk.ids[1], FRAMES)


def test_nothing_lands_in_the_folder_a_stick_was_mounted_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = desk.workflow.copies._targets.find(desk.target)
    monkeypatch.setattr(desk.workflow.copies._targets, "find", lambda _: target)
    desk.computer.pull_out()
    monkeypatch.setattr(copydesk.CopyDesk, "_is_present", lambda *_: False)
    desk.workflow.copies.order(target.id, None, True)

    assert (
        desk.ended().state == "failed" and desk.there() == set() and not (desk.stick / "Fieldstack").exists()
    )


def test_the_others_are_copied_when_one_bracket_is_damaged(desk: Desk) -> None:
    desk.folder(desk.ids[0]).frame_path(1).unlink()
    told = desk.copy()

    assert told.state == "failed" and told.message is not None
    assert "On STICK and checked: 1 of 2 brackets" in told.message and desk.ids[0] in told.message
    assert desk.there() == below(desk.ids[1], FRAMES)


def test_copying_stands_still_while_something_is_exposed_and_can_be_called_off(desk: Desk) -> None:
    board = desk.workflow._control.board
    board.change(state=Phase.CAPTURING)
    job = desk.workflow.copies.order(desk.target, None, True)
    assert not desk.workflow.copies.wait_idle(3 * copydesk.LOOK_S)
    assert desk.there() == set()
    desk.workflow.copies.cancel(job)

    assert desk.ended().state == "cancelled" and desk.there() == set()
    board.change(state=Phase.IDLE)
    assert desk.copy().state == "done"


def test_one_order_at_a_time_and_the_same_key_is_the_same_order(desk: Desk) -> None:
    board = desk.workflow._control.board
    board.change(state=Phase.CAPTURING)
    copies = desk.workflow.copies
    job = copies.order(desk.target, None, True, key="0123456789")

    with pytest.raises(BusyError, match="STICK"):
        copies.order(desk.target, None, True, key="another-one")
    assert copies.order(desk.target, None, True, key="0123456789") == job
    board.change(state=Phase.IDLE)
    assert desk.ended().id == job
    assert copies.order(desk.target, None, True, key="0123456789") == job  # a retry of what is over


def test_what_cannot_be_is_refused_at_once(desk: Desk) -> None:
    copies = desk.workflow.copies
    with pytest.raises(NoSuchBracketError):
        copies.order(desk.target, ["b999999"], True)
    with pytest.raises(NoSuchJobError):
        copies.cancel("j01234567")
    desk.computer.pull_out()
    desk.computer.mount("8:1", name="STICK", options="ro")
    with pytest.raises(TargetError, match="read-only"):
        copies.order(desk.target, None, True)
    assert desk.workflow.status().copy is None


def test_a_bracket_is_not_deleted_under_its_copy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    held, go = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        held.set()
        assert go.wait(PATIENCE_S)

    monkeypatch.setattr(desk.workflow.copies, "_tell", wait)
    desk.workflow.copies.order(desk.target, [desk.ids[0]], True)
    assert held.wait(PATIENCE_S)
    with pytest.raises(BusyError):
        desk.workflow.delete(desk.ids[0])
    go.set()
    assert desk.ended().state == "done"
    desk.workflow.delete(desk.ids[0])


def test_a_bracket_deleted_before_its_turn_is_no_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = desk.workflow.copies._begin

    def begins(bracket_id: str) -> None:
        begin(bracket_id)
        if bracket_id == desk.ids[0]:
            desk.workflow.delete(desk.ids[1])

    monkeypatch.setattr(desk.workflow.copies, "_begin", begins)
    told = desk.copy()

    assert (
        told.state == "done"
        and told.done == told.total
        and desk.there() == below(desk.ids[0], RESULT, FRAMES)
    )


def test_a_bracket_deleted_while_it_is_looked_at_is_no_failure(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def files(folder: BracketFolder, *about: Any) -> list[tuple[Path, tuple[str, ...]]]:
        if folder.id == desk.ids[1]:
            desk.workflow.delete(desk.ids[1])
        return list(kept_files(folder, *about))

    monkeypatch.setattr(copyjob, "kept_files", files)

    assert desk.copy().state == "done" and desk.there() == below(desk.ids[0], RESULT, FRAMES)


def test_more_frames_than_were_copied_make_the_copy_old_with_frames_only(desk: Desk) -> None:
    desk.copy(desk.ids[0], frames=False)
    add_frame(desk.folder(desk.ids[0]), 2)
    assert desk.copied(desk.ids[0]) == Copied("STICK", desk.copied(desk.ids[0]).at, False)
    desk.copy(desk.ids[0])
    assert desk.copied(desk.ids[0]).frames
    add_frame(desk.folder(desk.ids[0]), 3)

    assert desk.copied(desk.ids[0]) is None


def test_what_comes_while_a_bracket_is_copied_makes_its_copy_old(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        desk.workflow.copies, "_begin", lambda bracket_id: add_result(desk.folder(bracket_id))
    )
    desk.copy(desk.ids[0])

    assert desk.there() == below(desk.ids[0], RESULT, FRAMES) and desk.copied(desk.ids[0]) is None


def test_the_time_to_go_follows_the_pace_and_not_the_pauses() -> None:
    now = [0.0]
    meter = Meter(1000, clock=lambda: now[0])
    meter.began()
    now[0] = 1.0
    meter.add(100)
    assert meter.eta_s is None  # too soon to tell
    now[0] = 500.0
    meter.began()
    now[0] = 503.0
    meter.add(100)

    assert meter.eta_s == pytest.approx(800 * 4 / 200)


def test_a_closed_rig_ends_its_copy(desk: Desk) -> None:
    desk.workflow._control.board.change(state=Phase.CAPTURING)
    desk.workflow.copies.order(desk.target, None, True)
    began = time.monotonic()
    desk.workflow.close()

    assert desk.ended().state == "cancelled" and time.monotonic() - began < PATIENCE_S
