"""Procedural subjects for the simulated rig, by name."""

from __future__ import annotations

from rig.devices.scenes.bristles import BRISTLES
from rig.devices.scenes.bumpy import BUMPY
from rig.devices.scenes.scene import Scene
from rig.devices.scenes.target import TARGET

__all__ = ["Scene", "find_scene", "scene_names"]

_SCENES = {scene.name: scene for scene in (BRISTLES, TARGET, BUMPY)}


def scene_names() -> tuple[str, ...]:
    """Names that find_scene knows, the one for demonstrations first."""
    return tuple(_SCENES)


def find_scene(name: str) -> Scene:
    """The scene of this name. Raises ValueError with the names there are."""
    try:
        return _SCENES[name]
    except KeyError:
        raise ValueError(f"scene {name!r} is not one of {', '.join(_SCENES)}") from None
