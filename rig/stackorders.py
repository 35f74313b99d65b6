"""What the stacker is told: the rig's settings, with what was asked for this once, checked."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from rig.brackets import BracketDetail
from rig.config import StackingSettings
from rig.errors import ConfigError
from rig.saying import say
from stacker.errors import SettingsError
from stacker.settings import AlignSettings, StackSettings

QUALITY = range(1, 101)
TIFF_BYTES = 6  # for a pixel, at most
FEWEST = 2  # frames that a person can ask to be stacked


def stacker_settings(settings: StackingSettings, asked: dict[str, Any] | None = None) -> dict[str, Any]:
    """The worker's settings: method, prefer, align, reference, crop, memory_limit_mb, threads, quality, tiff.

    tiff: a TIFF of 16 bit besides, for those who go on with the picture on a computer.
    asked replaces some of them. Raises ConfigError for an unknown one or a wrong value.
    """
    usual: dict[str, Any] = {
        "method": settings.method,
        "prefer": "none",
        "align": "auto",
        "reference": None,
        "crop": settings.crop,
        "memory_limit_mb": settings.memory_limit_mb or None,
        "threads": settings.threads,
        "quality": settings.jpeg_quality,
        "tiff": False,
    }
    for name in asked or {}:
        if name not in usual:
            raise ConfigError(
                say(
                    "stack.no_such_setting",
                    "{name} is no setting of the stacker: there are {known}",
                    name=repr(name[:40]),
                    known=", ".join(usual),
                )
            )
    order = {**usual, **(asked or {})}
    _check(order)
    replace(settings, threads=order["threads"], memory_limit_mb=order["memory_limit_mb"] or 0)  # or it raises
    return order


def chosen_frames(detail: BracketDetail, asked: Collection[int] | None) -> list[int]:
    """Indices of the frames to stack, from near to far; asked: those to take, None = all.

    Raises ConfigError when the bracket has not all of them, or fewer than two are left.
    """
    there = [frame.index for frame in detail.in_focus_order]
    if asked is None:
        return there
    unknown = sorted(set(asked) - set(there))
    if unknown:
        raise ConfigError(
            say(
                "stack.no_such_frame",
                "bracket {id} has no frame of index {frame}",
                id=detail.id,
                frame=unknown[0],
            )
        )
    chosen = [index for index in there if index in set(asked)]
    if len(chosen) < FEWEST:
        raise ConfigError(
            say(
                "stack.too_few", "{n} frames are no stack: take at least {least}", n=len(chosen), least=FEWEST
            )
        )
    return chosen


def _check(order: dict[str, Any]) -> None:
    whole = ("reference", "memory_limit_mb", "threads", "quality")
    for name in whole:
        value = order[name]
        if type(value) is not int and not (value is None and name in ("reference", "memory_limit_mb")):
            raise ConfigError(
                say("stack.not_whole", "{name} {value} is not a whole number", name=name, value=repr(value))
            )
    for name in ("crop", "tiff"):
        if type(order[name]) is not bool:
            raise ConfigError(
                say(
                    "stack.not_true_or_false",
                    "{name} {value} is neither true nor false",
                    name=name,
                    value=repr(order[name]),
                )
            )
    if order["quality"] not in QUALITY:
        raise ConfigError(
            say("stack.quality", "quality {quality} is outside 1..100", quality=order["quality"])
        )
    try:
        align = AlignSettings(method=order["align"], reference=order["reference"])
        StackSettings(
            method=order["method"],
            prefer=order["prefer"],
            align=align,
            crop=order["crop"],
            threads=order["threads"],
            memory_limit_mb=order["memory_limit_mb"],
        )
    except SettingsError as error:
        raise ConfigError(str(error)) from error
