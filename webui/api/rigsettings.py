"""The settings that a phone may see and change; the form derives from their declarations."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

from flask import Blueprint, Response, jsonify

from rig.checked import kinds, setting_fields
from rig.config import NOT_FITTED, PARTS, Settings, part_of
from rig.errors import ConfigError
from rig.lens import depth_of_field_um, diffraction_spot_um, focus_step_um
from rig.lenspresets import LENSES
from rig.optics import IMX477_PIXEL_UM
from webui.api.answers import done
from webui.body import json_object
from webui.context import workflow
from webui.errors import BadRequestError, WrongSettingError

api = Blueprint("settings", __name__, url_prefix="/api/settings")

# Not here: pins and drivers (a wrong one can burn something), folders and addresses (a phone must not
# choose what the rig reads or who may command it). They are changed in the file, at the rig.
FROM_A_PHONE = tuple(
    f"{part}.{key}"
    for part, keys in {
        "optics": ("magnification", "f_number", "pupil_ratio", "overlap", "depth", "confusion_um"),
        "motor": ("steps_per_um", "min_steps", "max_steps", "backlash_steps", "steps_per_s", "invert"),
        "capture": (
            "settle_mode", "settle_s", "settle_limit_s", "still_px", "shaken_px", "retries", "max_frames",
            "drift_check", "extend_frames",
        ),
        "camera": ("exposure_us", "gain", "jpeg_quality", "dng"),
        "flash": ("delay_ms", "recycle_s"),
        "web": ("look_only",),
        "stacking": ("live", "method", "crop", "depth_map", "jpeg_quality", "memory_limit_mb", "threads"),
    }.items()
    for key in keys
)  # fmt: skip
SENSOR_WIDTH_MM = 4056 * IMX477_PIXEL_UM / 1000


@api.get("")
def listing() -> Response:
    """Every setting a phone may change, with its value and what is allowed."""
    return jsonify(described(workflow().settings))


@api.put("")
def change() -> Response:
    """Change settings: {"capture.settle_s": 0.5, …}; all of them or, when one is wrong, none."""
    sent = json_object()
    for name in sent:
        if name not in FROM_A_PHONE:
            raise BadRequestError(f"{name[:60]!r} is not a setting that a phone may change.")
    try:
        workflow().change_settings(sent)
    except ConfigError as error:
        raise WrongSettingError(error.said, field_named(str(error), sent)) from error
    return done(**described(workflow().settings))


def described(settings: Settings) -> dict[str, Any]:
    """The settings and what follows from the lens."""
    return {
        "settings": [one(settings, name) for name in FROM_A_PHONE if is_fitted(settings, name)],
        "lens": {
            "depth_of_field_um": depth_of_field_um(settings.optics),
            "focus_step_um": focus_step_um(settings.optics),
            "diffraction_spot_um": diffraction_spot_um(settings.optics),
            "sensor_width_mm": SENSOR_WIDTH_MM,
            "presets": [{"title": lens.title, "settings": lens.settings} for lens in LENSES],
        },
    }


def is_fitted(settings: Settings, name: str) -> bool:
    """Whether the rig has what a setting is about: a flash."""
    return settings.flash.pin != NOT_FITTED or not name.startswith("flash.")


def one(settings: Settings, name: str) -> dict[str, Any]:
    """A setting as a form needs it."""
    section, _, key = name.partition(".")
    cls = part_of(section, key)
    kind, limits = kinds(cls)[key], setting_fields(cls)[key].metadata
    choices = list(get_args(kind)) if get_origin(kind) is Literal else None
    return {
        "name": name,
        "value": settings.value(name),
        "kind": "choice" if choices else KINDS[kind],
        "choices": choices,
        "low": limits["low"],
        "high": limits["high"],
    }


KINDS = {bool: "switch", int: "whole", float: "number"}


def field_named(sentence: str, sent: dict[str, Any]) -> str | None:
    """The first setting a refusal names, preferably one of those sent."""
    named = [f"{part}.{key}" for part, key in re.findall(r"\b(\w+)\.(\w+)", sentence) if part in PARTS]
    return next((name for name in named if name in sent), next(iter(named), None))
