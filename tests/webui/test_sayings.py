"""Whatever the rig can say, the pages can say in every language."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from sayings import figures, sayings, sources, without_formats
from simrig import Rig
from webphone import Phone

import rig.errors
import webui.errors
from webui.strings import FOLDER, LANGUAGES

# What only a program does wrong, or another site's page: no page of ours shows it.
FOR_PROGRAMS = {"BadRequestError", "CrossSiteError"}
# Never in reach of a page: the command line, and the configuration file at the start.
ON_THE_TERMINAL = ("commands/", "cli.py", "doctor.py", "configfile.py")
SHOWN = {
    name
    for module in (rig.errors, webui.errors)
    for name, kind in vars(module).items()
    if isinstance(kind, type) and issubclass(kind, rig.errors.RigError | webui.errors.WebError)
} - FOR_PROGRAMS


def words(language: str) -> dict[str, str]:
    every = json.loads((FOLDER / f"{language}.json").read_text("utf-8"))
    return {key.removeprefix("said."): text for key, text in every.items() if key.startswith("said.")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_of_the_rig_can_be_said_with_the_same_figures(language: str) -> None:
    said, in_words = sayings(), words(language)

    assert in_words.keys() == said.keys()
    assert {code: figures(text) for code, text in in_words.items()} == {
        code: figures(text) for code, text in said.items()
    }


def test_the_english_of_the_pages_is_that_of_the_rig() -> None:
    assert words("en") == {code: without_formats(text) for code, text in sayings().items()}


def test_no_sentence_is_english_in_german() -> None:
    english, german = words("en"), words("de")

    assert {code for code in english if english[code] == german[code]} <= {
        "both",
        "action.pause",
        "frame.named",
    }


def test_no_error_that_a_page_may_show_speaks_english_only() -> None:
    bare = [
        f"{path}:{node.lineno}"
        for path, tree in sources()
        for node in ast.walk(tree)
        if not path.as_posix().endswith(ON_THE_TERMINAL) and "/commands/" not in path.as_posix()
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in SHOWN
        if node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
    ]

    assert bare == []


def test_the_source_is_really_read() -> None:
    assert len({path for path, _ in sources()}) > 100 and len(sayings()) > 200
    assert "PlanError" in SHOWN and Path(rig.errors.__file__ or "") in {path for path, _ in sources()}


def test_a_plan_tells_the_code_and_figures_of_each_reason(rig: Rig, phone: Phone) -> None:
    phone.post("/api/focus/near", {"position_steps": 1300})
    plan = phone.post("/api/focus/far", {"position_steps": 1900}).json["state"]["plan"]

    codes = [told["code"] for told in plan["why_said"]]
    assert len(codes) == len(plan["why"]) and "plan.frames" in codes
    figures = plan["why_said"][codes.index("plan.frames")]["figures"]
    assert (figures["n"], figures["first"], figures["last"]) == (plan["frames"], 1300, 1900)


def test_a_refusal_tells_the_codes_of_what_happened_and_what_to_do(phone: Phone) -> None:
    problem = json.loads(phone.post("/api/focus", {"goto": 10_000_000}).data)

    assert problem["detail_said"]["code"] == "focus.outside"
    assert problem["detail_said"]["figures"]["at"] == 10_000_000
    assert problem["kept"] is None and "kept_said" not in problem


def test_the_stream_of_states_tells_codes_too(rig: Rig, phone: Phone) -> None:
    phone.post("/api/focus/near", {"position_steps": 1300})
    phone.post("/api/focus/far", {"position_steps": 1900})
    with phone.client.get("/api/events") as answer:
        first = next(part for part in answer.iter_encoded() if b"event: state" in part)

    assert b'"why_said"' in first
