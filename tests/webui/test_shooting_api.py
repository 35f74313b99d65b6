"""Focusing, shooting and looking, over the API on the simulated rig."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import simplejpeg
from simrig import Rig
from webphone import Phone

from rig.status import Phase

KEY = "0123456789abcdef"


def test_the_state_is_the_workflows_snapshot(rig: Rig, phone: Phone) -> None:
    shown = phone.get("/api/state").json

    status = rig.workflow.status()
    assert shown["rev"] == status.rev
    assert shown["allowed"] == list(status.allowed)
    assert shown["focus"]["position_steps"] == status.focus.position_steps


def test_a_jog_moves_the_focus(rig: Rig, phone: Phone) -> None:
    before = rig.workflow.status().focus.position_steps
    answer = phone.post("/api/focus", {"jog": 25})

    assert answer.status_code == 200
    assert rig.until_idle().focus.position_steps == before + 25


def test_near_and_far_make_a_plan(rig: Rig, phone: Phone) -> None:
    phone.post("/api/focus/near", {"position_steps": 1000})
    state = phone.post("/api/focus/far", {"position_steps": 1200}).json["state"]

    assert (state["focus"]["near_steps"], state["focus"]["far_steps"]) == (1000, 1200)
    assert state["plan"]["frames"] >= 2 and "start_bracket" in state["allowed"]


def test_near_without_a_position_is_where_the_focus_stands(rig: Rig, phone: Phone) -> None:
    state = phone.post("/api/focus/near").json["state"]

    assert state["focus"]["near_steps"] == state["focus"]["position_steps"]


def test_near_and_far_can_be_forgotten(rig: Rig, phone: Phone) -> None:
    rig.set_limits()

    assert phone.delete("/api/focus/limits").json["state"]["plan"] is None


def test_a_bracket_is_shot_and_listed(rig: Rig, phone: Phone) -> None:
    rig.set_limits(frames=3)
    answer = phone.post("/api/brackets", Idempotency_Key=KEY)
    rig.until_idle()

    assert answer.status_code == 202
    (listed,) = phone.get("/api/brackets").json["brackets"]
    assert (listed["id"], listed["frames_done"], listed["outcome"]) == (answer.json["id"], 3, "complete")


def test_the_same_key_again_is_the_same_bracket(rig: Rig, phone: Phone) -> None:
    rig.set_limits(frames=2)
    first = phone.post("/api/brackets", Idempotency_Key=KEY).json["id"]
    during = phone.post("/api/brackets", Idempotency_Key=KEY).json["id"]
    rig.until_idle()
    after = phone.post("/api/brackets", Idempotency_Key=KEY).json["id"]

    assert first == during == after
    assert phone.get("/api/brackets").json["total"] == 1


@pytest.mark.parametrize("key", ["", "short", "has spaces in it", "x" * 65, "../../../etc"])
def test_shooting_needs_a_proper_key(rig: Rig, phone: Phone, key: str) -> None:
    rig.set_limits()

    assert phone.post("/api/brackets", Idempotency_Key=key).status_code == 400


def test_shooting_without_limits_is_refused_in_a_sentence(phone: Phone) -> None:
    answer = phone.post("/api/brackets", Idempotency_Key=KEY)

    assert answer.status_code == 409 and answer.content_type == "application/problem+json"
    problem = json.loads(answer.data)
    assert "near and far" in problem["detail"]
    assert {"type", "title", "status", "detail", "detail_said", "kept", "action"} == set(problem)


def test_a_position_outside_the_travel_is_refused(rig: Rig, phone: Phone) -> None:
    assert phone.post("/api/focus", {"goto": 9_999_999}).status_code == 422
    assert rig.workflow.status().state is Phase.IDLE


def test_a_bracket_that_is_not_being_shot_cannot_be_stopped_by_a_page_that_slept(
    rig: Rig, phone: Phone
) -> None:
    bracket_id = rig.shoot(frames=2)

    assert phone.post(f"/api/brackets/{bracket_id}/pause").status_code == 409
    assert phone.post("/api/brackets/b000099/stop").status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {}, {"jog": 1, "goto": 2}, {"jog": "1"}, {"jog": True}, {"jog": 1.5}, {"fly": 1}, {"jog": 10**12},
        {"touch": {}}, {"touch": {"x": 0.5}}, {"touch": {"x": 2, "y": 0}}, {"touch": {"x": "a", "y": 0}},
        {"touch": {"x": 0.5, "y": 0.5, "role": "rm -rf"}}, {"touch": {"x": 0.5, "y": 0.5, "z": 1}},
    ],
)  # fmt: skip
def test_a_wrong_order_to_the_focus_is_refused_and_nothing_moves(rig: Rig, phone: Phone, body: dict) -> None:
    before = rig.workflow.status().focus.position_steps

    assert phone.post("/api/focus", body).status_code == 400
    assert rig.workflow.status().focus.position_steps == before


@pytest.mark.parametrize("text", ["[]", "null", "3", "{", '"jog"'])
def test_a_body_that_is_no_object_is_refused(phone: Phone, text: str) -> None:
    answer = phone.client.post(
        "/api/focus", data=text, content_type="application/json", headers={"X-Rig": "1"}
    )

    assert answer.status_code == 400


def test_the_live_picture_is_a_jpeg_with_its_number_and_age(phone: Phone) -> None:
    answer = phone.get("/api/preview.jpg?w=320")

    assert answer.data[:3] == b"\xff\xd8\xff"
    assert int(answer.headers["X-Seq"]) >= 1 and int(answer.headers["X-Age-Ms"]) >= 0
    assert 0 <= float(answer.headers["X-Focus"]) <= 1


def test_the_next_live_picture_is_a_newer_one(phone: Phone) -> None:
    first = int(phone.get("/api/preview.jpg").headers["X-Seq"])

    assert int(phone.get(f"/api/preview.jpg?after={first}").headers["X-Seq"]) > first


@pytest.mark.parametrize(
    "query", ["roi=1", "roi=0,0,2,2", "roi=nan,0,1,1", "roi=a,b,c,d", "w=x", "after=one", "roi=0,0,0,0"]
)
def test_a_wrong_wish_for_a_picture_is_refused(phone: Phone, query: str) -> None:
    assert phone.get(f"/api/preview.jpg?{query}").status_code == 400


def test_a_touch_sends_the_rig_looking(rig: Rig, phone: Phone) -> None:
    phone.post("/api/focus", {"touch": {"x": 0.5, "y": 0.5, "role": "near"}})

    after = rig.until_idle()
    assert after.focus.near_steps is not None or after.message  # found, or said why not


def test_the_range_is_found_by_itself(rig: Rig, phone: Phone) -> None:
    assert phone.post("/api/auto").status_code == 202

    assert rig.until_idle().plan is not None


def test_the_range_of_a_box_is_found(rig: Rig, phone: Phone) -> None:
    box = {"x": 0.4, "y": 0.4, "width": 0.2, "height": 0.2}
    assert phone.post("/api/auto", {"box": box}).status_code == 202

    focus = rig.until_idle().focus
    phone.post("/api/auto")
    whole = rig.until_idle().focus
    assert whole.near_steps < focus.near_steps < focus.far_steps < whole.far_steps


@pytest.mark.parametrize(
    "box",
    [
        {},
        [0, 0, 1, 1],
        {"x": 0, "y": 0, "width": 1},
        {"x": 0, "y": 0, "width": 1, "height": 1, "depth": 1},
        {"x": 0.6, "y": 0, "width": 0.5, "height": 1},
        {"x": -1, "y": 0, "width": 1, "height": 1},
        {"x": 0, "y": 0, "width": 0, "height": 1},
        {"x": "0", "y": 0, "width": 1, "height": 1},
        {"x": True, "y": 0, "width": 1, "height": 1},
        {"x": [[0]], "y": {"a": 1}, "width": None, "height": 10**17},
    ],
)
def test_an_odd_box_is_refused(phone: Phone, rig: Rig, box: object) -> None:
    refused = phone.post("/api/auto", {"box": box})

    assert refused.status_code == 400
    assert "box" in refused.json["detail"]
    assert rig.workflow.status().state is Phase.IDLE


@pytest.mark.parametrize("body", [{"end": "up"}, {"frames": 0}, {"frames": 1000}, {"frames": True}])
def test_an_odd_extension_is_refused(phone: Phone, rig: Rig, body: dict) -> None:
    bracket = rig.shoot(frames=2)

    assert phone.post(f"/api/brackets/{bracket}/extend", body).status_code == 400


def test_a_bracket_is_extended_at_the_end_named(phone: Phone, rig: Rig) -> None:
    bracket = rig.shoot(frames=3)
    answer = phone.post(f"/api/brackets/{bracket}/extend", {"end": "far", "frames": 2})
    rig.until_idle()

    assert answer.status_code == 202
    assert phone.get(f"/api/brackets/{bracket}").json["frames_done"] == 5


def test_a_simulated_rig_is_not_powered_off(phone: Phone) -> None:
    assert phone.post("/api/power", {"off": True}).status_code == 409
    assert phone.post("/api/power", {}).status_code == 400


def test_a_stack_of_some_frames_takes_their_indices(rig: Rig, phone: Phone) -> None:
    bracket = rig.shoot(frames=3)
    stack = f"/api/brackets/{bracket}/stack"

    assert phone.post(stack, {"frames": [0, True]}).status_code == 400
    assert phone.post(stack, {"frames": [0, 7]}).status_code == 422
    assert phone.post(stack, {"frames": [0, 2], "settings": {"prefer": "sideways"}}).status_code == 422
    answer = phone.post(stack, {"frames": [0, 2]})
    assert (answer.status_code, answer.json["result"]) == (202, "r01")
    rig.workflow.wait_stacked(120)
    (result,) = phone.get(f"/api/brackets/{bracket}").json["results"]
    assert result["frames"] == 2


def test_a_small_part_is_shown_by_the_sensors_own_pixels(phone: Phone, rig: Rig) -> None:
    fine = phone.get("/api/preview.jpg?w=1600&roi=0.25,0.25,0.25,0.25&fine=1")
    coarse = phone.get("/api/preview.jpg?w=1600&roi=0.25,0.25,0.25,0.25")
    too_much = phone.get("/api/preview.jpg?w=1600&roi=0,0,1,1&fine=1")
    widths = [simplejpeg.decode_jpeg_header(one.data)[1] for one in (fine, coarse, too_much)]

    assert fine.headers["X-Sensor-Px"] == "1.0000" and widths[0] == 80
    assert "X-Sensor-Px" not in coarse.headers and "X-Sensor-Px" not in too_much.headers
    assert widths[2] == 320


def test_there_is_no_loupe_while_the_rig_needs_its_camera(make_rig: Callable[..., Rig]) -> None:
    gone = make_rig(open_=False)

    assert gone.workflow.loupe(640, 0.0, (0.0, 0.0, 0.2, 0.2)) is None
