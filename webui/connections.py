"""How many connections one client may have open: a hostile phone takes its own share, never all of them."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any

from waitress.channel import HTTPChannel

PER_CLIENT = 16  # a browser opens six; two phones behind one address still have room
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

Accepted = tuple[socket.socket, Any]  # the connection and its address, as socket.accept gives them


def limited(
    accept: Callable[[], Accepted | None],
    open_now: Callable[[], Iterable[HTTPChannel]],
    most: int = PER_CLIENT,
) -> Callable[[], Accepted | None]:
    """An accept() for a client that has `most` connections open: its longest unused one makes way for the new one.

    Where all of them are in use it is refused. open_now: every connection that is open.
    """

    def accept_or_refuse() -> Accepted | None:
        accepted = accept()
        if accepted is None:
            return None
        connection, address = accepted
        client = client_of(address[0])
        theirs = [one for one in open_now() if client_of(one.addr[0]) == client and not one.will_close]
        if len(theirs) < most:
            return accepted
        if unused := [one for one in theirs if is_unused(one)]:
            min(unused, key=lambda one: one.last_activity).will_close = True
            return accepted
        with contextlib.suppress(OSError), connection:
            connection.setblocking(False)  # a client that does not listen holds nobody up
            connection.send(REFUSAL)
        return None

    return accept_or_refuse


def is_unused(channel: HTTPChannel) -> bool:
    """Nothing is asked on it, not even begun, and nothing is still to be sent."""
    return not channel.requests and channel.request is None and not channel.total_outbufs_len


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
