"""What the photographer says of a bracket: title, tags, rating. Facts are only ever added; the last one counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from rig.errors import ConfigError
from rig.facts import Fact
from rig.saying import Said, say

LONGEST_TITLE = 80
LONGEST_TAG = 30
MOST_TAGS = 20
BEST = 5


@dataclass(frozen=True)
class Words:
    """Title, tags and rating of a bracket."""

    title: str = ""
    tags: tuple[str, ...] = ()
    rating: int = 0  # stars, 0 = not rated


def checked_words(words: Mapping[str, Any]) -> dict[str, Any]:
    """The given ones of title, tags and rating as they are noted: blanks trimmed, each tag once.

    Raises ConfigError naming the wrong one and what would be right.
    """
    known = {field.name for field in fields(Words)}
    for name in words:
        if name not in known:
            raise ConfigError(
                say(
                    "words.unknown",
                    "{name} cannot be said of a bracket: there are title, tags and rating",
                    name=repr(str(name)[:40]),
                )
            )
    kept: dict[str, Any] = {}
    if "title" in words:
        kept["title"] = _text(words["title"], say("words.the_title", "the title"), LONGEST_TITLE)
    if "tags" in words:
        kept["tags"] = _tags(words["tags"])
    if "rating" in words:
        rating = words["rating"]
        if type(rating) is not int or not 0 <= rating <= BEST:
            raise ConfigError(
                say(
                    "words.rating",
                    "the rating {rating} is not a whole number of stars from 0 to {most}",
                    rating=repr(str(rating)[:20]),
                    most=BEST,
                )
            )
        kept["rating"] = rating
    return kept


def words_of(facts: Iterable[Fact]) -> Words:
    """What was said last of each. A fact that cannot be understood is passed over."""
    said: dict[str, Any] = {}
    for fact in facts:
        if fact["fact"] == "words":
            said |= {name: fact[name] for name in ("title", "tags", "rating") if name in fact}
    try:
        kept = checked_words(said)
    except ConfigError:
        return Words()
    return Words(kept.get("title", ""), tuple(kept.get("tags", ())), kept.get("rating", 0))


def _text(value: Any, what: Said, longest: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else None
    if text is None or len(text) > longest or not text.isprintable():
        raise ConfigError(
            say(
                "words.text",
                "{what} {value}… must be a text of at most {most} characters",
                what=what,
                value=repr(str(value)[:20]),
                most=longest,
            )
        )
    return text


def _tags(value: Any) -> list[str]:
    if not isinstance(value, (list, tuple)) or len(value) > MOST_TAGS:
        raise ConfigError(say("words.tags", "tags must be a list of at most {most} texts", most=MOST_TAGS))
    tags = (_text(tag, say("words.a_tag", "the tag"), LONGEST_TAG) for tag in value)
    return list(dict.fromkeys(tag for tag in tags if tag))
