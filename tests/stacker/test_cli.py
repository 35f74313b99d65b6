"""The command `stack`, from the shell's point of view."""

import json
import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from samplepictures import corrupt, cut, exif_block, photograph, write_jpeg, write_kind

from stacker.cli import get_parser, job_from, main
from stacker.survey import Survey

SIZE = (240, 320)
FRAMES = 4
FULL = Path("/dev/full")


def subject(dtype=np.uint8):
    """A photograph with texture to focus on."""
    height, width = SIZE
    texture = np.random.default_rng(1).uniform(0.5, 1, (height // 4, width // 4, 1))
    return (photograph(*SIZE, dtype=dtype) * texture.repeat(4, axis=0).repeat(4, axis=1)).astype(dtype)


def bracket(dtype=np.uint8):
    """Frames of one picture, each sharp in its own quarter of the width."""
    sharp = subject(dtype)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3)
    quarter = SIZE[1] // FRAMES
    for index in range(FRAMES):
        frame = blurred.copy()
        frame[:, index * quarter : (index + 1) * quarter] = sharp[:, index * quarter : (index + 1) * quarter]
        yield frame


@pytest.fixture
def folder(tmp_path):
    """A folder of four frames that need no alignment."""
    frames = tmp_path / "frames"
    frames.mkdir()
    for index, frame in enumerate(bracket()):
        write_jpeg(frames / f"frame{index}.jpg", frame, exif=exif_block(subsecond=str(10 + index)))
    return frames


def stack(*arguments):
    return main(["stack", *map(str, arguments), "--align", "none"])


def stack_in_a_process(*arguments, **options):
    command = [sys.executable, "-m", "stacker", "stack", *map(str, arguments)]
    pipes = {"stderr": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
    return subprocess.Popen(command, **pipes)


def make_a_note(path):
    path.write_text("a note, not a picture")


# Results


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_folder_becomes_one_sharp_picture(folder, tmp_path, capsys, suffix):
    out = tmp_path / f"out{suffix}"
    assert stack(folder, "-o", out) == 0
    fused, sharp = cv2.imread(str(out)), subject()
    assert fused.shape == sharp.shape
    blurred = next(bracket())
    assert np.abs(fused.astype(int) - sharp).mean() < 0.4 * np.abs(blurred.astype(int) - sharp).mean()
    assert capsys.readouterr().out == f"wrote {out}\n"


def test_every_result_asked_for_is_written(folder, tmp_path):
    names = {"--depth-map": "depth.png", "--confidence": "sure.png", "--report": "report.json"}
    options = [part for option, name in names.items() for part in (option, tmp_path / name)]
    assert stack(folder, "-o", tmp_path / "out.jpg", *options) == 0
    depth = cv2.imread(str(tmp_path / "depth.png"), cv2.IMREAD_UNCHANGED)
    assert (depth.dtype, depth.shape) == (np.uint16, SIZE)
    assert cv2.imread(str(tmp_path / "sure.png"), cv2.IMREAD_UNCHANGED).shape == SIZE
    assert json.loads((tmp_path / "report.json").read_text())


def test_sixteen_bit_frames_give_sixteen_real_bits(tmp_path):
    for index, frame in enumerate(bracket(np.uint16)):
        write_kind(tmp_path / f"frame{index}.tif", frame)
    out = tmp_path / "result" / "out.tif"
    out.parent.mkdir()
    assert stack(tmp_path, "-o", out) == 0
    fused = cv2.imread(str(out), cv2.IMREAD_UNCHANGED)
    assert fused.dtype == np.uint16
    assert len(np.unique(fused)) > 10_000


def test_the_camera_is_named_in_the_result(folder, tmp_path):
    assert stack(folder, "-o", tmp_path / "out.jpg") == 0
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.getexif()[0x0110] == "imx477"


def test_one_frame_is_its_own_result_and_that_is_said(folder, tmp_path, capsys):
    assert stack(folder / "frame1.jpg", "-o", tmp_path / "out.jpg", "--quality", "98") == 0
    frame, result = cv2.imread(str(folder / "frame1.jpg")), cv2.imread(str(tmp_path / "out.jpg"))
    assert np.abs(frame.astype(int) - result).mean() < 2
    assert "one frame" in capsys.readouterr().err


def test_quiet_says_nothing_when_all_is_well(folder, tmp_path, capsys):
    assert stack(folder, "-o", tmp_path / "out.jpg", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_a_result_in_the_folder_of_the_frames_is_not_a_frame_the_next_time(folder, capsys):
    for _ in range(2):
        assert stack(folder, "-o", folder / "stacked.jpg", "--report", folder / "report.json") == 0
    assert len(json.loads((folder / "report.json").read_text())["frames"]) == FRAMES


def test_a_frame_in_the_folder_is_never_replaced_by_the_result(folder, capsys):
    before = (folder / "frame1.jpg").read_bytes()
    assert stack(folder, "-o", folder / "frame1.jpg") == 2
    assert "lies among the frames and is no earlier result" in capsys.readouterr().err
    assert (folder / "frame1.jpg").read_bytes() == before


def test_earlier_results_among_the_frames_are_replaced(folder):
    numbered = ["-o", folder / "stacked1.png", "--depth-map", folder / "depth1.png"]
    for _ in range(2):
        assert stack(folder, *numbered, "--preview", folder / "preview1.jpg") == 0


# Frames that are no good


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: cut(path, 0.4),
        lambda path: cut(path, 0.9),
        corrupt,
        lambda path: path.write_text("a note"),
    ],
    ids=["cut at 40 %", "cut at 90 %", "corrupted", "a text file"],
)
def test_a_bad_frame_is_left_out_with_a_warning(folder, tmp_path, capsys, damage):
    damage(folder / "frame2.jpg")
    assert stack(folder, "-o", tmp_path / "out.jpg") == 0
    warnings = [line for line in capsys.readouterr().err.splitlines() if "frame2.jpg" in line]
    assert len(warnings) == 1
    assert warnings[0].startswith("fieldstack: warning: ")
    assert cv2.imread(str(tmp_path / "out.jpg")).shape == (*SIZE, 3)


def test_a_frame_of_another_size_is_left_out_with_a_warning(folder, tmp_path, capsys):
    write_jpeg(folder / "frame2.jpg", photograph(100, 100))
    assert stack(folder, "-o", tmp_path / "out.jpg") == 0
    assert "frame2.jpg: is 100×100, most frames are 320×240" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [corrupt, make_a_note], ids=["corrupted", "text"])
