"""The one gate: every request is refused unless something here lets it in."""

from __future__ import annotations

import ipaddress
import re
import secrets

from flask import Flask, Response, g, redirect, request, url_for
from werkzeug.exceptions import SecurityError

from rig.saying import say
from webui.context import client, web
from webui.errors import BadRequestError, CrossSiteError, NotPairedError
from webui.headers import HEADERS
from webui.lease import Viewer
from webui.pairing import Phone

COOKIE = "rig"
BROWSER_COOKIE = "browser"  # of a browser that needs no pairing
MARK = "X-Rig"  # a header no foreign page can send without a preflight, which we never grant
SAFE_METHODS = frozenset({"GET", "HEAD"})

# What every paired phone may do, whoever is in control: look after itself, and stop.
OPEN_TO_VIEWERS = frozenset(
    {
        "care.stop",
        "brackets.stop",
        "phones.revoke",
        "control.ask",
        "control.release",
        "clock.tell",
        "network.invite",
    }
)

# Everything a phone needs in order to become paired, and nothing else.
PUBLIC = frozenset({"pair.page", "pair_api.state", "pair_api.ask", "pair_api.collect", "assets.file"})

# What a phone that is not paired may see where web.look_only allows it. No original of another camera: it may say
# where it was taken, and whose it is.
OPEN_TO_GUESTS = frozenset(
    {
        "shoot.page",
        "gallery.page",
        "result.page",
        "state.state",
        "events.events",
        "control.see",
        "preview.preview",
        "stack.growing",
        "stack.growing_depth",
        "brackets.listing",
        "brackets.detail",
        "files.thumb",
        "files.frame_screen",
        "files.frame_thumb",
        "files.share",
        "files.result",
    }
)
# RFC 9110 7.2: a name or an address, and perhaps a port. An address of IPv6 stands in brackets.
HOST = re.compile(r"(?:\[([0-9a-f:.]+(?:%[\w.-]+)?)\]|([\w.-]+))(?::[0-9]*)?", re.ASCII | re.IGNORECASE)

GUEST_KINDS = frozenset({"screen", "thumb", "depth"})  # of a result


def register(app: Flask) -> None:
    """Put the gate before, and the headers after, every view of the application."""
    app.before_request(gate)
    app.after_request(remember_browser)
    app.after_request(harden)


def gate() -> Response | None:
    """Let the request through (None), or refuse it. Runs before routing errors too, so that an
    unpaired phone learns nothing about which addresses exist.
    """
    refuse_foreign_host()
    refuse_foreign_page()
    g.phone = known_phone()
    g.viewer = None
    g.guest = False
    if g.phone is not None or on_trusted_loopback():
        web().acquaintances.meet(client())
        g.viewer = viewer_of(g.phone)
        refuse_without_control()
        return None
    if request.endpoint in PUBLIC:
        return None
    if may_look():
        g.guest = True
        return None
    if request.method in SAFE_METHODS and not request.path.startswith("/api/"):
        return redirect(url_for("pair.page"), 303)  # type: ignore[return-value]
    raise NotPairedError(say("page.not_paired", "This phone is not paired with the rig."))


def may_look() -> bool:
    """Whether this request is one that somebody who only looks may make, and the rig allows that."""
    kind = (request.view_args or {}).get("kind")
    open_to_guests = request.method in SAFE_METHODS and request.endpoint in OPEN_TO_GUESTS
    return open_to_guests and kind in GUEST_KINDS | {None} and web().workflow.settings.web.look_only


def refuse_foreign_host() -> None:
    """Against DNS rebinding: a name must be one of ours; an address cannot be rebound."""
    sent = request.headers.get("Host", "")
    host = HOST.fullmatch(sent)
    names = {name.lower() for name in web().settings.host_names}
    if host is None or not (is_address(host[1] or host[2]) or host[0].partition(":")[0].lower() in names):
        raise SecurityError(f"The rig does not answer under the name {sent[:60]!r}.")


def is_address(host: str) -> bool:
    """True for an IPv4 or IPv6 address in text."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def refuse_foreign_page() -> None:
    """Against cross-site requests: a change needs what only our own scripts send."""
    site = request.headers.get("Sec-Fetch-Site", "none")
    origin = request.headers.get("Origin")
    if request.method in SAFE_METHODS:
        opened_by_hand = request.headers.get("Sec-Fetch-Mode") == "navigate"
        if site in ("cross-site", "same-site") and not opened_by_hand:
            raise CrossSiteError("Another site may not read from the rig.")
        return
    if site not in ("same-origin", "none") or (origin is not None and origin != own_origin()):
        raise CrossSiteError("Another site may not command the rig.")
    if request.headers.get(MARK) != "1":
        raise CrossSiteError(f"A change needs the header {MARK}: 1.")
    if request.mimetype != "application/json":
        raise BadRequestError("A change needs the content type application/json.")


def own_origin() -> str:
    """The origin of the address this request was sent to."""
    return request.host_url.rstrip("/")


def known_phone() -> Phone | None:
    """The paired phone that sends this request."""
    token = request.cookies.get(COOKIE)
    return web().pairing.phone(token) if token else None


def still_welcome(guest: bool) -> bool:
    """Whether who sent this request, as a guest or not, would still be let in: a stream must not outlast that."""
    return may_look() if guest else known_phone() is not None or on_trusted_loopback()


def viewer_of(phone: Phone | None) -> Viewer | None:
    """Who looks: a paired phone, else the browser that carries the mark of `remember_browser`.

    None for a program on the computer of a simulated rig: like the rig's button, it asks nobody.
    """
    if phone is not None:
        return Viewer(phone.id, phone.name)
    mark = request.cookies.get(BROWSER_COOKIE, "")
    return Viewer(mark[:64], "Another browser") if mark else None


def refuse_without_control() -> None:
    """A command needs control of the rig. Raises NotInControlError."""
    changes = request.method not in SAFE_METHODS
    if changes and g.viewer is not None and request.endpoint not in PUBLIC | OPEN_TO_VIEWERS:
        web().lease.command(g.viewer)


def remember_browser(answer: Response) -> Response:
    """Tell the unpaired browsers of one computer apart. The mark admits nobody."""
    page = answer.mimetype == "text/html" and answer.status_code == 200
    if page and g.get("phone") is None and BROWSER_COOKIE not in request.cookies:
        answer.set_cookie(BROWSER_COOKIE, secrets.token_hex(8), httponly=True, samesite="Strict", path="/")
    return answer


def on_trusted_loopback() -> bool:
    """True for a browser on the very computer that simulates the rig."""
    parts = web()
    if not parts.settings.trust_loopback_when_simulated or parts.workflow.status().simulated is None:
        return False
    address = request.remote_addr or ""
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and is_loopback(address)


def is_loopback(address: str) -> bool:
    """True for an address that is the computer itself."""
    return is_address(address) and ipaddress.ip_address(address).is_loopback


def let_in(answer: Response, token: str) -> Response:
    """Give the phone its session. Not `Secure`: the field has plain http on the rig's own WPA2 network."""
    age_s = web().settings.session_days * 86400
    answer.set_cookie(COOKIE, token, max_age=age_s, httponly=True, samesite="Strict", path="/")
    return answer


def harden(answer: Response) -> Response:
    """Add the headers every answer carries; nothing is cached unless its view said so."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer
