"""The description of the API and the API say the same."""

from __future__ import annotations

import json
import re
from typing import Any

from flask import Flask
from simrig import Rig
from webphone import Phone

from webui.assets import FOLDER
from webui.pairing import Pairing

DESCRIPTION: dict[str, Any] = json.loads((FOLDER / "openapi.json").read_text())
BODIES: dict[str, Any] = {"/api/focus": {"jog": 1}}


def described() -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, methods in DESCRIPTION["paths"].items() for method in methods}


def answered(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD"}
    }


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference followed."""
    while "$ref" in schema:
        node: Any = DESCRIPTION
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a JSON value is as the schema says, for the few words our schemas use."""
    schema = resolve(schema)
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
    }
    kind = schema.get("type")
    if kind == "null":
        return value is None
    if kind is not None and not isinstance(value, kinds[kind]):
        return False
    if kind == "array":
        return all(fits(one, schema.get("items", {})) for one in value)
    if kind == "object":
        known = schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            fits(value[name], known[name]) for name in value if name in known
        )
    return True


def test_every_operation_is_described_and_nothing_else(app: Flask) -> None:
    assert described() == answered(app)


def test_every_reference_leads_somewhere() -> None:
    for reference in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(DESCRIPTION)):
        assert resolve({"$ref": reference})


def test_every_change_is_described_with_its_mark() -> None:
    for method, path in described():
        if method != "GET":
            operation = DESCRIPTION["paths"][path][method.lower()]
            assert {"$ref": "#/components/parameters/X-Rig"} in operation["parameters"], (method, path)


def test_what_is_public_is_described_as_public(app: Flask) -> None:
    public = {(m, p) for m, p in described() if DESCRIPTION["paths"][p][m.lower()].get("security") == []}

    assert {path for _, path in public} == {"/api/pair", "/api/pair/{ticket}"}


def test_answers_fit_their_schemas(rig: Rig, phone: Phone, pairing: Pairing) -> None:
    bracket = rig.shoot(frames=2)
    rig.workflow.stack(bracket, {"method": "average"})
    rig.workflow.wait_stacked(120)
    pairing.with_pin("402913", "Anna")
    addresses = {
        "/api/state": "/api/state", "/api/brackets": "/api/brackets", "/api/phones": "/api/phones",
        "/api/pair": "/api/pair", "/api/control": "/api/control", "/api/settings": "/api/settings",
        "/api/about": "/api/about", "/api/brackets/{bracket_id}": f"/api/brackets/{bracket}",
    }  # fmt: skip
    for path, address in addresses.items():
        answer = phone.get(address)
        schema = DESCRIPTION["paths"][path]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        assert fits(answer.json, schema), (path, answer.json)


def test_problems_fit_their_schema(phone: Phone) -> None:
    problem = json.loads(phone.get("/api/brackets/b000099").data)

    assert fits(problem, {"$ref": "#/components/schemas/Problem"})


def test_it_is_served(phone: Phone) -> None:
    assert json.loads(phone.get("/api/openapi.json").data) == DESCRIPTION
