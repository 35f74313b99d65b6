"""`--follow`: a bracket is stacked while it is being shot."""

import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import pytest
from brackets import psnr, sharpness, tilted_plane, write_frames

from stacker.cli import main
from stacker.errors import CancelledError, InputError
from stacker.following import Follow, Follower
from stacker.job import StackJob
from stacker.live import follow_files
from stacker.settings import AlignSettings, StackSettings

COUNT = 5
ROOT = Path(__file__).parents[2]
AS_IT_LIES = StackSettings(align=AlignSettings("none"), threads=1)


@pytest.fixture
def shot(tmp_path):
    """The frames, as files that are elsewhere yet."""
    return write_frames(tmp_path / "camera", tilted_plane((192, 256), COUNT).frames)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


class Time:
    """A clock that moves only when somebody sleeps; then the next thing happens."""

    def __init__(self, *happenings):
        self.now = 0.0
        self.happenings = list(happenings)

    def sleep(self, seconds):
        self.now += seconds
        if self.happenings:
            self.happenings.pop(0)()

    def follow(self, folder, **wanted):
        return Follow(folder, clock=lambda: self.now, sleep=self.sleep, **wanted)


def nothing():
    pass


def frames_of(follow, exclude=()):
    return [path.name for path in Follower(follow, exclude).frames(lambda: False)]


def copy(paths, folder):
    return [lambda path=path: shutil.copy(path, folder) for path in paths]


def test_frames_come_in_the_order_of_their_names_until_as_many_are_there_as_expected(shot, folder):
    clock = Time(*copy(shot, folder))
    assert frames_of(clock.follow(folder, expect=COUNT)) == [path.name for path in shot]


def test_the_bracket_ends_when_no_frame_has_come_for_a_while(shot, folder):
    clock = Time(*copy(shot[:3], folder))
    assert frames_of(clock.follow(folder, idle_s=7)) == [path.name for path in shot[:3]]
    assert 7 <= clock.now < 9


def test_the_first_frame_is_waited_for_without_an_end(shot, folder):
    clock = Time(*[nothing] * 500, *copy(shot[:1], folder))
    assert frames_of(clock.follow(folder, idle_s=7)) == [shot[0].name]


def test_a_frame_that_is_being_written_is_left_alone_and_holds_back_the_next(shot, folder):
    whole, target = shot[0].read_bytes(), folder / shot[0].name
    half = len(whole) // 2
    clock = Time(
        lambda: target.write_bytes(whole[:half]),
        lambda: shutil.copy(shot[1], folder),
        *[nothing] * 3,
        lambda: target.write_bytes(whole),
    )
    sizes = []
    for path in Follower(clock.follow(folder, expect=2)).frames(lambda: False):
        sizes.append((path.name, path.stat().st_size))
    assert sizes == [(path.name, path.stat().st_size) for path in shot[:2]]


def test_a_frame_that_is_never_finished_is_taken_when_it_no_longer_changes(shot, folder):
    (folder / shot[0].name).write_bytes(shot[0].read_bytes()[:5000])
    clock = Time()
    assert frames_of(clock.follow(folder, expect=1)) == [shot[0].name]
    assert clock.now >= 2


def test_parts_of_files_notes_and_results_are_no_frames(shot, folder):
    shutil.copy(shot[0], folder / "000.jpg")
    for name in ("001.jpg.part", ".002.jpg", "notes.txt", "result.jpg"):
        shutil.copy(shot[1], folder / name)
    follow = Time().follow(folder, idle_s=1)
    assert frames_of(follow, exclude=[folder / "result.jpg"]) == ["000.jpg"]


@pytest.mark.parametrize("order", [[".jpg", ".dng"], [".dng", ".jpg"]])
def test_one_exposure_is_one_frame(shot, folder, order):
    clock = Time(
        lambda: shutil.copy(shot[0], folder / f"000{order[0]}"),
        *[nothing] * 15,
        lambda: shutil.copy(shot[0], folder / f"000{order[1]}"),
    )
    assert frames_of(clock.follow(folder, idle_s=5)) == [f"000{order[0]}"]


