"""Cards are found where the kernel says that something removable is mounted, folders where the settings say."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakecomputer import Computer

from rig.config import Settings
from rig.errors import NoSuchSourceError
from rig.sources import SOURCE_ID, Sources, shown_name


@pytest.fixture
def computer(tmp_path: Path) -> Computer:
    return Computer(tmp_path)


def test_a_card_in_a_usb_reader_is_found_with_its_name(computer: Computer) -> None:
    computer.disk("8:1", "usb1/1-1/host0/block/sda", partition=True, removable=False)
    point = computer.mount("8:1", name="EOS DIGITAL")
    (source,) = computer.sources().now()

    assert (source.name, source.kind, source.root) == ("EOS DIGITAL", "card", point)
    assert SOURCE_ID.fullmatch(source.id)


def test_what_the_kernel_calls_removable_is_found_without_a_partition_table(computer: Computer) -> None:
    computer.disk("8:16", "pci0/block/sdb", partition=False, removable=True)
    computer.mount("8:16", "mnt", "card")

    assert [source.name for source in computer.sources().now()] == ["card"]


def test_a_second_memory_card_is_found_but_not_the_one_the_system_runs_from(computer: Computer) -> None:
    computer.disk("179:1", "platform/mmc_host/mmc0/block/mmcblk0", partition=True, removable=False)
    computer.disk("179:33", "platform/mmc_host/mmc1/block/mmcblk1", partition=True, removable=False)
    computer.mount("179:1", name="boot")
    computer.mount("179:33", name="NIKON")

    assert [source.name for source in computer.sources().now()] == ["NIKON"]


def test_disks_of_the_computer_and_network_drives_are_no_cards(computer: Computer) -> None:
    computer.disk("259:1", "pci0/nvme/block/nvme0n1", partition=True, removable=False)
    computer.mount("259:1", "mnt", "archive")
    computer.mount("0:57", "mnt", "share")

    assert computer.sources().now() == ()


def test_a_stick_mounted_elsewhere_is_left_alone(computer: Computer) -> None:
    computer.disk("8:1", "usb1/1-1/host0/block/sda", partition=True, removable=True)
    computer.mount("8:1", "srv", "backup")

    assert computer.sources().now() == ()


def test_cards_can_be_switched_off(computer: Computer) -> None:
    computer.disk("8:1", "usb1/1-1/host0/block/sda", partition=True, removable=True)
    computer.mount("8:1")

    assert computer.sources(removable=False).now() == ()


def test_folders_of_the_settings_come_first_and_missing_ones_are_left_out(computer: Computer) -> None:
    computer.disk("8:1", "usb1/1-1/host0/block/sda", partition=True, removable=True)
    computer.mount("8:1")
    (computer.root / "pictures").mkdir()
    folders = (str(computer.root / "pictures"), str(computer.root / "nowhere"))

    assert [(s.name, s.kind) for s in computer.sources(folders=folders).now()] == [
        ("pictures", "folder"),
        ("EOS_DIGITAL", "card"),
    ]


def test_another_card_at_the_same_place_has_another_mark_but_the_same_id(computer: Computer) -> None:
    computer.disk("8:1", "usb1/1-1/host0/block/sda", partition=True, removable=True)
    computer.disk("8:2", "usb1/1-2/host0/block/sdb", partition=True, removable=True)
    computer.mount("8:1")
    (first,) = computer.sources().now()
    computer.lines.pop()
    computer.mount("8:2")
    (second,) = computer.sources().now()

    assert first.id == second.id and first.mark != second.mark


def test_a_source_that_was_taken_out_is_refused_by_its_id(computer: Computer) -> None:
    with pytest.raises(NoSuchSourceError, match="was the card taken out"):
        computer.sources().find("s01234567")


def test_the_mount_table_of_this_computer_can_be_read() -> None:
    for source in Sources(Settings().sources).now():
        assert SOURCE_ID.fullmatch(source.id)


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "x" * 500, ""])
def test_a_hostile_name_is_shown_tamely(name: str) -> None:
    shown = shown_name(name)

    assert shown.isprintable() and 0 < len(shown) <= 60 and shown.encode("utf-8")
