"""A connection as waitress serves it, of which no client holds a thread or a place by asking without listening."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable

from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from webui.headers import HEADERS

# The one at work, and the next: it may arrive before the thread has put the first away.
MOST_REQUESTS = 2
STALLED_S = 60.0  # nothing of an answer could be sent for so long: the phone is gone, or does not want it
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: what is not yet sent is dropped at once


class RefusalTask(ErrorTask):  # type: ignore[misc]
    """What waitress itself answers to what is no request: hardened like every other answer."""

    def execute(self) -> None:
        """Answer."""
        self.response_headers.extend([*HEADERS.items(), ("Cache-Control", "no-store")])
        super().execute()


class Channel(HTTPChannel):  # type: ignore[misc]
    """One request at a time.

    Browsers do not send the next request before the answer. A client that sends hundreds at once and reads no answer
    would hold a thread for each of its connections, for ever: the thread waits until there is room for the next answer.
    """

    error_task_class = RefusalTask

    def received(self, data: bytes) -> bool:
        """Take what has arrived."""
        try:
            taken: bool = super().received(data)
        except ValueError:  # a length of thousands of digits: waitress would fill the log with it
            let_go(self)
            return False
        if len(self.requests) > MOST_REQUESTS:
            let_go(self)
        return taken


def let_go(channel: HTTPChannel) -> None:
    """Close the connection in the next round of the server's loop, even if its client takes nothing more.

    waitress's own mark alone waits until something can be sent.
    """
    channel.will_close = True
    with contextlib.suppress(OSError):
        channel.socket.shutdown(socket.SHUT_RDWR)


def let_stalled_go(channels: Iterable[HTTPChannel], now: float) -> None:
    """Close those whose answer does not get on, and those marked that could not be closed. now: by time.time()."""
    for channel in channels:
        stalled = channel.total_outbufs_len and channel.last_activity < now - STALLED_S
        if stalled:
            with contextlib.suppress(OSError):
                channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if stalled or channel.will_close:
            let_go(channel)