def test_meanwhile_other_work_goes_on_and_a_frame_that_has_come_is_taken_first(shot, folder):
    clock, done = Time(), []

    def meanwhile():
        if len(done) == 3:
            return False
        done.append(len(list(folder.iterdir())))
        if len(done) == 2:
            shutil.copy(shot[1], folder)
        return True

    shutil.copy(shot[0], folder)
    names = [path.name for path in Follower(clock.follow(folder, expect=2)).frames(lambda: False, meanwhile)]
    assert names == [path.name for path in shot[:2]]
    assert done == [1, 1]
    assert clock.now == 0


def test_waiting_is_given_up_when_cancelled_or_when_the_folder_goes(folder):
    clock = Time(nothing, nothing)
    with pytest.raises(CancelledError):
        list(Follower(clock.follow(folder)).frames(lambda: clock.now > 0.3))
    clock = Time(folder.rmdir)
    with pytest.raises(InputError, match="folder cannot be read"):
        list(Follower(clock.follow(folder)).frames(lambda: False))


def test_the_result_is_that_of_the_complete_bracket(shot, folder, tmp_path):
    clock = Time(*copy(shot, folder))
    job = StackJob((folder,), tmp_path / "live.png", AS_IT_LIES)
    report = follow_files(job, clock.follow(folder, expect=COUNT))
    assert report.used == COUNT
    arguments = ["-o", str(tmp_path / "whole.png"), "--align", "none", "--quiet"]
    assert main(["stack", *map(str, shot), *arguments]) == 0
    live, whole = (cv2.imread(str(tmp_path / name)) for name in ("live.png", "whole.png"))
    assert psnr(live, whole) >= 50


def test_the_preview_grows_sharper_with_every_frame(tmp_path, folder):
    frames = write_frames(tmp_path / "camera", tilted_plane((640, 960), COUNT).frames)
    preview, seen = tmp_path / "preview.jpg", []

    def look():
        if preview.exists():
            seen.append(sharpness(cv2.imread(str(preview))))

    happenings = [step for arrival in copy(frames, folder) for step in (arrival, look)]
    job = StackJob((folder,), tmp_path / "out.jpg", AS_IT_LIES, preview=preview)
    follow_files(job, Time(*happenings).follow(folder, expect=COUNT))
    assert len(seen) >= 3
    assert seen[-1] > seen[0]


def test_a_damaged_frame_is_told_of_once_and_left_out(shot, folder, tmp_path):
    shot[2].write_bytes(shot[2].read_bytes()[:3000])
    clock, said = Time(*copy(shot, folder)), []
    job = StackJob((folder,), tmp_path / "out.jpg", AS_IT_LIES)
    report = follow_files(job, clock.follow(folder, expect=COUNT), warn=said.append)
    assert report.used == COUNT - 1
    assert len([sentence for sentence in said if shot[2].name in sentence]) == 1


def test_the_command_stacks_what_another_program_writes(shot, folder, tmp_path):
    out, preview = tmp_path / "out.jpg", tmp_path / "preview.jpg"
    command = [sys.executable, "-m", "stacker", "stack", "--follow", str(folder), "-o", str(out)]
    command += ["--expect", str(COUNT), "--preview", str(preview), "--align", "none"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:

        def shoot():
            for path in shot:
                with (folder / path.name).open("wb") as file:
                    data = path.read_bytes()
                    file.write(data[:4000])
                    file.flush()
                    time.sleep(0.05)
                    file.write(data[4000:])

        camera = threading.Thread(target=shoot)
        camera.start()
        said, _ = process.communicate(timeout=120)
        camera.join()
    assert process.returncode == 0
    assert str(out) in said
    assert out.exists()
    assert preview.exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--expect", "3"], "add --follow"),
        (["--idle", "3"], "add --follow"),
        (["--follow", "--expect", "3", "--idle", "3"], "not both"),
        (["--follow", "--order", "time"], "order of their names"),
        (["--follow", "--transforms", "t.json"], "for a bracket that is complete"),
    ],
)
def test_contradictions_are_refused(folder, tmp_path, options, sentence, capsys):
    assert main(["stack", str(folder), "-o", str(tmp_path / "out.jpg"), *options]) == 2
    assert sentence in capsys.readouterr().err


def test_what_is_no_folder_cannot_be_followed(shot, tmp_path, capsys):
    assert main(["stack", str(shot[0]), "-o", str(tmp_path / "out.jpg"), "--follow"]) == 1
    assert "is no folder" in capsys.readouterr().err
