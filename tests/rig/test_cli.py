"""The commands: what they say, what they leave behind, and their exit codes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from functools import partial
from pathlib import Path

import cv2
import pytest
from patience import killed_if_it_takes_long, next_line
from simrig import PATIENCE_S, Rig, small_rig

from rig.cli import main
from rig.config import Settings
from rig.status import Phase
from rig.store import Store, opened
from rig.workflow import Workflow

FRAMES = 5
COMMAND = [sys.executable, "-m", "rig.cli"]


@pytest.fixture(scope="session")
def shot(tmp_path_factory) -> Path:
    """A data folder with one bracket of a scene, shot once for all tests of this file. Not to be changed."""
    data = tmp_path_factory.mktemp("shot")
    workflow = Workflow(
        Settings().changed({"stacking.live": False, "capture.extend_frames": 0}),
        data,
        build=partial(small_rig, size_px=(640, 480)),
    )
    workflow.open()
    found = workflow.suggestion
    workflow.set_near(found.near_steps)
    workflow.set_far(found.far_steps)
    workflow.set_step((found.far_steps - found.near_steps) // (FRAMES - 1))
    workflow.start_bracket()
    Rig(workflow, data).until(lambda status: status.state is Phase.IDLE)
    workflow.close()
    return data


@pytest.fixture
def data(shot, tmp_path) -> Path:
    """A copy of that data folder, to be changed."""
    shutil.copytree(shot, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def replay(shot) -> str:
    """The scene of a replayed bracket: small frames, quickly there."""
    return f"replay:{shot / 'b000001' / 'frames'}"


def run(*args, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, args)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        **options,
    )


def one_sentence(said: str) -> bool:
    return said.startswith("fieldstack: ") and said.count("\n") == 1 and "Traceback" not in said


# --- asked wrongly ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "args",
    [
        [],
        ["develop"],
        ["shoot", "--near", "5"],
        ["shoot", "--auto", "--near", "5", "--far", "9"],
        ["shoot", "--step", "1", "--overlap", "0.3"],
        ["shoot", "--box", "0,0,1,1"],
        ["shoot", "--auto", "--box", "0,0,1"],
        ["shoot", "--auto", "--box", "0,0,nan,1"],
        ["shoot", "--auto", "--box", "middle"],
        ["shoot", "--near", "five", "--far", "9"],
        ["shoot", "--near", "1.5", "--far", "9"],
        ["plan", "--depth", "3", "--near", "1", "--far", "9"],
        ["shoot", "--sim", "target", "--lens", "1:1"],
        ["brackets"],
        ["brackets", "stack", "b000001", "--method", "magic"],
        ["run", "--prot", "80"],
    ],
)
def test_wrong_use_is_exit_code_2_and_one_sentence(args, capsys):
    with pytest.raises(SystemExit) as ended:
        main(args)
    assert ended.value.code == 2
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("fieldstack")


@pytest.mark.parametrize(
    "args",
    [
        ["plan", "--overlap", "7"],
        ["plan", "--magnification", "0"],
        ["plan", "--depth", "1000"],
        ["run", "--port", "99999"],
        ["shoot", "--sim", "nowhere", "--no-stack"],
        ["run", "--sim", "nowhere"],
        ["run", "--sim", "replay:nowhere"],
    ],
)
def test_figures_that_cannot_be_are_one_sentence(args, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDSTACK_DATA", str(tmp_path))
    assert main(args) in (1, 2)
    assert one_sentence(capsys.readouterr().err)


def test_a_wrong_setting_is_told_with_its_line(capsys, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[capture]\nsettle_s = -1\n")
    assert main(["plan", "--config", str(config)]) == 2
    said = capsys.readouterr().err
    assert one_sentence(said)
    assert "config.toml line 2" in said


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert re.fullmatch(r"fieldstack [\w.+]+\n", capsys.readouterr().out)


# --- plan -------------------------------------------------------------------------------------------


def test_plan_explains_step_and_count(capsys):
    assert main(["plan", "--magnification", "1", "--f-number", "5.6", "--depth", "3"]) == 0
    said = capsys.readouterr().out
    assert "276 µm" in said  # HARDWARE table: m 1, N 5.6 -> wave 276 µm
    assert "17 frames" in said


def test_plan_knows_usual_lenses_by_name(capsys):
    assert main(["plan", "--lens", "4x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["depth_of_field_um"] == pytest.approx(55, abs=0.5)


def test_what_is_given_besides_the_lens_counts_before_it(capsys):
    assert main(["plan", "--lens", "1:1", "--f-number", "2.8", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert main(["plan", "--magnification", "1", "--f-number", "2.8", "--json"]) == 0
    assert told == json.loads(capsys.readouterr().out)


def test_an_unknown_lens_is_answered_with_those_there_are(capsys):
    assert main(["plan", "--lens", "9:1"]) == 2
    assert "lens '9:1' is not one of 1:10, 1:4, 1:2, 1:1, 2:1, 4x, 10x" in capsys.readouterr().err


def test_plan_in_json_has_the_figures(capsys):
    assert main(["plan", "--magnification", "1", "--f-number", "5.6", "--depth", "3", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["frames"] == 17
    assert told["depth_of_field_um"] == pytest.approx(276, abs=0.5)


def test_a_distance_may_be_given_in_steps_or_lengths(capsys):
    assert (
        main(["plan", "--near", "0", "--far", "3mm", "--step", "500um", "--steps-per-um", "2", "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["positions_steps"] == [0, 1000, 2000, 3000, 4000, 5000, 6000]


# --- shoot ------------------------------------------------------------------------------------------


def test_shoot_leaves_a_stacked_bracket(tmp_path, replay):
    told = run(
        "shoot",
        "--sim",
        replay,
        "--near",
        "20",
        "--far",
        "180",
        "--step",
        "40",
        "--data",
        tmp_path,
        "--json",
    )
    assert (told.returncode, told.stderr) == (0, "")
    facts = json.loads(told.stdout)
    assert (facts["id"], facts["outcome"], facts["frames"]) == ("b000001", "complete", 5)
    assert cv2.imread(facts["result"]["path"]) is not None
    assert Store(tmp_path).folder_of("b000001").damaged_frames() == ()


def test_shoot_without_stacking_has_no_result(tmp_path, replay):
    told = run(
        "shoot",
        "--sim",
        replay,
        "--near",
        "20",
        "--far",
        "60",
        "--step",
        "40",
        "--data",
        tmp_path,
        "--no-stack",
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert "b000001: 2 frames" in told.stdout
    assert Store(tmp_path).detail("b000001").results == ()


def test_shoot_again_takes_the_range_that_was_set(tmp_path, replay):
    common = ["--sim", replay, "--step", "40", "--data", tmp_path, "--no-stack", "--json"]
    assert run("shoot", "--near", "20", "--far", "60", *common).returncode == 0
    told = run("shoot", *common)
    assert Store(tmp_path).detail(json.loads(told.stdout)["id"]).plan["positions_steps"] == [20, 60]


def test_shoot_outside_the_travel_is_refused(tmp_path, replay):
    told = run("shoot", "--sim", replay, "--near", "0", "--far", "99999", "--data", tmp_path)
    assert told.returncode == 2
    assert one_sentence(told.stderr)
    assert "outside" in told.stderr


def start_shooting(tmp_path, replay, *more):
    """A shoot of many frames in a process of its own, with at least two of them on the card."""
    config = tmp_path / "config.toml"
    config.write_text('[capture]\nsettle_mode = "fixed"\nsettle_s = 0.05\n')
    plan = ["--near", "20", "--far", "180", "--step", "4", "--config", str(config)]
    child = subprocess.Popen(
        [*COMMAND, "shoot", "--sim", replay, *plan, "--data", str(tmp_path), *more],
        stderr=subprocess.PIPE,
        text=True,
    )
    frames = tmp_path / "b000001" / "frames"
    with killed_if_it_takes_long(child):
        while not (frames / "001.jpg").exists():
            assert child.poll() is None, child.stderr.read()
            signal.sigtimedwait([], 0.05)
    return child


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_shoot_keeps_its_frames_and_says_how_to_go_on(tmp_path, replay, how):
    child = start_shooting(tmp_path, replay)
    child.send_signal(how)
    _, said = child.communicate(timeout=PATIENCE_S)
    assert child.returncode == 130
    assert one_sentence(said)
    assert "fieldstack brackets resume b000001" in said
    store = Store(tmp_path)
    assert store.detail("b000001").summary.outcome == "stopped"
    assert store.folder_of("b000001").damaged_frames() == ()
    assert not list(tmp_path.rglob("*.part"))


def test_a_killed_shoot_is_completed_by_resume(tmp_path, replay):
    child = start_shooting(tmp_path, replay, "--no-stack")
    assert " being shot " in run("brackets", "list", "--data", tmp_path).stdout
    child.kill()
    child.communicate(timeout=PATIENCE_S)
    assert " interrupted " in run("brackets", "list", "--data", tmp_path).stdout
    told = run(
        *("brackets", "resume", "b000001", "--data", tmp_path, "--no-stack", "--json"),
        *("--config", tmp_path / "config.toml"),
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["frames"] == json.loads(told.stdout)["planned"] == 41
    assert "all 41 frames" in run("brackets", "show", "b000001", "--check", "--data", tmp_path).stdout


def test_a_bracket_is_extended_where_it_is_told_to(data, tmp_path):
    config = tmp_path / "config.toml"
    config.write_text("[camera]\nsim_width_px = 640\n")
    told = run(
        *("brackets", "extend", "b000001", "--end", "near", "--frames", "1", "--data", data, "--no-stack"),
        *("--config", config, "--json"),
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["frames"] == FRAMES + 1


def test_a_bracket_without_gap_is_not_filled(data):
    told = run("brackets", "fill", "b000001", "--data", data, "--no-stack")
    assert told.returncode == 1
    assert one_sentence(told.stderr)
    assert "no gap" in told.stderr


def test_an_interruption_while_the_program_is_loaded_is_one_sentence(monkeypatch, capsys):
    def interrupted(command):
        raise KeyboardInterrupt

    monkeypatch.setattr("rig.cli.get_parser", interrupted)
    assert main(["stack"]) == 130
    assert one_sentence(capsys.readouterr().err)


def test_the_program_is_ready_for_ctrl_c_before_it_loads_anything_large():
    loaded = "import sys, rig.cli; print([name for name in ('numpy', 'cv2', 'flask') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"
    )


def test_a_second_shoot_on_the_same_folder_is_refused(tmp_path, replay):
    child = start_shooting(tmp_path, replay)
    told = run("shoot", "--sim", replay, "--data", tmp_path)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=PATIENCE_S)
    assert told.returncode == 1
    assert one_sentence(told.stderr)
    assert f"process {child.pid}" in told.stderr


def test_a_full_disk_ends_the_shoot_with_what_was_kept(tmp_path, replay):
    config = tmp_path / "config.toml"
    config.write_text("[store]\nreserve_mb = 1000000\n")
    told = run(
        "shoot", "--sim", replay, "--near", "20", "--far", "60", "--data", tmp_path, "--config", config
    )
    assert told.returncode == 1
    assert one_sentence(told.stderr)
    assert "in reserve" in told.stderr


# --- brackets ---------------------------------------------------------------------------------------


def test_list_tells_of_every_bracket(data, capsys):
    assert main(["brackets", "list", "--data", str(data)]) == 0
    assert re.search(r"b000001 .* complete .* 5/5 frames .* not stacked", capsys.readouterr().out)


def test_list_of_an_empty_place_says_so(tmp_path, capsys):
    assert main(["brackets", "list", "--data", str(tmp_path / "nowhere")]) == 0
    assert "no brackets" in capsys.readouterr().out


def test_the_data_folder_may_come_from_the_environment(data, capsys, monkeypatch):
    monkeypatch.setenv("FIELDSTACK_DATA", str(data))
    assert main(["brackets", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "b000001"


def test_looking_works_while_the_rig_writes(data, capsys):
    with opened(Store(data)):
        assert main(["brackets", "show", "b000001", "--data", str(data)]) == 0
        assert main(["brackets", "delete", "b000001", "--data", str(data)]) == 1
    assert "another fieldstack" in capsys.readouterr().err


def test_a_damaged_frame_is_found(data, capsys):
    (data / "b000001" / "frames" / "002.jpg").write_bytes(b"rot")
    assert main(["brackets", "show", "b000001", "--check", "--data", str(data)]) == 1
    assert "002.jpg" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["show"], ["stack"], ["resume"], ["delete"]])
@pytest.mark.parametrize("odd", ["b000099", "../data", "b1"])
def test_a_bracket_that_is_not_there_is_one_sentence(data, capsys, command, odd):
    assert main(["brackets", *command, odd, "--data", str(data)]) == 1
    said = capsys.readouterr().err
    assert one_sentence(said)
    assert "no bracket" in said


def test_stack_makes_a_result_without_any_device(data, capsys):
    assert main(["brackets", "stack", "b000001", "--method", "average", "--data", str(data), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert cv2.imread(told["path"]) is not None
    assert Store(data).detail("b000001").results[0].settings["method"] == "average"


def test_export_to_a_zip_holds_every_frame(data, tmp_path, capsys):
    assert main(["brackets", "export", "b000001", str(tmp_path / "out.zip"), "--data", str(data)]) == 0
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert {f"b000001/frames/{index:03d}.jpg" for index in range(FRAMES)} <= set(archive.namelist())


def test_an_exported_folder_is_a_bracket_of_its_own(data, tmp_path, capsys):
    assert main(["brackets", "export", "b000001", str(tmp_path / "b000001"), "--data", str(data)]) == 0
    assert Store(tmp_path).folder_of("b000001").damaged_frames() == ()


def test_export_overwrites_nothing(data, tmp_path, capsys):
    (tmp_path / "out.zip").write_text("precious")
    assert main(["brackets", "export", "b000001", str(tmp_path / "out.zip"), "--data", str(data)]) == 1
    assert (tmp_path / "out.zip").read_text() == "precious"


def test_export_to_a_place_that_is_not_there_leaves_nothing(data, tmp_path, capsys):
    assert main(["brackets", "export", "b000001", str(tmp_path / "no" / "out.zip"), "--data", str(data)]) == 1
    assert one_sentence(capsys.readouterr().err)
    assert not (tmp_path / "no").exists()


def test_delete_removes_all_or_none(data, capsys):
    assert main(["brackets", "delete", "b000001", "b000099", "--data", str(data)]) == 1
    assert Store(data).ids() == ("b000001",)
    assert main(["brackets", "delete", "b000001", "--data", str(data)]) == 0
    assert Store(data).ids() == ()


# --- doctor -----------------------------------------------------------------------------------------


def test_doctor_says_that_the_simulated_rig_works(tmp_path, capsys):
    config = tmp_path / "config.toml"
    config.write_text('[camera]\ndriver = "sim"\n')
    assert main(["doctor", "--data", str(tmp_path), "--config", str(config)]) == 0
    assert "simulated" in capsys.readouterr().out


def test_doctor_fails_where_the_rig_cannot_work(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["doctor", "--json", "--data", str(tmp_path / "file" / "data")]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["can_work"] is False
    assert one_sentence(told.err)


# --- run --------------------------------------------------------------------------------------------


@pytest.fixture
def manager():
    """What a service manager hears, at an abstract address: a path may be too long for a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0fieldstack-test-run-{os.getpid()}")
        line.settimeout(PATIENCE_S)
        yield line


