"""`fieldstack copy`: the same copies from the shell."""

from __future__ import annotations

from pathlib import Path

import pytest
from keptbrackets import put_brackets

from rig.cli import main
from rig.store import Store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    put_brackets(tmp_path / "data", 1, 0)
    return tmp_path / "data"


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def names(disk: Path) -> set[str]:
    return {str(path.relative_to(disk)) for path in disk.rglob("*.jpg")}


def test_all_that_is_not_there_yet_is_copied_and_noted(
    data: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["copy", str(disk), "--data", str(data)]) == 0

    assert "Everything is on disk and checked" in capsys.readouterr().out
    assert names(disk) == {
        "Fieldstack/b000001/frames/000.jpg", "Fieldstack/b000001/frames/001.jpg", "Fieldstack/b000001/r01/fused.jpg",
        "Fieldstack/b000002/frames/000.jpg", "Fieldstack/b000002/frames/001.jpg",
    }  # fmt: skip
    assert [one.copied is not None for one in Store(data).summaries()] == [True, True]


def test_the_results_of_one_bracket_alone(data: Path, disk: Path) -> None:
    assert main(["copy", str(disk), "b000001", "--results", "--data", str(data)]) == 0
    assert names(disk) == {"Fieldstack/b000001/r01/fused.jpg"}


@pytest.mark.parametrize(
    ("words", "why"),
    [(["nowhere"], "is no folder"), (["card"], "camera's card"), (["disk", "b000009"], "no bracket")],
)
def test_what_cannot_be_copied_is_one_sentence(
    data: Path, disk: Path, tmp_path: Path, words: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "card" / "DCIM").mkdir(parents=True)
    assert main(["copy", str(tmp_path / words[0]), *words[1:], "--data", str(data)]) == 1

    said = capsys.readouterr().err
    assert said.startswith("fieldstack: ") and said.count("\n") == 1 and why in said
    assert names(disk) == set() and [path.name for path in (tmp_path / "card").iterdir()] == ["DCIM"]
