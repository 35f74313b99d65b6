"""Nobody comes in but through the gate."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from flask import Flask
from simrig import Rig
from webphone import CHANGE, PIN, Phone

from webui import PageSettings, create_app
from webui.assets import version
from webui.security import OPEN_TO_GUESTS, PUBLIC

EXAMPLES = {
    "bracket_id": "b000001", "result_id": "r01", "frame": 0, "column": 0, "row": 0, "kind": "fused", "ticket": "x" * 32,
    "phone_id": "0123abcd", "source_id": "s0123abcd", "job_id": "j0123abcd", "tag": "x", "name": "css/base.css",
}  # fmt: skip


def every_operation(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, address) of everything the application answers."""
    adapter = app.url_map.bind("localhost")
    return [
        (rule.endpoint, method, adapter.build(rule.endpoint, {a: EXAMPLES[a] for a in rule.arguments}))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD"})
    ]


def test_an_unpaired_phone_is_refused_everywhere_but_at_the_pairing(app: Flask, stranger: Phone) -> None:
    for endpoint, method, address in every_operation(app):
        answer = stranger.client.open(address, method=method, json={}, headers=CHANGE)
        if endpoint in PUBLIC:
            assert answer.status_code != 401, (method, address)
        elif address.startswith("/api/"):
            assert answer.status_code == 401, (method, address)
        else:
            assert (answer.status_code, answer.headers["Location"]) == (303, "/pair"), (method, address)


def test_an_unpaired_phone_cannot_find_out_which_addresses_exist(stranger: Phone) -> None:
    assert stranger.get("/api/no-such-thing").status_code == 401
    assert stranger.get("/no-such-page").headers["Location"] == "/pair"


def test_only_the_pairing_and_the_assets_are_public() -> None:
    assert {endpoint.split(".")[0] for endpoint in PUBLIC} == {"pair", "pair_api", "assets"}


@pytest.fixture
def guest(rig: Rig, stranger: Phone) -> Phone:
    """A phone that is not paired with a rig that lets it look."""
    rig.workflow.change_settings({"web.look_only": True})
    return stranger


def test_who_only_looks_sees_pictures_and_state_and_nothing_else(app: Flask, guest: Phone) -> None:
    for endpoint, method, address in every_operation(app):
        if endpoint == "events.events":
            continue  # never ends; heard below
        answer = guest.client.open(address, method=method, json={}, headers=CHANGE)
        original = address.endswith("/fused")
        if endpoint in PUBLIC | OPEN_TO_GUESTS and method == "GET" and not original:
            assert answer.status_code in (200, 204, 404), (method, address)
        elif endpoint not in PUBLIC:
            assert answer.status_code in (401, 303), (method, address)


@pytest.mark.parametrize("kind", ["fused", "tiff", "report"])
def test_who_only_looks_is_not_given_originals(guest: Phone, kind: str) -> None:
    assert guest.get(f"/api/brackets/b000001/results/r01/{kind}").status_code == 401


def test_who_only_looks_is_offered_no_action(guest: Phone, phone: Phone) -> None:
    stream = guest.get("/api/events")
    heard = b"".join(next(stream.iter_encoded()) for _ in range(3)).decode()
    stream.close()

    assert guest.get("/api/state").json["allowed"] == [] and '"allowed": []' in heard
    assert phone.get("/api/state").json["allowed"] != []


def test_who_only_looks_does_not_take_the_camera_for_a_closer_look(guest: Phone, phone: Phone) -> None:
    closer = "/api/preview.jpg?roi=0.4,0.4,0.2,0.2&fine=1"

    assert "X-Sensor-Px" in phone.get(closer).headers
    assert "X-Sensor-Px" not in guest.get(closer).headers


MOST_HEARD = 8  # of a stream that should have ended; the next beats would take half a minute


def test_the_stream_of_who_only_looks_ends_when_that_is_allowed_no_more(rig: Rig, guest: Phone) -> None:
    heard = guest.get("/api/events").iter_encoded()
    next(heard)
    rig.workflow.change_settings({"web.look_only": False})

    assert len(list(islice(heard, MOST_HEARD))) < MOST_HEARD


def test_the_stream_of_a_phone_sent_away_ends(rig: Rig, stranger: Phone, phone: Phone) -> None:
    rig.workflow.change_settings({"web.look_only": True})  # it is no guest's stream for all that
    stranger.post("/api/pair", {"pin": PIN})
    heard = stranger.get("/api/events").iter_encoded()
    next(heard)
    (paired,) = phone.get("/api/phones").json["phones"]
    phone.delete(f"/api/phones/{paired['id']}")

    assert len(list(islice(heard, MOST_HEARD))) < MOST_HEARD


def test_who_only_looks_leaves_room_for_those_who_are_paired(rig: Rig, page_settings: PageSettings) -> None:
    rig.workflow.change_settings({"web.look_only": True})
    client = create_app(rig.workflow, replace(page_settings, max_streams=2)).test_client()
    elsewhere = {"REMOTE_ADDR": "10.42.0.77"}
    first = client.get("/api/events", environ_overrides=elsewhere, buffered=False)
    refused = client.get("/api/events", environ_overrides=elsewhere)
    here = client.get("/api/events", buffered=False)

    assert (first.status_code, refused.status_code, here.status_code) == (200, 503, 200)
    first.close()
    here.close()


