"""Settings from a phone: what may be changed, what is refused, where it is kept."""

from __future__ import annotations

import io
import logging
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from simrig import Rig, small_rig
from webphone import PIN, Phone

from rig.config import Settings
from rig.lenspresets import LENSES
from rig.status import Phase
from rig.workflow import Workflow
from webui import PageSettings, create_app
from webui.api.rigsettings import FROM_A_PHONE, described
from webui.context import EXTENSION
from webui.strings import load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config" / "config.toml"


@pytest.fixture
def kept(tmp_path: Path, page_settings: PageSettings, file: Path):
    """A rig that keeps its settings in a file, and a phone."""
    workflow = Workflow(Settings(), tmp_path / "data", build=small_rig, settings_file=file)
    workflow.open()
    yield Phone(create_app(workflow, page_settings).test_client()), Rig(workflow, tmp_path / "data")
    workflow.close()


def shown(answer: Any) -> dict[str, Any]:
    return {one["name"]: one["value"] for one in answer.json["settings"]}


def test_no_pin_driver_folder_or_address_can_be_changed_from_a_phone() -> None:
    words = ("pin", "driver", "folder", "host", "port", "scene")
    dangerous = [name for name in FROM_A_PHONE if any(w in name.partition(".")[2].split("_") for w in words)]

    assert dangerous == []
    assert {name.partition(".")[0] for name in FROM_A_PHONE} == {
        "optics",
        "motor",
        "capture",
        "camera",
        "flash",
        "stacking",
        "web",
    }
    assert [name for name in FROM_A_PHONE if name.startswith("web.")] == ["web.look_only"]


def test_a_flash_that_is_not_there_is_not_asked_about() -> None:
    none, one = (described(Settings().changed({"flash.pin": pin})) for pin in (0, 18))
    named = [{setting["name"] for setting in shown["settings"]} for shown in (none, one)]

    assert named[1] - named[0] == {"flash.delay_ms", "flash.recycle_s"}


def test_the_lenses_are_those_of_the_command_line_and_may_be_taken(kept) -> None:
    phone, _ = kept
    presets = phone.get("/api/settings").json["lens"]["presets"]

    assert [one["title"] for one in presets] == [lens.title for lens in LENSES]
    for one in presets:
        answer = phone.put("/api/settings", one["settings"])
        assert answer.status_code == 200
        assert one["settings"].items() <= shown(answer).items()


def test_every_setting_has_a_name_and_a_reason_in_every_language() -> None:
    for language, words in load().items():
        missing = [n for n in FROM_A_PHONE for kind in ("set", "why") if f"{kind}.{n}" not in words]
        assert missing == [], language


def test_a_changed_setting_is_in_force_and_kept(kept: tuple[Phone, Rig], file: Path) -> None:
    phone, rig = kept
    answer = phone.put("/api/settings", {"capture.settle_s": 0.9, "stacking.method": "pyramid"})

    assert answer.status_code == 200
    assert shown(answer)["capture.settle_s"] == rig.workflow.settings.capture.settle_s == 0.9
    assert tomllib.loads(file.read_text()) == {
        "capture": {"settle_s": 0.9},
        "stacking": {"method": "pyramid"},
    }


def test_another_lens_changes_the_plan(kept: tuple[Phone, Rig]) -> None:
    phone, rig = kept
    rig.set_limits(40)
    rig.workflow.set_step(None)
    before = rig.workflow.status().plan
    phone.put("/api/settings", {"optics.f_number": 22})

    after = rig.workflow.status().plan
    assert before is not None and after is not None and after.step_um > before.step_um


def test_other_backlash_makes_the_focuser_keep_more_room(kept: tuple[Phone, Rig]) -> None:
    phone, rig = kept
    assert phone.put("/api/settings", {"motor.backlash_steps": 31}).status_code == 200

    rig.workflow.goto(rig.workflow.settings.motor.max_steps)
    assert rig.until_idle().focus.position_steps == rig.workflow.settings.motor.max_steps


