"""Title, tags and rating of a bracket."""

from __future__ import annotations

from typing import Any

import pytest
from simrig import Rig

from rig.errors import ConfigError
from rig.words import Words, checked_words, words_of


def test_blanks_are_trimmed_and_a_tag_counts_once() -> None:
    assert checked_words({"title": "  a \n fly ", "tags": ["eye", " eye", ""]}) == {
        "title": "a fly",
        "tags": ["eye"],
    }


@pytest.mark.parametrize(
    "words",
    [
        {"title": "x" * 81}, {"title": 3}, {"title": "bell\x07"}, {"tags": "eye"}, {"tags": [1]}, {"tags": ["x"] * 21},
        {"rating": 6}, {"rating": -1}, {"rating": True}, {"colour": "red"},
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_refused(words: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        checked_words(words)


def test_what_was_said_last_counts_each_for_itself() -> None:
    facts = [
        {"fact": "words", "title": "first", "rating": 2},
        {"fact": "frame"},
        {"fact": "words", "title": "second"},
    ]

    assert words_of(facts) == Words("second", (), 2)


def test_a_damaged_fact_says_nothing() -> None:
    assert words_of([{"fact": "words", "title": 7}]) == Words()


def test_a_described_bracket_keeps_its_words_and_its_frames(rig: Rig) -> None:
    bracket = rig.shoot(frames=2)
    rig.workflow.describe(bracket, {"title": "Wasp", "tags": ["eye"], "rating": 4})

    summary = rig.workflow.brackets()[0]
    assert summary.words == Words("Wasp", ("eye",), 4)
    assert summary.frames_done == 2


def test_a_refused_word_leaves_no_fact(rig: Rig) -> None:
    bracket = rig.shoot(frames=2)
    with pytest.raises(ConfigError):
        rig.workflow.describe(bracket, {"title": "Wasp", "rating": 9})

    assert rig.workflow.brackets()[0].words == Words()
