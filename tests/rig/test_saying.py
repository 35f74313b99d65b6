"""A sentence is English text that knows its code and its figures."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from rig.errors import PlanError, StoreError
from rig.saying import Frames, Length, Room, Said, Time, joined, plain, say, with_codes


def test_a_sentence_is_text_and_knows_its_code_and_figures() -> None:
    told = say("plan.too_many", "{n} frames are more than {most}", n=12, most=10)

    assert told == "12 frames are more than 10"
    assert (told.code, told.figures) == ("plan.too_many", {"n": 12, "most": 10})


def test_a_figure_is_told_as_it_is_rounded_in_english() -> None:
    told = say("plan.x", "f/{effective:.3g}", effective=11.2345)

    assert (told, told.figures) == ("f/11.2", {"effective": 11.2})


@pytest.mark.parametrize(
    ("figure", "english", "json_value"),
    [
        (Length(12.34), "12.3 µm", {"um": 12.34}),
        (Length(2500.0), "2.5 mm", {"um": 2500.0}),
        (Time(71.4), "71 s", {"s": 71.4}),
        (Time(130.0), "2 min 10 s", {"s": 130.0}),
        (Room(12_300_000), "12.3 MB", {"bytes": 12_300_000}),
        (Room(800_000), "800 kB", {"bytes": 800_000}),
        (Room(4_100_000_000), "4.1 GB", {"bytes": 4_100_000_000}),
        (Frames([2, 6, 7, 8]), "frames 3, 7 to 9", {"frames": [2, 6, 7, 8]}),
        (Frames([2]), "frame 3", {"frames": [2]}),
        (OSError("no such device"), "no such device", "no such device"),
    ],
)
def test_every_kind_of_figure_has_its_english_and_its_value(
    figure: object, english: str, json_value: Any
) -> None:
    told = say("a.b", "it is {figure}", figure=figure)

    assert told == f"it is {english}"
    assert told.figures == {"figure": json_value}
    assert json.loads(json.dumps(told.figures)) == told.figures


def test_a_sentence_within_a_sentence_keeps_its_code() -> None:
    inner = say("motor.stuck", "the motor is stuck at {at}", at=7)

    for figure in (inner, PlanError(inner)):
        assert say("a.b", "No: {why}", why=figure).figures["why"] == {
            "text": "the motor is stuck at 7", "code": "motor.stuck", "figures": {"at": 7},
        }  # fmt: skip


def test_a_sentence_that_begins_with_frames_begins_with_a_capital() -> None:
    assert say("a.b", "{frames} moved", frames=Frames([0, 1])) == "Frames 1 to 2 moved"


def test_every_sentence_of_an_answer_has_its_code_beside_it() -> None:
    one, two = say("a.one", "one"), say("a.two", "two {n}", n=2)

    assert with_codes({"message": one, "why": (one, two), "name": "x", "deep": [{"kept": two}]}) == {
        "message": "one",
        "message_said": {"code": "a.one", "figures": {}},
        "why": ["one", "two 2"],
        "why_said": [{"code": "a.one", "figures": {}}, {"code": "a.two", "figures": {"n": 2}}],
        "name": "x",
        "deep": [{"kept": "two 2", "kept_said": {"code": "a.two", "figures": {"n": 2}}}],
    }  # fmt: skip


def test_what_others_said_has_no_code() -> None:
    assert with_codes({"error": plain("Kaputt"), "warnings": [plain("x")]}) == {
        "error": "Kaputt",
        "warnings": ["x"],
    }


def test_a_list_with_one_sentence_from_elsewhere_keeps_its_places() -> None:
    told = with_codes({"why": [plain("x"), say("a.b", "y")]})

    assert told["why_said"] == [None, {"code": "a.b", "figures": {}}]


def test_several_sentences_are_told_as_one() -> None:
    told = joined([say("a.a", "One."), None, say("a.b", "Two."), say("a.c", "Three.")])

    assert told == "One. Two. Three." and told.code == "both"
    assert joined([]) is None


def test_a_copy_of_a_sentence_is_the_sentence() -> None:
    told = say("a.b", "x {n}", n=1)

    assert copy.deepcopy(told) is told


@pytest.mark.parametrize("kind", [PlanError, StoreError])
def test_an_error_says_what_it_was_given_with_its_code(kind: type[PlanError | StoreError]) -> None:
    assert kind(say("a.b", "x")).said.code == "a.b"
    assert kind("bare").said == "bare" and kind("bare").said.code == ""
    assert isinstance(kind("bare").said, Said)