@pytest.fixture
def service(tmp_path, replay, manager):
    asked = {"NOTIFY_SOCKET": manager.getsockname().decode().replace("\0", "@"), "WATCHDOG_USEC": "30000000"}
    child = subprocess.Popen(
        [*COMMAND, "run", "--sim", replay, "--data", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **asked, "PYTHONUNBUFFERED": "1"},
    )
    yield child
    child.kill()
    child.communicate(timeout=PATIENCE_S)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_run_says_where_to_look_serves_it_and_ends_cleanly(service, manager, tmp_path, how):
    url = re.search(r"http://\S+", next_line(service))[0]
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as page:
        assert b"<html" in page.read()
    heard = {manager.recv(100), manager.recv(100)}  # each is told at once, in whichever order
    service.send_signal(how)
    assert service.wait(PATIENCE_S) == 0
    while (last := manager.recv(100)) == b"WATCHDOG=1":
        pass
    assert (heard, last) == ({b"READY=1", b"WATCHDOG=1"}, b"STOPPING=1")
    with opened(Store(tmp_path)):
        pass  # the folder is free again


def test_run_on_a_port_in_use_is_one_sentence(service, tmp_path, replay):
    port = re.search(r":(\d+)/", next_line(service))[1]
    told = run("run", "--sim", replay, "--data", tmp_path / "other", "--port", port)
    assert told.returncode == 1
    assert "give another --host or --port" in told.stderr


def test_the_pin_is_the_same_after_every_start(tmp_path):
    from rig.commands.run import lasting_pin

    first = lasting_pin(tmp_path / "phones")
    assert lasting_pin(tmp_path / "phones") == first
    assert (tmp_path / "phones" / "pin").stat().st_mode & 0o077 == 0
