"""Brackets may be copied to sticks that can be written, and never to a camera's card."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fakecomputer import Computer

from rig.config import Settings
from rig.errors import NoSuchTargetError
from rig.sources import SOURCE_ID
from rig.targets import MOST_ON_FAT, Target, Targets


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def found(computer: Computer, **settings: object) -> tuple[Target, ...]:
    changes = {name.replace("__", "."): value for name, value in settings.items()}
    return Targets(Settings().changed(changes), computer.mounts).now()


def test_a_stick_mounted_for_writing_is_a_target_with_an_id(computer: Computer) -> None:
    point = computer.stick("MY STICK")
    (target,) = found(computer)

    assert (target.name, target.kind, target.root, target.problem) == ("MY STICK", "stick", point, None)
    assert SOURCE_ID.fullmatch(target.id) and target.largest_file == MOST_ON_FAT


@pytest.mark.parametrize("name", ["DCIM", "dcim"])
def test_a_cameras_card_is_never_one_however_it_is_mounted(computer: Computer, name: str) -> None:
    (computer.stick("EOS_DIGITAL") / name).mkdir()
    folder = computer.root / "copied-card"
    (folder / name).mkdir(parents=True)

    assert found(computer, store__copy_to=[str(folder)]) == ()


def test_nor_is_a_folder_on_such_a_card(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    card = computer.root / "card"
    (card / "DCIM").mkdir(parents=True)
    (card / "copies").mkdir()
    monkeypatch.setattr(Path, "is_mount", lambda path: path in (card, Path("/")))

    assert found(computer, store__copy_to=[str(card / "copies")]) == ()


def test_a_stick_mounted_read_only_is_shown_with_the_command_that_changes_it(computer: Computer) -> None:
    computer.stick(options="ro", kind="exfat")
    (target,) = found(computer)

    assert target.problem is not None and target.problem.code == "copy.read_only"
    assert "mounted read-only" in target.problem and "-o rw,uid=" in target.problem
    assert str(computer.root) not in target.problem


def test_a_stick_whose_file_system_has_owners_is_given_away_instead(computer: Computer) -> None:
    computer.stick(options="ro", kind="ext4")
    (target,) = found(computer)

    assert target.largest_file is None
    assert target.problem is not None and "uid=" not in target.problem and "sudo chown" in target.problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_stick_of_another_user_is_told(computer: Computer) -> None:
    computer.stick().chmod(0o555)
    (target,) = found(computer)

    assert target.problem is not None and target.problem.code == "copy.not_mine"


def test_a_stick_that_became_read_only_after_an_error_is_no_target(computer: Computer) -> None:
    computer.stick()
    computer.lines[-1] = computer.lines[-1].removesuffix("rw") + "ro"  # of the file system, not of the mount
    (target,) = found(computer)

    assert target.problem is not None


def test_folders_of_the_settings_are_targets_when_they_are_there(computer: Computer) -> None:
    disk = computer.root / "disk"
    disk.mkdir()
    computer.stick()
    named = found(computer, store__copy_to=[str(disk), str(computer.root / "nowhere")])

    assert [(target.name, target.kind) for target in named] == [("STICK", "stick"), ("disk", "folder")]


def test_sticks_can_be_switched_off(computer: Computer) -> None:
    computer.stick()

    assert found(computer, sources__removable=False) == ()


def test_a_stick_that_was_pulled_out_is_refused_by_its_id(computer: Computer) -> None:
    with pytest.raises(NoSuchTargetError, match="was it pulled out"):
        Targets(Settings(), computer.mounts).find("s01234567")
