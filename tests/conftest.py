"""Fixtures for every test: opened simulated rigs, each on a folder of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from simrig import Rig, small_rig

from rig.config import Settings
from rig.workflow import Workflow

# No test claims a time: a loaded machine is not a fault of the program. And the same examples every time, so that a
# failure is the fault of a change; HYPOTHESIS=explore looks for new ones.
hypothesis.settings.register_profile("fieldstack", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=200)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS", "fieldstack"))

RigMaker = Callable[..., Rig]


@pytest.fixture
def make_rig(tmp_path: Path) -> Iterator[RigMaker]:
    """Makes opened rigs on one data folder, and closes them after the test."""
    made: list[Workflow] = []

    def make(changes: dict | None = None, *, open_: bool = True, **options) -> Rig:
        settings = Settings().changed(
            {
                "stacking.live": False,
                "capture.extend_frames": 0,
                "camera.meter_positions": 0,
                **(changes or {}),
            }
        )
        data = options.pop("data", tmp_path / "data")
        workflow = Workflow(settings, data, **{"build": partial(small_rig), **options})
        made.append(workflow)
        if open_:
            workflow.open()
        return Rig(workflow, data)

    yield make
    for workflow in made:
        workflow.close()


@pytest.fixture
def rig(make_rig: RigMaker) -> Rig:
    """An opened simulated rig that does not stack by itself."""
    return make_rig()