def test_strict_fails_on_a_bad_frame(folder, tmp_path, capsys, damage):
    damage(folder / "frame2.jpg")
    assert stack(folder, "-o", tmp_path / "out.jpg", "--strict") == 1
    assert "frame2.jpg" in capsys.readouterr().err
    assert not (tmp_path / "out.jpg").exists()


@pytest.mark.parametrize("content", ["nothing", "text", "damaged"])
def test_without_a_usable_frame_it_fails_with_one_sentence(tmp_path, capsys, content):
    frames = tmp_path / "frames"
    frames.mkdir()
    if content == "text":
        (frames / "frame1.jpg").write_text("a note")
    if content == "damaged":
        for number in range(2):
            cut(write_jpeg(frames / f"frame{number}.jpg", photograph()), 0.5)
    assert stack(frames, "-o", tmp_path / "out.jpg") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "warning" not in line]
    assert len(errors) == 1
    assert errors[0].startswith("fieldstack: ")
    assert not (tmp_path / "out.jpg").exists()


# Places that cannot be written


@pytest.mark.parametrize(
    ("out", "sentence"),
    [
        ("missing/out.jpg", "the folder missing does not exist"),
        ("/proc/out.jpg", "/proc/out.jpg cannot be written"),
    ],
)
def test_an_unwritable_result_is_seen_before_the_work(folder, tmp_path, monkeypatch, capsys, out, sentence):
    monkeypatch.chdir(tmp_path)
    assert stack(folder, "-o", out) == 1
    assert sentence in capsys.readouterr().err


def test_an_unwritable_report_is_seen_before_the_work(folder, tmp_path, capsys):
    assert stack(folder, "-o", tmp_path / "out.jpg", "--report", tmp_path / "missing" / "r.json") == 1
    assert "missing does not exist" in capsys.readouterr().err
    assert not (tmp_path / "out.jpg").exists()


def test_a_result_that_cannot_be_written_to_its_end_fails_and_leaves_nothing(folder, tmp_path):
    """In a process for which the kernel stops every file at 4000 bytes, as a full disk would."""
    process = stack_in_a_process(
        folder,
        "-o",
        tmp_path / "out.jpg",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
    )
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"fieldstack: {tmp_path / 'out.jpg'} was not written: " in said
    assert list(tmp_path.iterdir()) == [folder]


# Wrong use


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["a.jpg"],
        ["a.jpg", "-o", "out.jpg", "--outptu", "x"],
        ["a.jpg", "-o", "out.jpg", "--meth", "pyramid"],
        ["a.jpg", "-o", "out.jpg", "--threads", "abc"],
        ["a.jpg", "-o", "out.jpg", "--threads", "-1"],
        ["a.jpg", "-o", "out.jpg", "--method", "magic"],
        ["a.jpg", "-o", "out.jpg", "--quality", "101"],
        ["a.jpg", "-o", "out.jpg", "--memory-limit", "0"],
        ["a.jpg", "-o", "out.jpg", "--reference", "-1"],
        ["a.jpg", "-o", "out.jpg", "--bit-depth", "12"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_2_and_one_sentence(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["stack", *arguments])
    assert ended.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.endswith("(fieldstack stack --help explains)")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["--outptu", "out.jpg"], "--out"), (["-o", "out.jpg", "--methd=auto"], "--method")],
)
def test_a_mistyped_option_is_named_with_the_one_that_may_be_meant(arguments, meant, capsys):
    with pytest.raises(SystemExit):
        main(["stack", "a.jpg", *arguments])
    assert f"did you mean {meant}?" in capsys.readouterr().err


