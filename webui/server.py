"""The pages on a port: waitress with limits for a small computer on a hostile radio link.

Runs in the process that owns camera and motor: no fork, no second program.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import Any

import waitress.server
import waitress.wasyncore
from flask import Flask
from waitress.channel import HTTPChannel

from rig.workflow import Workflow
from webui.app import create_app
from webui.channel import STALLED_S, Channel, let_stalled_go
from webui.connections import PER_CLIENT, client_of, limited
from webui.context import EXTENSION, Web
from webui.dispatcher import Dispatcher
from webui.logbook import Logbook
from webui.pairing import Pairing
from webui.settings import PageSettings

# Streams and waiting previews hold a thread each, and so may all that one client has open; these are left for
# everything else: Stop is always open to the others.
COMMAND_THREADS = 6
LIMITS = {
    "connection_limit": 64,
    "outbuf_high_watermark": 256 * 1024,  # a frozen phone holds a quarter megabyte, not a whole ZIP
    "channel_timeout": 60,
    "cleanup_interval": 10,
    "channel_request_lookahead": 1,  # lets a waiting answer notice that its phone has left
    "max_request_header_size": 16 * 1024,  # the longest of ours, the ids of 200 brackets, has 2 kB
    "clear_untrusted_proxy_headers": False,  # what came through a proxy must not pass for this computer
    "ident": None,
}
# Of one connection, in the kernel: else a client that does not read holds up to 4 MB. At 20 ms there and back it still
# carries 10 MB a second.
SEND_BUFFER = 208 * 1024


class Server:
    """A server bound to its port, not yet running."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        """port: 0 takes a free one. Raises OSError when the address cannot be bound."""
        self._parts: Web = app.extensions[EXTENSION]
        self._stopping = False
        settings = self._parts.settings
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
        set_limits(listener)
        self.host, self.port = host, int(listener.getsockname()[1])
        logging.getLogger("waitress").setLevel(logging.WARNING)  # a phone that leaves is no news,
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # nor is a short queue
        self._sockets: dict[int, Any] = {}
        threads = max(settings.max_streams + settings.max_waiting_previews, PER_CLIENT) + COMMAND_THREADS
        dispatcher = Dispatcher(self._is_stranger, threads // 2)
        dispatcher.set_thread_count(threads)
        self._waitress: Any = waitress.server.create_server(
            app,
            map=self._sockets,
            sockets=[listener],
            _dispatcher=dispatcher,
            max_request_body_size=settings.max_body_bytes,
            **LIMITS,
        )
        self._waitress.channel_class = Channel
        self._waitress.accept = limited(
            self._waitress.accept, self.connections, self._parts.acquaintances.know
        )
        self._close_idle = self._waitress.maintenance
        self._waitress.maintenance = self._tidy

    def _is_stranger(self, connection: HTTPChannel) -> bool:
        """Whether no paired phone has lately been at the other end."""
        return not self._parts.acquaintances.know(client_of(connection.addr[0]))

    def _tidy(self, now: float) -> None:
        """Now and then: close what is of no use."""
        self._close_idle(now)
        let_stalled_go(self.connections(), now)

    def connections(self) -> list[HTTPChannel]:
        """All that are open."""
        return [one for one in list(self._sockets.values()) if isinstance(one, HTTPChannel)]

    @property
    def log(self) -> Logbook:
        """Remembers the log within a with block."""
        return self._parts.log

    @property
    def url(self) -> str:
        """Where a browser on this computer finds the pages."""
        shown = "127.0.0.1" if self.host in ("", "0.0.0.0", "::") else self.host
        return f"http://[{shown}]:{self.port}/" if ":" in shown else f"http://{shown}:{self.port}/"

    def run(self) -> None:
        """Serve until stop() or KeyboardInterrupt; then end the streams and return."""
        try:
            while not self._stopping:
                waitress.wasyncore.loop(timeout=1.0, use_poll=True, map=self._sockets, count=1)
        finally:
            self._parts.closing.set()
            self._waitress.task_dispatcher.shutdown(timeout=5)
            waitress.wasyncore.close_all(self._sockets)

    def stop(self) -> None:
        """Make run() return; from any thread or a signal handler."""
        self._stopping = True
        self._waitress.pull_trigger()


def set_limits(listener: socket.socket) -> None:
    """What the kernel holds connections to, which inherit it."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if hasattr(
        socket, "TCP_USER_TIMEOUT"
    ):  # or a phone that walked off keeps its stream's place for 15 minutes
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(STALLED_S * 1000))


def serve(
    workflow: Workflow,
    host: str,
    port: int,
    settings: PageSettings,
    *,
    pairing: Pairing | None = None,
    ready: Callable[[Server], None] = lambda server: None,
) -> None:
    """Serve the pages until server.stop(). The workflow is the caller's to open and close, and so are signals.

    ready: called once the port is open, e.g. to print the address and the PIN, and to have a signal call server.stop().
    pairing: pass the object whose press() the rig's button calls first, see docs/phone.md.
    """
    server = Server(create_app(workflow, settings, pairing), host, port)
    with server.log:
        ready(server)
        server.run()
