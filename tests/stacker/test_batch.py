"""`fieldstack batch`: every bracket of a card or of folders, each into its own picture."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from brackets import tilted_plane, write_frames
from fakecard import FakeCard, state_of
from samplepictures import cut

from rig.cli import main

QUICK = ["--method", "average", "--align", "none"]


@pytest.fixture
def card(tmp_path):
    """Two brackets and a single picture."""
    card = FakeCard(tmp_path / "card")
    card.bracket(4, seed=1)
    card.later(600).bracket(1)
    card.later(600).bracket(5, seed=2)
    return card


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_bracket_of_a_card_becomes_a_picture_and_the_card_is_as_it_was(card, tmp_path, capsys):
    before = state_of(card.root)

    assert main(["batch", str(card.root), "--out", str(tmp_path / "out"), *QUICK]) == 0
    assert names(tmp_path / "out") == ["100CANON-01.jpg", "100CANON-02.jpg"]
    said = capsys.readouterr()
    assert "stacked 2 of 2 brackets" in said.out and "1 of 10 pictures belong to no bracket" in said.err
    assert state_of(card.root) == before


def test_depth_map_and_report_lie_beside_each_result(card, tmp_path):
    main(
        ["batch", str(card.root), "--out", str(tmp_path), "--kind", "png", "--depth-map", "--report", *QUICK]
    )

    assert (tmp_path / "100CANON-01.png").is_file() and (tmp_path / "100CANON-02-depth.png").is_file()
    report = json.loads((tmp_path / "100CANON-02.json").read_text())
    assert [one["name"] for one in report["frames"]] == [f"IMG_{n:04d}.JPG" for n in range(6, 11)]


def test_list_says_what_would_be_stacked_and_writes_nothing(card, tmp_path, capsys):
    assert main(["batch", str(card.root), "--out", str(tmp_path / "out"), "--list"]) == 0
    assert "100CANON-01: 4 frames" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_a_bad_bracket_does_not_stop_the_others(tmp_path, capsys):
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        frames = write_frames(tmp_path / "in" / name, tilted_plane((240, 320), 4, seed).frames)
        if name == "b":
            for frame in frames:
                cut(frame, 0.5)

    code = main(["batch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--whole", *QUICK])
    said = capsys.readouterr()

    assert code == 1
    assert names(tmp_path / "out") == ["a.jpg", "c.jpg"]
    assert "b was not stacked: " in said.err and "stacked 2 of 3 brackets; not b" in said.err


def test_a_second_run_leaves_what_is_there_and_again_stacks_it_anew(card, tmp_path, capsys):
    order = ["batch", str(card.root), "--out", str(tmp_path / "out"), *QUICK]
    main(order)
    first = state_of(tmp_path / "out")
    assert main(order) == 0
    assert state_of(tmp_path / "out") == first and "was there already" in capsys.readouterr().out

    assert main([*order, "--again"]) == 0
    assert state_of(tmp_path / "out") != first


def test_folders_of_the_same_name_do_not_overwrite_one_another(tmp_path):
    for where in ("monday", "tuesday"):
        write_frames(tmp_path / where / "fly", tilted_plane((240, 320), 4).frames)

    main(
        ["batch", str(tmp_path / "monday"), str(tmp_path / "tuesday"), "--out", str(tmp_path / "out"), *QUICK]
    )
    assert names(tmp_path / "out") == ["fly-2.jpg", "fly.jpg"]


def test_a_folder_without_a_bracket_is_named_and_the_others_are_stacked(card, tmp_path, capsys):
    write_frames(tmp_path / "two", tilted_plane((240, 320), 2).frames)

    code = main(["batch", str(tmp_path / "two"), str(card.root), "--out", str(tmp_path / "out"), *QUICK])
    assert code == 1 and len(names(tmp_path / "out")) == 2
    assert "--whole takes them as one" in capsys.readouterr().err


def test_what_is_no_folder_is_wrong_use(tmp_path, capsys):
    assert main(["batch", str(tmp_path / "nothing"), "--out", str(tmp_path / "out")]) == 2
    assert "is no folder" in capsys.readouterr().err


def test_results_that_cannot_be_written_are_said_before_any_work(card, tmp_path, capsys):
    (tmp_path / "file").write_text("")

    assert main(["batch", str(card.root), "--out", str(tmp_path / "file" / "out")]) == 1
    assert "cannot be made" in capsys.readouterr().err


def test_an_interruption_keeps_what_is_complete_and_the_same_command_goes_on(card, tmp_path):
    out = tmp_path / "out"
    order = [sys.executable, "-m", "rig.cli", "batch", str(card.root), "--out", str(out), *QUICK]
    with subprocess.Popen(order, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "wrote" in process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=120)
    if process.returncode != 0:  # else the second bracket was quicker than the signal
        assert process.returncode == 130 and "interrupted" in said
    assert (out / "100CANON-01.jpg").is_file() and not list(out.glob("*.part"))
    assert subprocess.run(order, capture_output=True, timeout=120).returncode == 0
    assert {"100CANON-01.jpg", "100CANON-02.jpg"} <= set(names(out))
