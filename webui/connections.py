"""How many connections there may be: a hostile phone takes its own share, and many of them never all.

All that is known of a connection before it asks for something is its address. So places are kept for the addresses
that paired phones had; the others share the rest, and where that is full whoever waits longest makes way.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from waitress.channel import HTTPChannel

from webui.channel import let_go

PER_CLIENT = 16  # a browser opens six; two phones behind one address still have room
STRANGERS = 36  # together, of 64: six each are left for four paired phones
FORGET_AFTER_S = 12 * 3600.0  # the address may be another phone's by then
MOST_KNOWN = 64
REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 2\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)

Accepted = tuple[socket.socket, Any]  # the connection and its address, as socket.accept gives them


class Acquaintances:
    """The clients that paired phones had lately. From any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._guard = threading.Lock()
        self._met: dict[str, float] = {}  # the one met last comes last

    def meet(self, client: str) -> None:
        """A paired phone has asked for something from there."""
        with self._guard:
            self._met.pop(client, None)
            self._met[client] = self._clock()
            while len(self._met) > MOST_KNOWN:
                del self._met[next(iter(self._met))]

    def know(self, client: str) -> bool:
        """Whether one did so lately."""
        with self._guard:
            met = self._met.get(client)
        return met is not None and self._clock() - met < FORGET_AFTER_S


def limited(
    accept: Callable[[], Accepted | None],
    open_now: Callable[[], Iterable[HTTPChannel]],
    known: Callable[[str], bool],
    most: int = PER_CLIENT,
    strangers: int = STRANGERS,
) -> Callable[[], Accepted | None]:
    """An accept() that keeps to `most` connections of one client, and to `strangers` of all that are not known.

    Of a client that has all of its own, the longest unused one makes way for the new one; of the strangers the one
    that has waited longest, of whoever has most, even in the middle of asking, or of an answer that it does not take.
    Where an answer is being found for all of them the new one is refused. open_now: every connection that is open.
    """

    def accept_or_refuse() -> Accepted | None:
        accepted = accept()
        if accepted is None:
            return None
        connection, address = accepted
        client = client_of(address[0])
        staying = [(client_of(one.addr[0]), one) for one in open_now() if not one.will_close]
        theirs = [one for owner, one in staying if owner == client]
        unused = [one for one in theirs if is_unused(one)]
        if len(theirs) >= most and unused:
            let_go(min(unused, key=lambda one: one.last_activity))
            return accepted
        if len(theirs) < most and (known(client) or _has_room(staying, known, strangers)):
            return accepted
        with contextlib.suppress(OSError), connection:
            connection.setblocking(False)  # a client that does not listen holds nobody up
            connection.send(REFUSAL)
        return None

    return accept_or_refuse


def _has_room(
    staying: Iterable[tuple[str, HTTPChannel]], known: Callable[[str], bool], strangers: int
) -> bool:
    """Whether one more stranger may come; where there are too many, one of them goes for it."""
    present = [(owner, one) for owner, one in staying if not known(owner)]
    if len(present) < strangers:
        return True
    each = Counter(owner for owner, _ in present)
    waiting = [(owner, one) for owner, one in present if not one.requests]
    if not waiting:
        return False
    _, longest = min(waiting, key=lambda of: (-each[of[0]], of[1].last_activity))
    let_go(longest)
    return True


def is_unused(channel: HTTPChannel) -> bool:
    """Nothing is asked on it, not even begun, and nothing is still to be sent."""
    begun = channel.requests or channel.request is not None or channel.total_outbufs_len
    return not begun and not _has_arrived(channel.socket)


def _has_arrived(connection: socket.socket) -> bool:
    """Whether something was sent that the server has not read yet."""
    try:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False


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
