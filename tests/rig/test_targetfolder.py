"""What is written to a stick is there whole and checked, replaces nothing, and lies nowhere else."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig import targetfolder
from rig.targetfolder import (
    InTheWayError,
    NotAsWrittenError,
    Original,
    flush_all,
    inner_folder,
    is_same,
    opened_root,
    size_there,
    write_checked,
)

DATA = bytes(range(256)) * 9000  # more than two chunks
PLACE = ("b000001", "frames", "000.jpg")


def nothing(size: int) -> None:
    """A tick that nobody listens to."""


def of(data: bytes) -> Original:
    return lambda at: data[at : at + targetfolder.CHUNK]


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


@pytest.fixture
def root(stick: Path) -> Iterator[int]:
    with opened_root(stick) as handle:
        yield handle


def everything(stick: Path) -> set[str]:
    return {str(path.relative_to(stick)) for path in stick.rglob("*") if not path.is_dir()}


def test_a_copy_has_the_bytes_of_the_original_and_is_told_twice_for_each(stick: Path, root: int) -> None:
    told: list[int] = []
    write_checked(root, PLACE, of(DATA), told.append)
    flush_all(root)

    assert (stick / "b000001/frames/000.jpg").read_bytes() == DATA
    assert everything(stick) == {"b000001/frames/000.jpg"} and sum(told) == 2 * len(DATA)
    assert size_there(root, PLACE) == len(DATA) and is_same(root, PLACE, of(DATA), nothing)


def test_a_byte_more_less_or_other_is_another_file(root: int) -> None:
    write_checked(root, PLACE, of(DATA), nothing)

    for other in (DATA + b"x", DATA[:-1], DATA[:-1] + b"x", b""):
        assert not is_same(root, PLACE, of(other), nothing)


def test_a_file_that_is_there_is_not_replaced(stick: Path, root: int) -> None:
    (stick / "fused.jpg").write_bytes(b"somebody's")

    with pytest.raises(FileExistsError):
        write_checked(root, ("fused.jpg",), of(DATA), nothing)
    assert (stick / "fused.jpg").read_bytes() == b"somebody's" and everything(stick) == {"fused.jpg"}


def test_what_a_copy_cut_short_left_is_removed(stick: Path, root: int) -> None:
    (stick / "fused.jpg.part").write_bytes(b"half")
    write_checked(root, ("fused.jpg",), of(DATA), nothing)

    assert everything(stick) == {"fused.jpg"}


def test_links_on_the_stick_lead_nowhere(stick: Path, root: int, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_bytes(b"mine")
    (stick / "Fieldstack").symlink_to(outside)
    (stick / "a.jpg").symlink_to(outside / "mine")
    (stick / "b.jpg.part").symlink_to(outside / "mine")

    with pytest.raises(InTheWayError), inner_folder(root, ("Fieldstack",)):
        pass
    with pytest.raises(InTheWayError):
        write_checked(root, ("Fieldstack", "a.jpg"), of(DATA), nothing)
    assert size_there(root, ("a.jpg",)) == -1 == size_there(root, ("Fieldstack", "mine"))
    with pytest.raises(OSError):
        is_same(root, ("a.jpg",), of(b"mine"), nothing)
    with pytest.raises(FileExistsError):
        write_checked(root, ("a.jpg",), of(DATA), nothing)
    write_checked(root, ("b.jpg",), of(DATA), nothing)

    assert (stick / "b.jpg").read_bytes() == DATA and not (stick / "b.jpg").is_symlink()
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"mine": b"mine"}


def test_a_pipe_on_the_stick_makes_nobody_wait(stick: Path, root: int) -> None:
    os.mkfifo(stick / "fused.jpg")

    assert size_there(root, ("fused.jpg",)) == -1


def test_a_stick_that_gives_back_something_else_is_noticed(
    stick: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forget_and_spoil(file: int) -> None:
        os.pwrite(file, b"?", len(DATA) // 2)

    monkeypatch.setattr(targetfolder, "_forget_cached", forget_and_spoil)
    with pytest.raises(NotAsWrittenError):
        write_checked(root, PLACE, of(DATA), nothing)

    assert everything(stick) == set()


def test_a_copy_that_is_called_off_leaves_nothing_half(stick: Path, root: int) -> None:
    class OffError(Exception):
        pass

    def off(size: int) -> None:
        raise OffError

    with pytest.raises(OffError):
        write_checked(root, PLACE, of(DATA), off)
    assert everything(stick) == set()


def test_the_file_of_a_full_stick_is_not_left_half(
    stick: Path, root: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [1_000_000]

    def write(file: int, data: bytes) -> int:
        if room[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        taken = min(room[0], len(data), 300_000)  # less than asked, without an error
        room[0] -= taken
        return os.pwrite(file, data[:taken], os.fstat(file).st_size)

    monkeypatch.setattr(targetfolder.os, "write", write)
    with pytest.raises(OSError, match="No space"):
        write_checked(root, PLACE, of(DATA), nothing)
    assert everything(stick) == set()


def test_a_handle_stays_with_the_stick_when_another_is_in_its_place(
    stick: Path, root: int, tmp_path: Path
) -> None:
    stick.rename(tmp_path / "pulled-out")
    stick.mkdir()
    write_checked(root, PLACE, of(DATA), nothing)

    assert everything(stick) == set() and everything(tmp_path / "pulled-out") == {"/".join(PLACE)}
