"""The light through the real RPi.GPIO: its edges around the exposures of a bracket, and the motor's between them."""

from __future__ import annotations

from dataclasses import dataclass

from emulated_chip import Edge, StartRig

LIGHT, STEP = 23, 20
LEAD_S = 0.2  # a loaded machine is not so late by itself: else nobody saw that the light is not waited for

SHOOT = f"""
    from contextlib import contextmanager
    from rig.capture import capture_bracket
    from rig.config import Settings
    from rig.devices.build import Devices
    from rig.devices.build_sim import simulated_devices
    from rig.devices.light_gpio import GpioLight
    from rig.devices.panel_sim import SimPanel
    from rig.machine import Machine
    from rig.plan import plan_bracket

    settings = Settings().changed({{
        "motor.driver": "stepdir", "motor.backlash_steps": 8, "motor.max_steps": 2000, "motor.steps_per_s": 2000,
        "capture.settle_mode": "fixed", "capture.settle_s": 0.05, "camera.meter_positions": 0,
        "panel.light_pin": {LIGHT}, "panel.light_lead_s": {LEAD_S},
    }})
    gpio = Gpio()
    seen = simulated_devices("target", size=(320, 240))
    devices = Devices(
        camera=seen.camera, motor=StepDirMotor(gpio, settings.motor), panel=SimPanel(), clock=seen.bench.clock,
        settings=settings, light=GpioLight(gpio, {LIGHT}, settings.panel.light_lead_s), release_lines=gpio.close,
    )
    machine = Machine(settings, lambda asked: devices)
    machine.start(lambda press: None)

    def sink(frame, facts):
        say(facts.timestamp_ns, facts.exposure.exposure_us * 1000)

    with machine.camera() as camera:
        report = capture_bracket(
            camera, machine.focuser, plan_bracket(settings, 100, 300, 100), settings, sink,
            clock=devices.clock, lit=machine.lit,
        )
    machine.close()
    say(report.outcome)
"""


@dataclass(frozen=True)
class Shot:
    """What the trace of a bracket shows."""

    exposures: list[tuple[int, int]]  # start and length, ns
    lit: list[tuple[int, int]]  # from, to, ns
    steps: list[int]


def shot(start_rig: StartRig) -> Shot:
    rig = start_rig(SHOOT)
    exposures = []
    while len(words := rig.hear().split()) == 2:
        exposures.append((int(words[0]), int(words[1])))
    assert words == ["complete"]
    rig.end_well()
    trace = rig.trace()
    switched = [edge for edge in trace if edge.line == LIGHT and edge.what in "01"]
    return Shot(exposures, _lit(switched), [e.ns for e in trace if e.line == STEP and e.what == "1"])


def _lit(switched: list[Edge]) -> list[tuple[int, int]]:
    first = next((at for at, edge in enumerate(switched) if edge.what == "1"), len(switched))
    on, off = switched[first::2], switched[first + 1 :: 2]
    assert all(edge.what == "1" for edge in on) and all(edge.what == "0" for edge in off)
    return [(a.ns, b.ns) for a, b in zip(on, off, strict=False)]


def test_the_light_is_on_around_each_exposure_and_off_while_the_motor_turns(start_rig: StartRig) -> None:
    seen = shot(start_rig)

    assert len(seen.exposures) == 3
    around = [
        [(on, off) for on, off in seen.lit if on + LEAD_S * 1e9 <= start and start + length <= off]
        for start, length in seen.exposures
    ]
    assert [len(found) for found in around] == [1, 1, 1]
    assert len({on for ((on, _),) in around}) == 3  # each has a light of its own
    assert len(seen.steps) > 200
    assert not [step for step in seen.steps if any(on <= step <= off for on, off in seen.lit)]
