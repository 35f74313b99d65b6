"""The rig's state as it changes: a stream of whole snapshots, so a viewer that missed some is never wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Blueprint, Response, copy_current_request_context, g, json

from rig.status import Status
from webui.api.control import told_to
from webui.api.state import snapshot
from webui.context import client, viewer_gone, web
from webui.security import still_welcome

api = Blueprint("events", __name__)

PAUSE_S = 0.2  # at most five snapshots a second; what happens within a pause is merged into the next
BEAT_S = 5.0  # a sign of life, as an event and not a comment: the page must notice its absence
LOOK_S = 1.0  # how often a waiting stream looks whether its viewer is still there


@api.get("/api/events")
def events() -> Response:
    """Server-sent events: `state` with a snapshot, `beat` with its rev when nothing changed."""
    parts = web()
    viewer = client()
    parts.streams.take(viewer, g.guest)
    # The place is given back by Response.close(), which the server calls however the stream ends,
    # even when the phone left before the first byte and the generator never ran.
    answer = Response(
        stream(
            parts.workflow.status,
            parts.workflow.wait_status,
            gone_checker(),
            parts.closing.wait,
            partial(told_to, parts.lease, g.viewer),
            show=partial(snapshot, guest=g.guest),
        ),
        mimetype="text/event-stream",
    )
    answer.call_on_close(partial(parts.streams.give_back, viewer))
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


def gone_checker() -> Callable[[], bool]:
    """Whether the viewer of this request has left, or was sent away; usable after the view has returned."""
    guest = g.guest
    return copy_current_request_context(lambda: viewer_gone() or not still_welcome(guest))


def stream(
    status: Callable[[], Status],
    wait_status: Callable[[int, float], Status],
    gone: Callable[[], bool],
    pause: Callable[[float], object],
    control: Callable[[], dict[str, Any]] = dict,
    clock: Callable[[], float] = time.monotonic,
    show: Callable[[Status], dict[str, Any]] = snapshot,
) -> Iterator[str]:
    """The text of the stream: the present state at once, then every change, with beats between.

    control: who commands the rig, told as an event of its own; asking renews the lease of who listens.
    show: a status as this viewer is told it.
    """
    yield "retry: 1000\n\n"
    present = status()
    told = control()
    yield message("control", told)
    yield message("state", show(present))
    spoke = clock()
    while not gone():
        if _who(now := control()) != _who(told):
            told = now
            yield message("control", told)
        fresh = wait_status(present.rev, LOOK_S)
        if fresh.rev > present.rev:
            pause(PAUSE_S)
            present = status()
            yield message("state", show(present))
            spoke = clock()
        elif clock() - spoke >= BEAT_S:
            yield message("beat", {"rev": present.rev})
            spoke = clock()


def _who(control: dict[str, Any]) -> dict[str, Any]:
    """Without the seconds that run by themselves."""
    return {name: value for name, value in control.items() if name != "left_s"}


def message(event: str, data: object) -> str:
    """One server-sent event."""
    return f"event: {event}\ndata: {json.dumps(data)}\n\n"
