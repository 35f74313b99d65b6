"""From an error to a status code and a sentence: the only place where that is decided.

The answer follows RFC 9457 (problem+json) and adds `kept` (what is safe in spite of the error)
and `action` (what the photographer can do).
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, json, request
from werkzeug.exceptions import HTTPException

from rig import errors as rig_errors
from rig.saying import Said, plain, say

log = logging.getLogger(__name__)


class WebError(Exception):
    """Root of the refusals made by the pages themselves, before the rig is asked."""

    status = HTTPStatus.BAD_REQUEST
    action: Said | None = None
    field: str | None = None  # what of the request is wrong, where a form can show it
    retry_after_s: int | None = None

    @property
    def said(self) -> Said:
        """What the error says, with its code where it has one; what only programs do wrong has none."""
        return plain(self.args[0] if len(self.args) == 1 else self)


class BadRequestError(WebError, ValueError):
    """A parameter or body is not as the API describes it."""


class NotPairedError(WebError):
    """The phone has no valid session."""

    status = HTTPStatus.UNAUTHORIZED
    action = say("advice.pair", "Pair this phone")


class CrossSiteError(WebError):
    """The request was made by a page of another origin, or lacks what our own pages send."""

    status = HTTPStatus.FORBIDDEN


class WrongPinError(WebError):
    """The PIN is not the rig's."""

    status = HTTPStatus.FORBIDDEN
    action = say("advice.look_for_pin", "Look at the label or the terminal")


class ButtonConflictError(WebError):
    """Two phones wait for the button: a press could let the wrong one in."""

    status = HTTPStatus.CONFLICT
    action = say("advice.use_pin", "Use the PIN")


class TooManyTriesError(WebError):
    """Too many wrong PINs; everyone has to wait."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    action = say("advice.press_button", "Press the button on the rig instead")

    def __init__(self, sentence: Said, retry_after_s: int) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class AskedTooOftenError(TooManyTriesError):
    """Too many phones waited for the button in vain; everyone has to wait."""

    action = say("advice.use_pin", "Use the PIN")


class WrongSettingError(WebError, ValueError):
    """A setting is not as it may be; `field` names it."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, sentence: Said, field: str | None) -> None:
        super().__init__(sentence)
        self.field = field


class NotInControlError(WebError):
    """Another phone commands the rig."""

    status = HTTPStatus.CONFLICT
    action = say("advice.take_control", "Take control")


class AskedAlreadyError(WebError):
    """Somebody else waits for the holder's answer."""

    status = HTTPStatus.CONFLICT


class NoSuchThingError(WebError, LookupError):
    """A ticket or paired phone that does not exist."""

    status = HTTPStatus.NOT_FOUND


class TooManyViewersError(WebError):
    """All places of a limited kind of request are taken."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    retry_after_s = 2


# First match wins, so leaves stand before their parents.
RIG_STATUS: tuple[tuple[type[rig_errors.RigError], HTTPStatus, Said | None], ...] = (
    (rig_errors.NoSuchBracketError, HTTPStatus.NOT_FOUND, None),
    (rig_errors.NoSuchSourceError, HTTPStatus.NOT_FOUND, say("advice.card_again", "Put the card in again")),
    (rig_errors.NoSuchJobError, HTTPStatus.NOT_FOUND, None),
    (rig_errors.NotOneBracketError, HTTPStatus.UNPROCESSABLE_ENTITY, None),
    (rig_errors.SourceError, HTTPStatus.CONFLICT, say("advice.look_again", "Look through the card again")),
    (rig_errors.NoSuchTargetError, HTTPStatus.NOT_FOUND, None),
    (rig_errors.TargetError, HTTPStatus.CONFLICT, None),
    (rig_errors.BusyError, HTTPStatus.CONFLICT, say("advice.wait_or_stop", "Wait or stop")),
    (rig_errors.NotAllowedError, HTTPStatus.CONFLICT, None),
    (rig_errors.FocusRangeError, HTTPStatus.UNPROCESSABLE_ENTITY, None),
    (
        rig_errors.PlanError,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        say("advice.set_limits", "Set near and far again"),
    ),
    (rig_errors.ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY, None),
    (rig_errors.StorageFullError, HTTPStatus.INSUFFICIENT_STORAGE, say("advice.delete", "Delete brackets")),
    (rig_errors.CameraError, HTTPStatus.SERVICE_UNAVAILABLE, say("advice.recover", "Recover")),
    (rig_errors.MotorError, HTTPStatus.SERVICE_UNAVAILABLE, say("advice.recover", "Recover")),
    (
        rig_errors.PowerError,
        HTTPStatus.SERVICE_UNAVAILABLE,
        say("advice.hold_button", "Hold the rig's button for 6 s"),
    ),
    (rig_errors.RigError, HTTPStatus.INTERNAL_SERVER_ERROR, None),
)


def rig_status(error: rig_errors.RigError) -> tuple[HTTPStatus, Said | None]:
    """Status code and advice for an error of the rig."""
    return next((status, action) for kind, status, action in RIG_STATUS if isinstance(error, kind))


def problem(status: HTTPStatus, detail: str, **more: Any) -> Response:
    """An RFC 9457 answer."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body |= {"kept": None, "action": None} | more
    return Response(json.dumps(body), status.value, content_type="application/problem+json")


def register(app: Flask) -> None:
    """Install the handlers."""

    @app.errorhandler(rig_errors.RigError)
    def of_the_rig(error: rig_errors.RigError) -> Response:
        status, action = rig_status(error)
        return problem(status, error.said, kept=error.kept, action=action)

    @app.errorhandler(WebError)
    def of_the_pages(error: WebError) -> Response:
        named = {"field": error.field} if error.field is not None else {}
        answer = problem(HTTPStatus(error.status), error.said, action=error.action, **named)
        if error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer

    @app.errorhandler(HTTPException)
    def of_http(error: HTTPException) -> Response:
        status = HTTPStatus(error.code or 500)
        answer = problem(status, error.description or status.phrase)
        for name, value in error.get_headers(request.environ):  # Allow, Location, Retry-After
            if name.lower() not in ("content-type", "content-length"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def of_us(error: Exception) -> Response:
        log.exception("%s %r failed", request.method, request.path[:200], exc_info=error)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, say("page.failed", "The page failed; the rig itself goes on.")
        )
