"""The running server: its streams, its limits, its end."""

from __future__ import annotations

import contextlib
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
from webui.assets import FOLDER, version
from webui.channel import MOST_REQUESTS, STALLED_S, let_stalled_go
from webui.connections import FORGET_AFTER_S, PER_CLIENT, Acquaintances, client_of
from webui.server import LIMITS

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


def open_from(server: Server, host: str) -> socket.socket:
    """A connection of the client at this address of the loopback."""
    return socket.create_connection((server.host, server.port), LIMIT_S, source_address=(host, 0))


def answered(connection: socket.socket) -> bytes:
    """The first line of what is said on a connection; empty when it is closed without a word."""
    try:
        return connection.recv(65536).partition(b"\r\n")[0]
    except ConnectionResetError:
        return b""


def begin_a_request(connection: socket.socket) -> None:
    """One that never comes to its end."""
    connection.sendall(b"GET /api/state HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")


def test_one_client_cannot_take_every_connection_and_stop_stays_open_to_the_others(server: Server) -> None:
    hostile = []
    try:
        end = time.monotonic() + LIMIT_S
        refused = 0
        while refused < 70:  # more than there are in all
            assert time.monotonic() < end, f"only {refused} of {len(hostile)} connections were refused"
            connection = open_from(server, "127.0.0.2")
            hostile.append(connection)
            try:
                begin_a_request(connection)
                connection.settimeout(0.05)
                refused += answered(connection) in (b"HTTP/1.1 503 Service Unavailable", b"")
            except TimeoutError:
                pass  # it is open, and waits for the rest of the request
            except (BrokenPipeError, ConnectionResetError):
                refused += 1

        while sum(not is_closed(one) for one in hostile) > PER_CLIENT:  # those let go are closed soon
            assert time.monotonic() < end, "one client has more connections than its share"
        assert json.load(fetch(server, "api/state"))["state"] == "idle"
        stop = urllib.request.Request(
            server.url + "api/stop", b"{}", {"X-Rig": "1", "Content-Type": "application/json"}, method="POST"
        )
        with pytest.raises(urllib.error.HTTPError) as nothing_to_stop:
            urllib.request.urlopen(stop, timeout=LIMIT_S)
        said = json.load(nothing_to_stop.value)["detail_said"]
        assert said["code"] == "action.not_now"  # the rig itself has answered
    finally:
        for connection in hostile:
            connection.close()


