"""The compiled ways to compose and to develop a scene give the picture that the calls of OpenCV and numpy give."""

from __future__ import annotations

import numpy as np
import pytest

from rig.devices.scenes import compiled, find_scene, scene_names
from rig.devices.scenes.ahead import Ahead
from rig.devices.scenes.view import Pose, SceneView
from rig.devices.sensor_sim import DAYLIGHT_GAINS, development

SIZE = (640, 480)

needs_library = pytest.mark.skipif(
    compiled.LIBRARY is None, reason="the package was built without a C compiler"
)


@needs_library
@pytest.mark.parametrize("name", scene_names())
@pytest.mark.parametrize("focus_um", [-500.0, 0.0, 300.0])
def test_a_scene_looks_the_same_composed_either_way(
    name: str, focus_um: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = SceneView(find_scene(name), SIZE, 1)
    fast = view.expose(Pose(focus_um)).rows(0, SIZE[1])
    view.free()
    monkeypatch.setattr(compiled, "LIBRARY", None)
    slow = view.expose(Pose(focus_um)).rows(0, SIZE[1])

    assert slow.max() > 0.1
    assert np.abs(fast - slow).max() < 2e-3  # half a step of 8 bits


def test_a_picture_drawn_ahead_is_the_one_drawn_when_asked_for() -> None:
    scene = find_scene("target")
    asked = SceneView(scene, SIZE, 1).expose(Pose(100.0)).rows(0, SIZE[1])
    view = SceneView(scene, SIZE, 1)
    ahead = Ahead(view)
    for focus_um in (None, 0.0, 100.0):  # what is no longer wanted is left off
        ahead.begin(focus_um)
    early = view.expose(Pose(100.0)).rows(0, SIZE[1])
    ahead.forget()

    assert np.array_equal(early, asked)


@needs_library
def test_a_picture_is_developed_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    light = rng.random((40, 300, 3), np.float32) * np.float32(1.4)  # some of it clips
    falloff = rng.random((40, 300), np.float32)
    tables = development(4.0, DAYLIGHT_GAINS, (300, 40), seed=1)

    fast = tables.develop(light.copy(), falloff, (5, 7))
    monkeypatch.setattr(compiled, "LIBRARY", None)
    slow = tables.develop(light.copy(), falloff, (5, 7))

    assert (slow == 255).any() and (slow < 20).any()
    assert np.abs(fast.astype(int) - slow).max() <= 1 and (fast != slow).mean() < 1e-3  # rounding on the way
