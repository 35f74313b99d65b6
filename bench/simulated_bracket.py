"""A bracket for the bench: full-size frames of the simulated rig, the same every time, made once."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rig.config import Settings
from rig.devices.build import build_devices
from rig.devices.clock import SimClock
from rig.status import Phase
from rig.workflow import Workflow

SETTINGS = {"stacking.live": False, "capture.settle_mode": "fixed", "capture.max_frames": 999}


def simulated_frames(data: Path, count: int, scene: str = "bristles") -> list[Path]:
    """Paths of `count` frames over the whole depth of the subject, near to far, below data.

    Shot on a clock that nobody waits for; one that is there already is taken as it is.
    """
    data = data / f"{scene}-{count}"
    done = sorted(data.glob("b*/frames/*.jpg"))
    if len(done) == count:
        return done
    build = partial(build_devices, sim=scene, clock=SimClock())
    workflow = Workflow(Settings().changed(SETTINGS), data, build=build)
    try:
        workflow.open()
        near, far = suggested_range(workflow)
        step = max(1, (far - near) // (count - 1))
        workflow.set_near(near)
        workflow.set_far(near + step * (count - 1))
        workflow.set_step(step)
        bracket_id = workflow.start_bracket()
        wait_until_idle(workflow)
        return sorted((workflow.folder(bracket_id) / "frames").glob("*.jpg"))
    finally:
        workflow.close()


def suggested_range(workflow: Workflow) -> tuple[int, int]:
    """Near and far that suit the scene, in steps."""
    suggestion = workflow.suggestion
    if suggestion is None:
        raise RuntimeError("this scene suggests no range")
    return suggestion.near_steps, suggestion.far_steps


def wait_until_idle(workflow: Workflow) -> None:
    """Wait for the bracket's end, telling how far it is."""
    status = workflow.status()
    while status.state is not Phase.IDLE:
        if status.state is Phase.FAULT:
            raise RuntimeError(str(status.fault))
        if status.bracket is not None:
            print(f"\rshooting {status.bracket.done}/{status.bracket.total}", end="", flush=True)
        status = workflow.wait_status(status.rev, 5)
    print()
