"""A lamp that is silently dead is found out at once; clouds, flicker and daylight are not taken for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest
from simrig import Rig
from simrig import small_rig as devices_of
from smallrig import SmallRig, lit_by, small_rig

from rig.brightness import LightWatch
from rig.capture import capture_bracket
from rig.capturereport import CaptureReport, FrameFacts
from rig.devices.build_sim import scene_names
from rig.devices.camera import Frame
from rig.devices.light_sim import SimLight
from rig.devices.optical_bench import Mechanics
from rig.errors import LightError
from rig.plan import plan_bracket
from rig.status import Outcome, Phase

FRAMES = 5
DUSK = Mechanics(daylight=0.2)


class LitRig:
    """A rig with a lamp of its own, or without."""

    def __init__(
        self, mechanics: Mechanics = DUSK, lamp: bool = True, scene: str = "target", **changes
    ) -> None:
        self.rig: SmallRig = small_rig(
            scene,
            mechanics=mechanics,
            size_px=(320, 240),
            **{"capture__settle_mode": "fixed", "camera__meter_positions": 0, **changes},
        )
        self.bench = self.rig.devices.bench
        self.light = SimLight(self.bench, 0.1)
        self.lamp = partial(lit_by, self.light) if lamp else None
        self.lit = self.lamp or nullcontext

    def shoot(self, happens: Callable[[int], None] = lambda done: None) -> CaptureReport:
        """happens: called with the number of frames on the card, before the first one too."""

        def sink(frame: Frame, facts: FrameFacts) -> None:
            self.rig.sink(frame, facts)
            happens(len(self.rig.frames))

        happens(0)
        rig, plan = self.rig, plan_bracket(self.rig.settings, 1400, 1400 + 10 * (FRAMES - 1), 10)
        return capture_bracket(
            rig.devices.camera,
            rig.focuser,
            plan,
            rig.settings,
            sink,
            clock=rig.clock,
            lit=self.lit,
            lamp=self.lamp,
        )


def dies_after(rig: LitRig, frames: int) -> Callable[[int], None]:
    def die(done: int) -> None:
        rig.bench.faults.lamp_dead = done >= frames

    return die


# --- found out ----------------------------------------------------------------------------------
@pytest.mark.parametrize("frames", [1, 2, FRAMES - 1])
@pytest.mark.parametrize("mode", ["fixed", "watched"])
def test_a_lamp_that_dies_ends_the_bracket_before_a_dark_frame_is_kept(frames: int, mode: str) -> None:
    rig = LitRig(capture__settle_mode=mode)
    report = rig.shoot(dies_after(rig, frames))

    assert report.outcome is Outcome.FAILED
    assert isinstance(report.error, LightError)
    assert len(report.frames) == len(rig.rig.frames) == frames
    assert f"frame {frames + 1} is only" in str(report.error) and "check the lamp" in str(report.error)
    assert report.error.kept == f"{frames} of {FRAMES} frames are safe on the card."
    assert not rig.rig.devices.motor.energised
    assert not rig.light.lit


def test_a_lamp_dead_from_the_start_in_the_dark_is_told_before_the_first_frame() -> None:
    rig = LitRig(Mechanics(daylight=0.0))
    report = rig.shoot(dies_after(rig, 0))

    assert isinstance(report.error, LightError)
    assert "does not burn" in str(report.error)
    assert report.frames == ()


def test_without_a_lamp_of_its_own_the_rig_tells_when_it_goes_dark() -> None:
    rig = LitRig(Mechanics(daylight=1.0), lamp=False)

    def switched_off(done: int) -> None:
        if done == 2:
            rig.bench.mechanics = Mechanics(daylight=0.03)

    report = rig.shoot(switched_off)

    assert isinstance(report.error, LightError)
    assert "it has gone dark: frame 3" in str(report.error)
    assert len(report.frames) == 2


def test_in_a_workflow_it_is_a_fault_with_a_way_out_and_the_bracket_is_gone_on_with(
    make_rig: Callable[..., Rig],
) -> None:
    built = []

    def build(settings):
        built.append(devices_of(settings))
        built[-1].camera._bench.mechanics = DUSK
        return built[-1]

    rig = make_rig({"capture.settle_mode": "fixed"}, build=build)
    rig.set_limits(4)
    show = rig.workflow._control.board.change

    def change(**values):
        bracket = values.get("bracket")
        if bracket is not None and bracket.done == 2:
            built[-1].camera._bench.faults.lamp_dead = True
        return show(**values)

    rig.workflow._control.board.change = change
    bracket_id = rig.workflow.start_bracket()
    status = rig.until(lambda status: status.state is Phase.FAULT)
    rig.workflow._control.board.change = show

    assert (status.fault.device, status.fault.action) == ("light", "Try the light again")
    assert status.fault.kept == "2 of 4 frames are safe on the card."

    built[-1].camera._bench.faults.lamp_dead = False
    rig.workflow.recover()
    rig.until_idle()
    rig.workflow.resume(bracket_id)
    assert rig.until_idle().bracket.outcome is Outcome.COMPLETE


# --- no false alarm -----------------------------------------------------------------------------
@pytest.mark.parametrize("scene", scene_names())
@pytest.mark.parametrize("daylight", [0.0, 0.5, 1.0])
def test_a_lamp_that_burns_is_not_blamed(scene: str, daylight: float) -> None:
    report = LitRig(Mechanics(daylight=daylight), scene=scene).shoot()

    assert (report.outcome, report.warnings) == (Outcome.COMPLETE, ())


def test_a_cloud_is_told_and_ends_nothing() -> None:
    rig = LitRig(Mechanics(daylight=1.0), lamp=False)

    def cloud(done: int) -> None:
        if done == 2:
            rig.bench.mechanics = Mechanics(daylight=0.3)

    report = rig.shoot(cloud)

    assert report.outcome is Outcome.COMPLETE
    assert [warning for warning in report.warnings if warning.startswith("The light changed: frame 3")]


def test_a_cloud_is_not_taken_for_a_dead_lamp_that_daylight_outshines() -> None:
    rig = LitRig(Mechanics(daylight=0.9))

    def cloud(done: int) -> None:
        rig.bench.faults.lamp_dead = True  # all the time: nobody could tell
        if done == 2:
            rig.bench.mechanics = Mechanics(daylight=0.4)

    assert rig.shoot(cloud).outcome is Outcome.COMPLETE


def test_a_dark_subject_before_black_with_a_lamp_that_burns_is_no_fault() -> None:
    rig = LitRig(Mechanics(daylight=0.0), camera__exposure_us=300)

    assert rig.shoot().outcome is Outcome.COMPLETE


def test_a_light_that_fades_is_told_once_and_is_a_fault_when_next_to_nothing_is_left() -> None:
    watch = LightWatch(LitRig().rig.devices.camera, None)
    told = [
        watch.look(np.full((30, 40), level, np.uint8), n) for n, level in enumerate([200, 200, 120, 70, 45])
    ]

    assert [one is not None for one in told] == [False, False, True, False, False]
    with pytest.raises(LightError, match="frame 5 is only 15%"):
        watch.look(np.full((30, 40), 30, np.uint8), 5)


def test_mains_flicker_is_nothing_to_tell() -> None:
    watch = LightWatch(LitRig().rig.devices.camera, None)
    flicker = [100, 88, 112, 95, 108, 86, 114]
    frames = [np.full((30, 40), level, np.uint8) for level in flicker]

    assert [watch.look(frame, number) for number, frame in enumerate(frames)] == [None] * len(frames)


def test_the_lamp_is_switched_but_once_to_look_at_it() -> None:
    """Each frame, the lock, the look with the lamp, and the look whether the drive moves in so short a bracket."""
    rig = LitRig()
    rig.shoot()

    assert len(rig.light.switched_ns) == 2 * (FRAMES + 3)