def test_what_drivers_are_made_from_starts_the_devices_again(kept: tuple[Phone, Rig]) -> None:
    phone, rig = kept
    answer = phone.put("/api/settings", {"camera.jpeg_quality": 80})

    assert answer.json["state"]["state"] in (Phase.HOMING, Phase.IDLE)
    assert rig.until_idle().fault is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"optics.f_number": 0}, "optics.f_number"),
        ({"capture.settle_s": "long"}, "capture.settle_s"),
        ({"capture.retries": 2, "stacking.method": "magic"}, "stacking.method"),
        ({"motor.min_steps": 10_000_000}, "motor.min_steps"),
        ({"camera.gain": 40.0}, "camera.gain"),  # more than the sensor has
        ({"camera.jpeg_quality": 80, "camera.exposure_us": 50}, "camera.exposure_us"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field_and_nothing_changes(
    kept: tuple[Phone, Rig], file: Path, changes: dict[str, Any], field: str
) -> None:
    phone, rig = kept
    before = rig.workflow.settings
    answer = phone.put("/api/settings", changes)

    assert (answer.status_code, answer.json["field"]) == (422, field)
    assert rig.workflow.settings == before and not file.exists()


@pytest.mark.parametrize(
    "name", ["motor.step_pin", "store.data_folder", "web.host", "nothing", "__class__.x"]
)
def test_what_a_phone_may_not_change_is_refused(phone: Phone, name: str) -> None:
    assert phone.put("/api/settings", {name: 1}).status_code == 400


def test_settings_wait_while_a_bracket_is_shot(phone: Phone, rig: Rig) -> None:
    rig.set_limits(6)
    rig.workflow.start_bracket()

    assert phone.put("/api/settings", {"capture.settle_s": 0.9}).status_code == 409
    rig.until_idle()


def test_the_logs_hold_what_happened_and_no_secret(app: Flask, phone: Phone) -> None:
    token = phone.post("/api/pair", {"pin": PIN}).headers["Set-Cookie"].split("=")[1].split(";")[0]
    with app.extensions[EXTENSION].log:
        logging.getLogger("rig").warning("the camera said %s", PIN)
    with zipfile.ZipFile(io.BytesIO(phone.get("/api/logs.zip").data)) as archive:
        everything = "".join(archive.read(name).decode() for name in archive.namelist())
        assert set(archive.namelist()) == {"log.txt", "settings.toml", "state.json", "about.json"}

    assert "the camera said" in everything and "[capture]" in everything
    assert PIN not in everything and token not in everything


def test_a_bracket_gets_a_title_tags_and_stars(phone: Phone, rig: Rig) -> None:
    bracket = rig.shoot(frames=2)
    answer = phone.patch(f"/api/brackets/{bracket}", {"title": "Wasp", "rating": 5})

    assert answer.json["words"] == {"title": "Wasp", "tags": [], "rating": 5}
    assert phone.get("/api/brackets").json["brackets"][0]["words"]["title"] == "Wasp"
    assert phone.patch(f"/api/brackets/{bracket}", {"rating": 9}).status_code == 422
    assert phone.patch("/api/brackets/b000099", {"rating": 1}).status_code == 404


def test_several_brackets_come_in_one_zip_of_the_length_announced(phone: Phone, rig: Rig) -> None:
    ids = [rig.shoot(frames=2), rig.shoot(frames=2)]
    answer = phone.get(f"/api/brackets.zip?ids={','.join(ids)}&what=frames")

    assert int(answer.headers["Content-Length"]) == len(answer.data)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert {name.split("/")[0] for name in archive.namelist()} == set(ids)


@pytest.mark.parametrize("ids", ["", "b1", "../etc", "b000001,", ",".join(["b000001"] * 201)])
def test_ids_of_a_zip_are_checked(phone: Phone, ids: str) -> None:
    assert phone.get("/api/brackets.zip", query_string={"ids": ids}).status_code == 400


def test_two_points_propose_the_steps_per_um_which_a_setting_takes_over(kept: tuple[Phone, Rig]) -> None:
    phone, rig = kept
    points = {"first_steps": 100, "second_steps": 700, "distance_um": 300}
    proposal = phone.post("/api/calibrate", {"scale": points}).json["state"]["proposal"]
    assert (proposal["setting"], proposal["value"]) == ("motor.steps_per_um", 2.0)

    assert phone.put("/api/settings", {proposal["setting"]: proposal["value"]}).status_code == 200
    assert rig.workflow.settings.motor.steps_per_um == 2.0


@pytest.mark.parametrize(
    "body",
    [
        {}, {"backlash": False}, {"backlash": True, "scale": {}}, {"scale": {"first_steps": 1}},
        {"scale": {"first_steps": 1, "second_steps": 2.5, "distance_um": 3}},
        {"scale": {"first_steps": 1, "second_steps": 2, "distance_um": "far"}},
        {"home": False}, {"travel": {}}, {"travel": {"end": "left"}}, {"travel": {"end": "far", "position_steps": 1.5}},
        {"travel": {"end": "far", "steps": 1}}, {"travel": {"end": "far"}, "home": True},
    ],
)  # fmt: skip
def test_an_odd_calibration_is_refused(phone: Phone, body: dict[str, Any]) -> None:
    assert phone.post("/api/calibrate", body).status_code == 400


def test_an_end_of_the_travel_is_kept_as_settings(kept: tuple[Phone, Rig]) -> None:
    phone, rig = kept
    before = rig.workflow.settings.motor
    near, far = before.min_steps + 40, before.max_steps - 60
    phone.post("/api/calibrate", {"travel": {"end": "near", "position_steps": near}})
    focus = phone.post("/api/calibrate", {"travel": {"end": "far", "position_steps": far}}).json["state"][
        "focus"
    ]

    assert (focus["min_steps"], focus["max_steps"]) == (near, far)
    assert phone.post("/api/calibrate", {"home": True}).status_code == 202
    rig.until_idle()
    assert phone.post("/api/calibrate", {"travel": {"end": "far", "position_steps": 0}}).status_code == 422
