"""How another phone finds the rig, as codes that a camera reads."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from urllib.parse import urlsplit

import cv2
import numpy as np
import pytest
from flask import Flask
from simrig import Rig
from webphone import PIN, Phone

from webui import PageSettings, create_app, qr
from webui.pairing import Pairing

SQUARE_PX = 6
QUIET = 4


def read(rows: list[str]) -> str:
    """What a camera reads from a code."""
    light = 255 * (1 - np.array([[int(one) for one in row] for row in rows], np.uint8))
    picture = np.kron(np.pad(light, QUIET, constant_values=255), np.ones((SQUARE_PX, SQUARE_PX), np.uint8))
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    return text


@pytest.fixture
def hotspot(rig: Rig, page_settings: PageSettings, pairing: Pairing) -> Flask:
    settings = replace(page_settings, wifi_name='Rig "7F3A"', wifi_key="a;b:c,d")
    return create_app(rig.workflow, settings, pairing)


def test_a_code_is_read_by_a_camera() -> None:
    assert read(qr.code("http://10.42.0.1/pair#k=abc")) == "http://10.42.0.1/pair#k=abc"


def test_the_rigs_network_is_offered_with_its_odd_characters_escaped(hotspot: Flask) -> None:
    wifi = Phone(hotspot.test_client()).get("/api/network").json["wifi"]

    assert wifi["name"] == 'Rig "7F3A"'
    assert read(wifi["qr"]) == 'WIFI:T:WPA;S:Rig \\"7F3A\\";P:a\\;b\\:c\\,d;;'


def test_no_network_is_offered_where_none_is_set_up(phone: Phone) -> None:
    assert phone.get("/api/network").json["wifi"] is None


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("localhost:8000", True), ("127.0.0.1", True), ("[::1]", True), ("10.42.0.1", False)],
)
def test_an_address_that_leads_nowhere_from_a_phone_is_said_to(
    phone: Phone, host: str, only_here: bool
) -> None:
    answer = phone.get("/api/network", headers={"Host": host}).json

    assert answer["only_here"] is only_here and answer["address"] == f"http://{host}"


def test_an_invitation_lets_one_phone_in_and_no_second(phone: Phone, stranger: Phone) -> None:
    answer = phone.post("/api/network/invitation", Host="10.42.0.1").json
    assert read(answer["qr"]) == answer["address"]
    parts = urlsplit(answer["address"])
    assert (parts.netloc, parts.path) == ("10.42.0.1", "/pair")
    word = parts.fragment.removeprefix("k=")

    assert stranger.get("/api/state").status_code == 401
    assert stranger.post("/api/pair", {"invitation": word}).json == {"paired": True}
    assert stranger.get("/api/state").status_code == 200
    assert phone.post("/api/pair", {"invitation": word}).status_code == 404


def test_a_stranger_may_neither_look_nor_invite(stranger: Phone) -> None:
    assert stranger.get("/api/network").status_code == 401
    assert stranger.post("/api/network/invitation").status_code == 401


def test_the_key_of_the_network_is_not_in_the_logs(hotspot: Flask, rig: Rig) -> None:
    rig.workflow.change_settings({"web.wifi_name": "rig", "web.wifi_key": "very secret key"})
    packed = Phone(hotspot.test_client()).get("/api/logs.zip").data
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        everything = b"".join(map(archive.read, archive.namelist()))

    assert b"wifi_name" in everything and b"very secret key" not in everything
    assert PIN.encode() not in everything
