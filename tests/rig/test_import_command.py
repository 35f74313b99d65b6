"""`fieldstack import`: what the phone does with a card, from the shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fakecard import FakeCard, state_of, two_brackets

from rig.cli import main
from rig.commands.cards import numbers

QUICK = ["--method", "average", "--align", "none"]


@pytest.fixture
def card(tmp_path: Path) -> FakeCard:
    """Brackets of 4 and 5 frames."""
    return two_brackets(tmp_path / "EOS_DIGITAL")


@pytest.fixture
def config(tmp_path: Path, card: FakeCard) -> list[str]:
    """The options that name this rig: its folder, and its settings with the card."""
    file = tmp_path / "config.toml"
    file.write_text(f"[sources]\nfolders = ['{card.root}']\nremovable = false\n[store]\nreserve_mb = 1\n")
    return ["--config", str(file), "--data", str(tmp_path / "data")]


def test_without_a_source_it_says_which_there_are(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", *config]) == 0
    assert capsys.readouterr().out.split()[1:] == ["folder", "EOS_DIGITAL"]


def test_list_numbers_the_brackets_and_copies_nothing(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "EOS_DIGITAL", "--list", *config]) == 0
    said = capsys.readouterr().out
    assert "1  2026-05-17 14:00:01    4 frames  IMG_0001.JPG to IMG_0004.JPG" in said
    assert "2 brackets among the 9 pictures of EOS_DIGITAL" in said
    assert not (tmp_path / "data").exists()


def test_the_brackets_of_a_folder_are_copied_and_stacked_and_the_card_is_as_it_was(
    config: list[str], card: FakeCard, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state_of(card.root)

    assert main(["import", str(card.root), *QUICK, *config]) == 0
    assert "stacked 2 of 2 brackets; the card may be taken out" in capsys.readouterr().out
    assert state_of(card.root) == before
    main(["brackets", "list", "--json", *config])
    listed = json.loads(capsys.readouterr().out)
    assert [(one["frames_done"], one["imported"], one["results"]) for one in listed] == [
        (5, "EOS_DIGITAL", ["r01"]),
        (4, "EOS_DIGITAL", ["r01"]),
    ]


def test_only_the_brackets_asked_for_are_copied(
    config: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", "EOS_DIGITAL", "--brackets", "2", "--json", *QUICK, *config]) == 0
    (fact,) = json.loads(capsys.readouterr().out)

    assert (fact["bracket"], fact["result"], fact["state"]) == ("b000001", "r01", "done")
    assert Path(fact["path"]).is_file()


@pytest.mark.parametrize(
    ("order", "code", "sentence"),
    [
        (["EOS_DIGITAL", "--brackets", "7"], 2, "there is no bracket 7: EOS_DIGITAL has 1 to 2"),
        (["no-such-card"], 1, "'no-such-card' is neither a folder nor a known source (EOS_DIGITAL)"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    config: list[str], capsys: pytest.CaptureFixture[str], order: list[str], code: int, sentence: str
) -> None:
    assert main(["import", *order, *config]) == code
    assert sentence in capsys.readouterr().err


def test_a_folder_without_a_bracket_is_said_so(
    config: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()

    assert main(["import", str(tmp_path / "empty"), *config]) == 1
    assert "there is no bracket among the 0 pictures of empty" in capsys.readouterr().err


def test_one_bad_bracket_does_not_stop_the_other(
    config: list[str], card: FakeCard, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(
        1, 5
    ):  # cut short behind their headers: they are looked through, but cannot be stacked
        frame = card.folder / f"IMG_{number:04d}.JPG"
        frame.write_bytes(frame.read_bytes()[:5000])

    assert main(["import", "EOS_DIGITAL", *QUICK, *config]) == 1
    said = capsys.readouterr()
    assert "fused image" in said.out and "stacked 1 of 2 brackets" in said.err


@pytest.mark.parametrize(("text", "chosen"), [("2", [2]), ("1,3-5", [1, 3, 4, 5]), (" 1 , 2 ", [1, 2])])
def test_numbers_and_ranges_are_understood(text: str, chosen: list[int]) -> None:
    assert numbers(text) == chosen


@pytest.mark.parametrize("text", ["", "a", "1-", "-2", "1,,2", "1-b"])
def test_other_texts_are_wrong_use(config: list[str], text: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["import", "EOS_DIGITAL", f"--brackets={text}", *config])
    assert ended.value.code == 2


def test_an_interruption_leaves_whole_brackets_and_says_which(config: list[str], tmp_path: Path) -> None:
    order = [sys.executable, "-m", "rig.cli", "import", "EOS_DIGITAL", *QUICK, *config]
    with subprocess.Popen(order, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (tmp_path / "data/b000001").exists():
            time.sleep(0.02)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=120)

    assert process.returncode in (0, 130)  # it may have been quicker
    assert process.returncode == 0 or "interrupted" in said
    assert not list((tmp_path / "data").glob("b*.part"))
