"""Pairing a phone, and the list of paired phones."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify

from webui.body import fields
from webui.context import web
from webui.errors import BadRequestError
from webui.pairing import BUTTON_WINDOW_S
from webui.security import let_in, on_trusted_loopback

api = Blueprint("pair_api", __name__, url_prefix="/api/pair")
phones = Blueprint("phones", __name__, url_prefix="/api/phones")


@api.get("")
def state() -> Response:
    """Whether this phone is in. Public, and tells nothing else."""
    return jsonify({"paired": g.phone is not None or on_trusted_loopback()})


@api.post("")
def ask() -> Response:
    """Ask to be let in: {"pin": "…"}, {"invitation": "…"}, or {"button": true} and then collect with the ticket."""
    sent = fields(pin=str, invitation=str, button=bool, name=str)
    name = sent.get("name", "")
    if "pin" in sent:
        return let_in(jsonify({"paired": True}), web().pairing.with_pin(sent["pin"], name))
    if "invitation" in sent:
        return let_in(jsonify({"paired": True}), web().pairing.with_invitation(sent["invitation"], name))
    if sent.get("button"):
        ticket = web().pairing.ask_button(name)
        answer = jsonify({"paired": False, "ticket": ticket, "wait_s": BUTTON_WINDOW_S})
        answer.status_code = 202
        return answer
    raise BadRequestError('Send "pin", "invitation" or "button".')


@api.post("/<ticket>")
def collect(ticket: str) -> Response:
    """Whether the button was pressed for this ticket; if so, the phone is in."""
    fields()
    token = web().pairing.collect(ticket)
    if token is None:
        return jsonify({"paired": False})
    return let_in(jsonify({"paired": True}), token)


@phones.get("")
def listing() -> Response:
    """Every paired phone."""
    return jsonify({"phones": [_shown(p) for p in web().pairing.phones()]})


@phones.delete("/<string(length=8):phone_id>")
def revoke(phone_id: str) -> Response:
    """Forget a phone; its next request is refused, its stream ends, and it is not in control any more."""
    fields()
    web().pairing.revoke(phone_id)
    web().lease.forget(phone_id)
    return jsonify({"phones": [_shown(p) for p in web().pairing.phones()]})


def _shown(phone: Any) -> dict[str, Any]:
    mine = g.phone is not None and g.phone.id == phone.id
    return {"id": phone.id, "name": phone.name, "paired_at": phone.paired_at, "this_phone": mine}
