"""The running server: its streams, its limits, its end."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from simrig import Rig

from webui import PageSettings, Server, create_app

LIMIT_S = 30.0


@pytest.fixture
def server(rig: Rig, page_settings: PageSettings) -> Iterator[Server]:
    few = replace(page_settings, max_streams=2, max_waiting_previews=2)
    server = Server(create_app(rig.workflow, few), "127.0.0.1", 0)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield server
    server.stop()
    thread.join(LIMIT_S)
    assert not thread.is_alive()


def fetch(server: Server, path: str) -> Any:
    return urllib.request.urlopen(server.url + path, timeout=LIMIT_S)


def open_stream(server: Server) -> socket.socket:
    connection = socket.create_connection((server.host, server.port), timeout=LIMIT_S)
    connection.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return connection


def read_until(connection: socket.socket, wanted: bytes) -> bytes:
    heard = b""
    end = time.monotonic() + LIMIT_S  # beats of the stream go on for ever
    while wanted not in heard:
        piece = connection.recv(65536)
        assert piece and time.monotonic() < end, heard
        heard += piece
    return heard


def test_a_stream_begins_with_the_present_state(server: Server, rig: Rig) -> None:
    with open_stream(server) as connection:
        heard = read_until(connection, b'"message"')

    assert b"event: state" in heard and b'"state": "idle"' in heard.replace(b'":"', b'": "')


def test_a_stream_tells_of_a_change(server: Server, rig: Rig) -> None:
    with open_stream(server) as connection:
        read_until(connection, b'"message"')
        rig.workflow.set_near(1234)
        heard = read_until(connection, b"1234")

    assert b"near_steps" in heard


def test_one_stream_too_many_is_told_to_come_back(server: Server) -> None:
    with open_stream(server) as first, open_stream(server) as second:
        read_until(first, b"event: state")
        read_until(second, b"event: state")
        with pytest.raises(urllib.error.HTTPError) as refused:
            fetch(server, "api/events")

    assert refused.value.code == 503 and refused.value.headers["Retry-After"]


def test_a_phone_that_left_gives_its_place_back(server: Server) -> None:
    end = time.monotonic() + LIMIT_S
    for _ in range(6):  # three times as many as there are places
        connection = open_stream(server)
        while b"503" in (heard := connection.recv(65536)):
            connection.close()
            assert time.monotonic() < end, "no place was given back"
            connection = open_stream(server)
        assert b"200 OK" in heard
        connection.close()


def test_commands_are_answered_while_every_stream_is_taken(server: Server) -> None:
    with open_stream(server) as first, open_stream(server) as second:
        read_until(first, b"event: state")
        read_until(second, b"event: state")

        assert json.load(fetch(server, "api/state"))["state"] == "idle"


def test_the_server_does_not_say_what_it_is_made_of(server: Server) -> None:
    headers = fetch(server, "").headers

    assert "Server" not in headers


def test_what_a_proxy_forwards_does_not_pass_for_this_computer(server: Server) -> None:
    request = urllib.request.Request(f"{server.url}api/state", headers={"X-Forwarded-For": "10.42.0.77"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=LIMIT_S)

    assert refused.value.code == 401
