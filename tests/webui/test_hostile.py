"""Whatever is sent to the API is answered as described, and never by a failure of the program.

schemathesis makes requests from /api/openapi.json, right ones and wrong ones, always the same few.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from simrig import PATIENCE_S, Rig, small_rig
from webphone import PIN

from rig.config import Settings
from rig.workflow import Workflow
from webui import PageSettings, create_app
from webui.assets import FOLDER

EXAMPLES = 8  # of each kind for each operation; the seed is fixed, so more would only take longer
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
NEVER_ENDS = "/api/events"  # a stream; tests/webui/test_server.py listens to it
OPERATIONS = [
    (method, path)
    for path, methods in json.loads((FOLDER / "openapi.json").read_text("utf-8"))["paths"].items()
    for method in methods
    if path != NEVER_ENDS
]
FEW = hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def hit_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One rig for all requests, with a bracket and a result."""
    folder = tmp_path_factory.mktemp("hit")
    settings = Settings().changed({"stacking.live": False, "camera.meter_positions": 0})
    workflow = Workflow(settings, folder, build=small_rig)
    workflow.open()
    rig = Rig(workflow, folder)
    workflow.stack(rig.shoot(frames=2))
    workflow.wait_stacked(PATIENCE_S)
    yield rig
    workflow.close()


@pytest.fixture(scope="module")
def api(hit_rig: Rig, tmp_path_factory: pytest.TempPathFactory) -> schemathesis.schemas.BaseSchema:
    """The description as the running application serves it."""
    app = create_app(hit_rig.workflow, PageSettings(tmp_path_factory.mktemp("phones"), pin=PIN))

    def from_here(environ: dict[str, Any], start_response: Any) -> Any:
        return app(environ | {"REMOTE_ADDR": "127.0.0.1"}, start_response)

    return schemathesis.openapi.from_wsgi("/api/openapi.json", from_here)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["right", "wrong"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_request_is_answered_as_described(
    api: schemathesis.schemas.BaseSchema, hit_rig: Rig, method: str, path: str, mode: GenerationMode
) -> None:
    @FEW
    @hypothesis.given(case=api[path][method].as_strategy(generation_mode=mode))
    def is_answered_as_described(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)
        if "bracket_id" in case.path_parameters:  # the same once more, of a bracket that exists
            case.path_parameters["bracket_id"] = a_bracket(hit_rig)
            case.call_and_validate(checks=CHECKS)

    try:
        is_answered_as_described()
    except Unsatisfiable:  # nothing about a request without parameters can be wrong
        assert mode is GenerationMode.NEGATIVE


def a_bracket(rig: Rig) -> str:
    """One that is there; a request before may have deleted the last."""
    there = rig.workflow.brackets()
    if there:
        return there[0].id
    rig.until_idle()
    return rig.shoot(frames=2)