def test_every_change_needs_the_mark_of_our_own_pages(app: Flask, phone: Phone) -> None:
    for _, method, address in every_operation(app):
        if method != "GET":
            assert phone.client.open(address, method=method, json={}).status_code == 403, (method, address)


def test_every_change_needs_json_so_that_no_form_can_make_it(app: Flask, phone: Phone) -> None:
    for _, method, address in every_operation(app):
        if method != "GET":
            answer = phone.client.open(
                address, method=method, data="{}", headers=CHANGE, content_type="text/plain"
            )
            assert answer.status_code == 400, (method, address)


def test_nothing_is_changed_by_get_and_no_other_method_is_answered(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert (rule.methods or set()) <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}, rule


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_a_page_of_another_origin_cannot_command(phone: Phone, headers: dict[str, str]) -> None:
    answer = phone.client.post("/api/focus", json={"jog": 1}, headers=CHANGE | headers)

    assert answer.status_code == 403


def test_a_page_of_another_origin_cannot_even_embed_the_live_picture(phone: Phone) -> None:
    assert phone.get("/api/preview.jpg", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_a_link_from_elsewhere_may_open_a_page(phone: Phone) -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert phone.get("/", headers=followed).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "rig.local", "", "localhost@evil.example", "evil@localhost",
        "[::1].evil.example", "[::1", "[", "localhost/evil", "localhost.", "2130706433",
    ],
)  # fmt: skip
def test_a_name_that_is_not_the_rigs_is_refused(phone: Phone, host: str) -> None:
    assert phone.get("/api/state", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "127.0.0.1", "10.42.0.1:80", "[::1]:8000", "[fe80::1%25wlan0]:8000"],
)
def test_its_own_name_and_every_address_are_accepted(phone: Phone, host: str) -> None:
    assert phone.get("/api/state", headers={"Host": host}).status_code == 200


def test_the_computer_of_a_simulated_rig_may_be_made_to_pair_too(
    rig: Rig, page_settings: PageSettings
) -> None:
    strict = replace(page_settings, trust_loopback_when_simulated=False)
    phone = Phone(create_app(rig.workflow, strict).test_client())

    assert phone.get("/api/state").status_code == 401


def test_what_a_proxy_on_the_computer_hands_on_is_not_trusted_as_local(phone: Phone) -> None:
    assert phone.get("/api/state", headers={"X-Forwarded-For": "10.42.0.9"}).status_code == 401


def test_every_answer_is_hardened(app: Flask, phone: Phone) -> None:
    for address in ("/", "/gallery", "/pair", "/api/state", "/api/nothing"):
        headers = phone.get(address).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers


def test_a_body_beyond_the_limit_is_refused_unread(phone: Phone) -> None:
    assert phone.post("/api/focus", {"jog": 1, "ballast": "x" * 100_000}).status_code == 413


def test_a_session_cookie_cannot_be_read_by_scripts_nor_sent_from_other_sites(stranger: Phone) -> None:
    cookie = stranger.post("/api/pair", {"pin": PIN}).headers["Set-Cookie"]

    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie


@pytest.mark.parametrize(
    "address", ["/api/brackets/..%2f..%2fetc", "/api/brackets/b1", "/s/x/../../app.py", "/b/../more"]
)
def test_only_ids_stand_in_addresses(phone: Phone, address: str) -> None:
    assert phone.get(address).status_code == 404


def test_a_name_longer_than_file_systems_allow_is_no_file(stranger: Phone) -> None:
    assert stranger.get(f"/s/{version()}/js/{'a' * 4000}.js").status_code == 404


@pytest.mark.parametrize(
    "odd",
    ['"\\ud800"', "9" * 400, "1e999", "NaN", "-Infinity", "[" * 5000 + "]" * 5000, '{"a":' * 9000, "\xff"],
    ids=["half a character", "long", "infinite", "no number", "minus infinite", "deep", "open", "no text"],
)
@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("POST", "/api/pair", '{"pin": %s}'), ("POST", "/api/focus", '{"goto": %s}'),
        ("POST", "/api/focus", '{"touch": {"x": %s, "y": 0.5}}'), ("POST", "/api/clock", '{"now": %s}'),
        ("POST", "/api/calibrate", '{"scale": {"first_steps": 1, "second_steps": 2, "distance_um": %s}}'),
        ("PUT", "/api/settings", '{"capture.settle_s": %s}'),
        ("PATCH", "/api/brackets/b000001", '{"title": %s}'),
    ],
)  # fmt: skip
def test_a_body_that_json_should_not_hold_is_refused(
    phone: Phone, method: str, address: str, body: str, odd: str
) -> None:
    sent = (body % odd).encode("latin-1")
    answer = phone.client.open(
        address, method=method, data=sent, headers=CHANGE, content_type="application/json"
    )

    assert answer.status_code == 400