def whether_answered(server: Server, hosts: list[str]) -> list[bytes]:
    """What clients at these addresses are told who all connect before the first one asks."""
    connections = [open_from(server, host) for host in hosts]
    try:
        for connection in connections:
            connection.sendall(b"GET /api/state HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        return [answered(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


def test_many_hostile_clients_together_cannot_take_every_connection(server: Server) -> None:
    assert whether_answered(server, ["127.0.0.9"]) == [
        b"HTTP/1.0 200 OK"
    ]  # a phone that may, known from now on
    hostile = []
    try:
        for host in (f"127.0.0.{last}" for last in range(20, 25)):
            for _ in range(PER_CLIENT):  # 80 in all, and there are 64
                hostile.append(open_from(server, host))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    begin_a_request(hostile[-1])

        assert whether_answered(server, ["127.0.0.9"] * 6) == [b"HTTP/1.0 200 OK"] * 6
        assert whether_answered(server, ["127.0.0.10"]) == [b"HTTP/1.0 200 OK"]  # one that nobody knows yet
    finally:
        for connection in hostile:
            connection.close()


def test_an_address_is_forgotten_when_it_may_be_another_phones() -> None:
    now = [0.0]
    known = Acquaintances(clock=lambda: now[0])
    known.meet("10.42.0.7")

    now[0] = FORGET_AFTER_S - 1
    assert known.know("10.42.0.7") and not known.know("10.42.0.8")
    now[0] = FORGET_AFTER_S
    assert not known.know("10.42.0.7")


def test_the_longest_unused_connection_of_a_client_makes_way_for_a_new_one(server: Server) -> None:
    kept = [open_from(server, "127.0.0.4") for _ in range(PER_CLIENT)]
    try:
        begin_a_request(kept[0])  # this one is in use
        with open_from(server, "127.0.0.4") as new:
            new.sendall(b"GET /api/state HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            assert answered(new) == b"HTTP/1.0 200 OK"
        kept[0].sendall(b"x\r\nConnection: close\r\n\r\n")
        assert answered(kept[0]) == b"HTTP/1.1 200 OK"
        assert sum(is_closed(one) for one in kept[1:]) <= 2
    finally:
        for connection in kept:
            connection.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other end has closed it."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_a_client_that_closes_a_connection_may_open_another(server: Server) -> None:
    for connection in [open_from(server, "127.0.0.3") for _ in range(PER_CLIENT)]:
        connection.close()
    end = time.monotonic() + LIMIT_S
    while True:
        with open_from(server, "127.0.0.3") as connection:
            connection.sendall(b"GET /api/state HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
            if b"200" in answered(connection):
                return
        assert time.monotonic() < end, "no place was given back"


def test_streams_that_one_client_never_reads_leave_threads_for_the_others(server: Server) -> None:
    waiting = [open_from(server, "127.0.0.2") for _ in range(PER_CLIENT)]
    try:
        for connection in waiting:  # two of them are streams, the others are refused
            connection.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

        assert json.load(fetch(server, "api/state"))["state"] == "idle"
    finally:
        for connection in waiting:
            connection.close()


def deaf(server: Server, host: str) -> socket.socket:
    """A connection whose client takes nothing of what it is sent."""
    connection = socket.socket()
    connection.settimeout(LIMIT_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    connection.bind((host, 0))
    connection.connect((server.host, server.port))
    return connection


A_FILE = f"GET /s/{version()}/openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def test_clients_that_ask_without_listening_leave_threads_for_the_others(server: Server) -> None:
    hostile = []
    try:
        for host in ("127.0.0.5", "127.0.0.6"):
            for _ in range(PER_CLIENT):  # 32 in all, more than there are threads
                hostile.append(deaf(server, host))
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    hostile[-1].sendall(A_FILE * 70)  # 7 MB to be sent, more than the kernel takes

        assert json.load(fetch(server, "api/state"))["state"] == "idle"
    finally:
        for connection in hostile:
            connection.close()


def test_no_two_public_files_together_would_make_a_thread_wait_for_its_client() -> None:
    largest = max(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())

    assert MOST_REQUESTS * largest < LIMITS["outbuf_high_watermark"]


def test_a_connection_whose_client_takes_no_answer_is_closed(server: Server) -> None:
    end = time.monotonic() + LIMIT_S
    with deaf(server, "127.0.0.7") as connection:
        asked = 0.0
        while not any(one.total_outbufs_len for one in server.connections()):
            assert time.monotonic() < end, "everything was sent to a client that reads nothing"
            if all(one.last_activity >= asked and not one.requests for one in server.connections()):
                asked = time.time()  # one at a time
                connection.sendall(A_FILE)
            time.sleep(0.01)
        let_stalled_go(server.connections(), time.time())
        assert server.connections()  # it may yet read
        while server.connections():
            assert time.monotonic() < end, "it was kept"
            let_stalled_go(server.connections(), time.time() + STALLED_S + LIMIT_S)
            time.sleep(0.01)


@pytest.mark.parametrize(
    "sent", [b"NO SUCH THING\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"]
)
def test_what_is_no_request_is_refused_with_the_headers_of_every_answer(server: Server, sent: bytes) -> None:
    with open_from(server, "127.0.0.8") as connection:
        connection.sendall(sent)
        refusal = read_until(connection, b"\r\n\r\n")

    assert refusal.startswith(b"HTTP/1.0 4") and b"Content-Security-Policy: default-src 'self'" in refusal


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux ends such connections itself")
def test_the_kernel_ends_the_connection_of_a_phone_that_has_walked_off(server: Server) -> None:
    with open_stream(server) as stream:
        read_until(stream, b"event: state")
        (connection,) = server.connections()
        patience_ms = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert patience_ms == STALLED_S * 1000


def test_a_length_that_is_no_number_any_more_ends_the_connection_and_fills_no_log(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    with open_from(server, "127.0.0.8") as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
        assert answered(connection) == b""

    assert not caplog.records


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.42.0.7", "10.42.0.8", False),
        ("10.42.0.7", "::ffff:10.42.0.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%wlan0", "fe80::2", True),
    ],
)
def test_addresses_of_one_client(one: str, other: str, same: bool) -> None:
    assert (client_of(one) == client_of(other)) is same
