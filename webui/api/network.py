"""How another phone finds the rig: join its network, open its address, be let in; each as a QR code."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from webui import qr
from webui.body import fields
from webui.context import web
from webui.pairing import INVITATION_S
from webui.security import is_loopback, own_origin

api = Blueprint("network", __name__, url_prefix="/api/network")


@api.get("")
def network() -> Response:
    """The rig's own network, where one is set up, and the address these pages were opened at."""
    settings = web().settings
    join: dict[str, Any] | None = None
    if settings.wifi_name:
        join = {"name": settings.wifi_name, "qr": qr.code(qr.wifi(settings.wifi_name, settings.wifi_key))}
    return jsonify({"wifi": join, "address": own_origin(), "only_here": only_here()})


@api.post("/invitation")
def invite() -> Response:
    """A code that lets one more phone in, for two minutes: the word stands behind the #, so no log ever holds it."""
    fields()
    address = f"{own_origin()}/pair#k={web().pairing.invite()}"
    return jsonify({"address": address, "qr": qr.code(address), "wait_s": INVITATION_S})


def only_here() -> bool:
    """Whether the address leads to the rig only from the rig's own computer."""
    host = urlsplit(own_origin()).hostname or ""
    return host == "localhost" or is_loopback(host)
