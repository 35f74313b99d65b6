"""Sentences for the photographer that can be said in other languages too.

A sentence is English text, for the command line, logs and programs, and knows its code and its figures, from which
a page builds it in the language of the phone (webui/static/i18n). It is written once, where it is needed:

    raise PlanError(say("plan.too_many", "a bracket of {n} frames is more than the {most} allowed", n=n, most=most))
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from string import Formatter
from typing import Any

SAID = "_said"  # after the name of a field: code and figures of the sentence in it


@dataclass(frozen=True)
class Length:
    """A length in a sentence: µm below a millimetre, mm above."""

    um: float

    def __str__(self) -> str:
        return f"{self.um:.3g} µm" if abs(self.um) < 999.5 else f"{self.um / 1000:.3g} mm"


@dataclass(frozen=True)
class Time:
    """A time in a sentence."""

    s: float

    def __str__(self) -> str:
        whole = round(self.s)
        return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60} s"


@dataclass(frozen=True)
class Room:
    """A size on the card in a sentence: "12.3 MB", "4.1 GB", "800 kB"."""

    bytes: int

    def __str__(self) -> str:
        for unit, size in (("GB", 1e9), ("MB", 1e6)):
            if self.bytes >= size:
                return f"{self.bytes / size:.1f} {unit}"
        return f"{self.bytes / 1e3:.0f} kB"


@dataclass(frozen=True)
class Frames:
    """Frames in a sentence, by their indices; people count from 1, runs drawn together: "frames 3, 7 to 9"."""

    frames: Sequence[int]

    def __str__(self) -> str:
        runs: list[list[int]] = []
        for index in self.frames:
            if runs and index == runs[-1][-1] + 1:
                runs[-1].append(index)
            else:
                runs.append([index])
        words = [str(run[0] + 1) if len(run) == 1 else f"{run[0] + 1} to {run[-1] + 1}" for run in runs]
        return ("frame " if len(self.frames) == 1 else "frames ") + ", ".join(words)


class Said(str):
    """A sentence with its code and figures. A text that came from elsewhere has the code ""."""

    __slots__ = ("code", "figures")
    code: str
    figures: Mapping[str, Any]  # plain JSON values, see _figure

    def __new__(cls, text: str, code: str = "", figures: Mapping[str, Any] | None = None) -> Said:
        """The text as it stands."""
        made = super().__new__(cls, text)
        made.code, made.figures = code, figures or {}
        return made

    def __deepcopy__(self, memo: object) -> Said:
        """Itself, as every text."""
        return self


def say(code: str, english: str, /, **figures: object) -> Said:
    """The sentence of this code: English with {figures} filled in, rounded as their format says.

    code and english stand literally in every call, so that tests find them all (tests/sayings.py). A figure that is
    itself Said, or an error that has said something, is translated with it; what is neither of these, a number nor
    one of the kinds above is told by its text. A sentence that begins with frames begins with a capital.
    """
    told, shown = dict[str, Any](), dict[str, str]()
    for _, name, spec, _ in Formatter().parse(english):
        if name:
            told[name], shown[name] = _figure(figures[name], spec or "")
    text = Formatter().vformat(_without_formats(english), (), shown)
    begins = english.partition("}")[0].removeprefix("{")
    return Said(text[:1].upper() + text[1:] if isinstance(figures.get(begins), Frames) else text, code, told)


def plain(text: object) -> Said:
    """What something else said, in whatever language."""
    return text if isinstance(text, Said) else Said(str(text))


def told(text: object, code: object) -> Said:
    """A sentence of another program (the stacker), with the code and figures that came beside it, if any did."""
    if isinstance(code, Mapping) and isinstance(code.get("figures"), Mapping):
        return Said(str(text), str(code.get("code", "")), code["figures"])
    return plain(text)


def all_told(texts: Sequence[object], codes: Sequence[object] | None) -> tuple[Said, ...]:
    """The same of several."""
    return tuple(told(text, code) for text, code in zip_longest(texts, (codes or ())[: len(texts)]))


def joined(sentences: Iterable[str | None]) -> Said | None:
    """Several sentences as one, None for none."""
    all_said = [plain(one) for one in sentences if one]
    if not all_said:
        return None
    first, *rest = all_said
    then = joined(rest)
    return first if then is None else say("both", "{first} {then}", first=first, then=then)


def with_codes(value: Any) -> Any:
    """JSON values in which every sentence has its code and figures beside it, in a field named with SAID."""
    if isinstance(value, Mapping):
        told: dict[str, Any] = {}
        for name, one in value.items():
            told[name] = with_codes(one)
            if (code := _code(one)) is not None:
                told[f"{name}{SAID}"] = code
        return told
    if isinstance(value, (list, tuple)):
        return [with_codes(one) for one in value]
    return value


def _code(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        codes = [_code(one) for one in value if isinstance(one, str)]
        return codes if any(codes) else None
    if not isinstance(value, Said) or not value.code:
        return None
    return {"code": value.code, "figures": dict(value.figures)}


def _figure(value: object, spec: str) -> tuple[Any, str]:
    """A figure as JSON, and as English shows it."""
    value = getattr(value, "said", value)
    if isinstance(value, Said):
        return {"text": str(value), **(_code(value) or {})}, str(value)
    if isinstance(value, (int, float)):
        text = format(value, spec)
        return (value if isinstance(value, int) else float(text)), text
    if isinstance(value, Frames):
        return {"frames": list(value.frames)}, str(value)
    if isinstance(value, (Length, Time, Room)):
        return dict(vars(value)), str(value)
    return str(value), str(value)


def _without_formats(english: str) -> str:
    return "".join(text + (f"{{{name}}}" if name else "") for text, name, _, _ in Formatter().parse(english))
