"""Settings that explain and check themselves: one declaration gives default, reason, range and form field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from rig.errors import ConfigError
from rig.saying import Said, say

T = TypeVar("T")


def setting(
    default: T,
    why: str,
    low: float | None = None,
    high: float | None = None,
    formerly: Mapping[bool, T] | None = None,
) -> T:
    """Declare a field of a Checked class: default, what it is for, and the range allowed (ends included).

    formerly: what true and false stood for when the setting was a switch; files that say so are still read.
    """
    metadata = {"why": why, "low": low, "high": high, "formerly": formerly or {}}
    declared: T = field(default=default, metadata=metadata)
    return declared


@dataclass(frozen=True)
class Checked:
    """Base of one part's settings; a value of the wrong kind or out of range cannot exist.

    section: the table of this part in the configuration file.
    Raises ConfigError naming section, key, value and what would be right.
    """

    section: ClassVar[str]

    def __post_init__(self) -> None:
        for declared in fields(self):
            value = checked_value(type(self), declared.name, getattr(self, declared.name))
            object.__setattr__(self, declared.name, value)


def setting_fields(cls: type[Checked]) -> dict[str, Field[Any]]:
    """The declared settings of a part by name, in order."""
    return {declared.name: declared for declared in fields(cls)}


def kinds(cls: type[Checked]) -> dict[str, Any]:
    """The type of each setting of a part."""
    if cls not in _KINDS:
        _KINDS[cls] = get_type_hints(cls)
    return _KINDS[cls]


def checked_value(cls: type[Checked], key: str, value: Any) -> Any:
    """The value as this setting keeps it (whole numbers become float, lists become tuples).

    Raises ConfigError when it is of the wrong kind or outside the range.
    """
    kind, limits = kinds(cls)[key], setting_fields(cls)[key].metadata
    if isinstance(value, bool):
        value = limits["formerly"].get(value, value)
    kept, right = _as_kind(kind, value), describe(cls, key)
    if kept is _WRONG:
        raise ConfigError(
            say(
                "settings.wrong",
                "{section}.{key} = {value} is wrong: it must be {right}",
                section=cls.section,
                key=key,
                value=_shown(value),
                right=right,
            )
        )
    numbers = kept if isinstance(kept, tuple) else (kept,)
    for number in numbers:
        if isinstance(number, (int, float)) and not _within(number, limits["low"], limits["high"]):
            raise ConfigError(
                say(
                    "settings.out_of_range",
                    "{section}.{key} = {value} is out of range: it must be {right}",
                    section=cls.section,
                    key=key,
                    value=_shown(value),
                    right=right,
                )
            )
    return kept


def describe(cls: type[Checked], key: str) -> Said:
    """What this setting may be, in words: "a number from 0 to 60"."""
    limits = setting_fields(cls)[key].metadata
    kind, low, high = _kind_in_words(kinds(cls)[key]), limits["low"], limits["high"]
    if low is None and high is None:
        return kind
    if low is None:
        return say("right.at_most", "{kind} of at most {high}", kind=kind, high=_plain(high))
    if high is None:
        return say("right.at_least", "{kind} of at least {low}", kind=kind, low=_plain(low))
    return say("right.between", "{kind} from {low} to {high}", kind=kind, low=_plain(low), high=_plain(high))


_KINDS: dict[type[Checked], dict[str, Any]] = {}  # resolving them takes a millisecond a part
_WRONG = object()  # no value of this kind


def _as_kind(kind: Any, value: Any) -> Any:
    options = get_args(kind)
    if type(None) in options:  # an optional setting: absent, or of the one other kind
        return None if value is None else _as_kind(_present(kind), value)
    if get_origin(kind) is Literal:
        return value if value in options and isinstance(value, str) else _WRONG
    if get_origin(kind) is tuple:
        return _as_tuple(options, value)
    if isinstance(value, bool) or kind is bool:  # a bool passes for an int in Python, never in a file
        return value if kind is bool and isinstance(value, bool) else _WRONG
    if kind is float and isinstance(value, (int, float)):
        return float(value)
    return value if isinstance(value, kind) else _WRONG


def _as_tuple(options: tuple[Any, ...], value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        return _WRONG
    each = [options[0]] * len(value) if options[-1] is Ellipsis else list(options)
    if len(each) != len(value):
        return _WRONG
    kept = tuple(_as_kind(kind, item) for kind, item in zip(each, value, strict=True))
    return _WRONG if _WRONG in kept else kept


def _present(kind: Any) -> Any:
    return next(option for option in get_args(kind) if option is not type(None))


def _within(number: float, low: float | None, high: float | None) -> bool:
    if number != number:  # NaN lies in no range
        return False
    return (low is None or number >= low) and (high is None or number <= high)


def _kind_in_words(kind: Any) -> Said:
    options = get_args(kind)
    if type(None) in options:
        return _kind_in_words(_present(kind))
    if get_origin(kind) is Literal:
        named = ", ".join(f'"{option}"' for option in options)
        return say("right.one_of", "one of {options}", options=named)
    if get_origin(kind) is not tuple:
        return _SINGULAR[kind]
    if options[-1] is Ellipsis:
        return say("right.list", "a list of {kind}", kind=_PLURAL[options[0]])
    return say("right.list_of", "a list of {n} {kind}", n=len(options), kind=_PLURAL[options[0]])


_SINGULAR = {
    bool: say("right.switch", "true or false"),
    int: say("right.whole", "a whole number"),
    float: say("right.number", "a number"),
    str: say("right.text", "a text"),
}
_PLURAL = {
    int: say("right.wholes", "whole numbers"),
    float: say("right.numbers", "numbers"),
    str: say("right.texts", "texts"),
}


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return str(value).lower() if isinstance(value, bool) else str(value)