def test_what_stands_behind_two_dashes_is_no_option():
    assert [
        str(path) for path in get_parser().parse_args(["stack", "-o", "b.jpg", "--", "--a.jpg"]).inputs
    ] == ["--a.jpg"]


@pytest.mark.parametrize("wanted", [["-o", "out.jpg"], ["--align-only", "aligned"]])
def test_a_reference_frame_that_is_not_there_is_wrong_use_and_said_before_the_work(
    folder, tmp_path, monkeypatch, capsys, wanted
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Survey, "add", lambda *_: pytest.fail("the work has begun"))
    assert main(["stack", str(folder), *wanted, "--reference", "4"]) == 2
    assert "reference frame 4 does not exist; there are 4 frames, from 0" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-o", "out.gif"], "out.gif: the name of a result should end in .jpg, .png or .tif"),
        (["-o", "out.jpg", "--bit-depth", "16"], "a JPEG has 8 bits"),
        (["-o", "out.png", "--quality", "90"], "--quality is for a JPEG; out.png is none"),
        (["-o", "a.jpg"], "a.jpg is a frame already"),
    ],
)
def test_contradictions_end_with_2_and_one_sentence(arguments, sentence, capsys):
    assert main(["stack", "a.jpg", *arguments]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert sentence in said[0]


def test_every_option_reaches_the_job(tmp_path):
    line = (
        "stack a.jpg b.jpg -o out.tif --method depthmap --align none --reference 1 --depth-map d.png "
        "--confidence c.png --report r.json --bit-depth 16 --no-crop --memory-limit 150 --threads 2 "
        "--order time --strict"
    )
    job = job_from(get_parser().parse_args(line.split()))
    settings = job.settings
    assert (settings.method, settings.align.method, settings.align.reference) == ("depthmap", "none", 1)
    assert (settings.crop, settings.threads, settings.memory_limit_mb) == (False, 2, 150)
    assert [path.name for path in job.outputs] == ["out.tif", "d.png", "c.png", "r.json"]
    assert (job.bit_depth, job.order, job.strict) == (16, "time", True)
    assert job_from(get_parser().parse_args(["stack", "a", "-o", "b.jpg", "--quality", "80"])).quality == 80


# The process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_no_result_and_ends_with_130(folder, tmp_path, number):
    many = [folder / f"frame{index % FRAMES}.jpg" for index in range(200)]
    results = tmp_path / "results"
    results.mkdir()
    terminal, end = pty.openpty()
    process = stack_in_a_process(*many, "-o", results / "out.jpg", stderr=end)
    os.close(end)
    _read_until(terminal, "/200")  # the progress bar: the work has begun
    process.send_signal(number)
    said = _read_until(terminal, "as they were.")
    assert process.wait(timeout=60) == 130
    assert said.strip().endswith("interrupted. No result was written; the frames are as they were.")
    assert list(results.iterdir()) == []


def _read_until(terminal, text):
    """Everything the terminal shows up to this text and the rest of its line."""
    said = ""
    while text not in said:
        try:
            said += os.read(terminal, 4096).decode(errors="replace")
        except OSError:  # Linux's way to say that the other end is closed
            break
    return said


def test_a_reader_that_goes_away_does_not_spoil_the_result(folder, tmp_path):
    process = stack_in_a_process(folder, "-o", tmp_path / "out.jpg", "--align", "none")
    process.stdout.close()
    said = process.stderr.read()
    assert (process.wait(timeout=60), said) == (0, "")
    assert (tmp_path / "out.jpg").exists()


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_behind_stdout_does_not_spoil_the_result(folder, tmp_path):
    with FULL.open("w") as full:
        process = stack_in_a_process(folder, "-o", tmp_path / "out.jpg", "--align", "none", stdout=full)
        said = process.stderr.read()
    assert (process.wait(timeout=60), said) == (0, "")


def test_names_that_are_no_text_do_not_stop_the_stack(folder, tmp_path):
    for path in folder.iterdir():
        path.rename(os.fsdecode(os.fsencode(path.with_suffix("")) + b"\xff\n.jpg"))
    assert stack(folder, "-o", tmp_path / "out.jpg") == 0


def test_a_traceback_is_shown_only_on_request(folder, tmp_path):
    for value, shown in (("0", False), ("1", True)):
        environment = {**os.environ, "FIELDSTACK_DEBUG": value}
        process = stack_in_a_process(folder, "-o", tmp_path / "no" / "out.jpg", env=environment)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert ("Traceback" in said) == shown
