"""What every view of one application shares."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import current_app, request

from rig.workflow import Workflow
from webui.connections import Acquaintances, client_of
from webui.lease import Lease
from webui.limits import Slots
from webui.logbook import Logbook
from webui.pairing import Pairing
from webui.settings import PageSettings
from webui.strings import Catalogue

EXTENSION = "fieldstack"


@dataclass(frozen=True)
class Web:
    """The parts of one application."""

    workflow: Workflow
    settings: PageSettings
    pairing: Pairing
    strings: Catalogue
    streams: Slots
    previews: Slots
    log: Logbook = field(default_factory=Logbook)
    lease: Lease = field(default_factory=Lease)
    acquaintances: Acquaintances = field(default_factory=Acquaintances)
    closing: threading.Event = field(default_factory=threading.Event)  # set when the server stops


def web() -> Web:
    """The parts of the application that answers this request."""
    parts: Web = current_app.extensions[EXTENSION]
    return parts


def workflow() -> Workflow:
    """The rig."""
    return web().workflow


def client() -> str:
    """Who sent this request, as places are counted by."""
    return client_of(request.remote_addr or "")


def viewer_gone() -> bool:
    """True when nobody waits for this answer any more: the phone left, or the server stops."""
    left = request.environ.get("waitress.client_disconnected")
    return web().closing.is_set() or bool(left and left())
