"""How many connections one client may have open: a hostile phone takes its own share, never all of them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any

PER_CLIENT = 16  # a browser opens six; two phones behind one address still have room
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

Accepted = tuple[socket.socket, Any]  # the connection and its address, as socket.accept gives them


def limited(
    accept: Callable[[], Accepted | None], open_now: Callable[[], Iterable[str]], most: int = PER_CLIENT
) -> Callable[[], Accepted | None]:
    """An accept() that refuses a client which has `most` connections open. open_now: hosts of all that are."""

    def accept_or_refuse() -> Accepted | None:
        accepted = accept()
        if accepted is None:
            return None
        connection, address = accepted
        client = client_of(address[0])
        if sum(client_of(host) == client for host in open_now()) < most:
            return accepted
        with contextlib.suppress(OSError), connection:
            connection.setblocking(False)  # a client that does not listen holds nobody up
            connection.send(REFUSAL)
        return None

    return accept_or_refuse


def client_of(host: str) -> str:
    """Who has this address. One that has an IPv6 address has 2^64 of them, so the network counts."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
