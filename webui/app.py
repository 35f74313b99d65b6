"""The application factory."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from rig.saying import say, with_codes
from rig.workflow import Workflow
from webui import assets, errors, security, strings
from webui.api import (
    about,
    brackets,
    calibrate,
    care,
    clock,
    control,
    copies,
    description,
    events,
    files,
    focus,
    imports,
    network,
    preview,
    rigsettings,
    session,
    sources,
    stack,
    state,
)
from webui.context import EXTENSION, Web
from webui.ids import BracketIdConverter, JobIdConverter, ResultIdConverter, SourceIdConverter
from webui.lease import Lease
from webui.limits import Slots
from webui.pages import cards, gallery, more, pair, result, shoot
from webui.pairing import Pairing
from webui.settings import PageSettings

BLUEPRINTS = (
    shoot.pages, result.pages, gallery.pages, cards.pages, more.pages, pair.pages, assets.pages,
    state.api, events.api, preview.api, focus.api, brackets.api, stack.api, files.api, care.api,
    session.api, session.phones, control.api, clock.api, network.api, calibrate.api,
    rigsettings.api, about.api, files.many, sources.api, imports.api, copies.api,
    description.api,
)  # fmt: skip


class SaidJson(DefaultJSONProvider):
    """JSON in which every sentence of the rig has its code and figures beside it."""

    sort_keys = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        """As Flask does."""
        return super().dumps(with_codes(obj), **kwargs)


def create_app(workflow: Workflow, settings: PageSettings, pairing: Pairing | None = None) -> Flask:
    """The phone pages over one rig.

    pairing: pass the object whose press() the rig's button calls; made from the settings when None.
    """
    app = Flask(__name__, static_folder=None)
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=0,  # no view reads a form
        MAX_FORM_PARTS=0,
        PROVIDE_AUTOMATIC_OPTIONS=False,
    )
    app.json = SaidJson(app)
    if pairing is None:
        pairing = Pairing(
            settings.state_dir / "phones.json", settings.pin, session_days=settings.session_days
        )
    app.extensions[EXTENSION] = Web(
        workflow=workflow,
        settings=settings,
        pairing=pairing,
        strings=strings.load(),
        streams=Slots(settings.max_streams, say("page.streams", "state streams")),
        previews=Slots(settings.max_waiting_previews, say("page.pictures", "live pictures")),
        lease=Lease(answer_s=settings.answer_s),
    )
    app.url_map.converters |= {
        "bracket": BracketIdConverter,
        "result": ResultIdConverter,
        "source": SourceIdConverter,
        "job": JobIdConverter,
    }
    security.register(app)
    errors.register(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    strings.register(app)
    assets.register(app)
    return app
