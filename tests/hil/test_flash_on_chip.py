"""The trigger of the flash through the real RPi.GPIO: as wide as asked, while all rows of the sensor are open."""

from __future__ import annotations

from itertools import pairwise

from emulated_chip import Edge, RigProcess, StartRig

FLASH = 18
PULSE_MS, RECYCLE_S = 2.0, 0.3

SHOOT = f"""
    from rig.capture import capture_bracket
    from rig.config import Settings
    from rig.devices.build_sim import simulated_devices
    from rig.devices.flash_gpio import GpioFlash
    from rig.focuser import Focuser
    from rig.plan import plan_bracket
    import dataclasses

    settings = Settings().changed({{
        "motor.driver": "sim", "motor.backlash_steps": 8, "motor.max_steps": 2000, "capture.settle_s": 0.05,
        "flash.pin": {FLASH}, "flash.pulse_ms": {PULSE_MS}, "flash.recycle_s": {RECYCLE_S},
        "camera.exposure_us": 300000, "camera.gain": 1.0, "capture.retries": 0,
    }})
    gpio = Gpio()
    flash = GpioFlash(gpio, settings.flash)
    seen = simulated_devices("target", size=(320, 240))
    bench = seen.bench
    bench.mechanics = dataclasses.replace(bench.mechanics, daylight=0.001, flash_recycle_s=0.0)
    windows = []

    class Wired:  # what the line does is what lights the scene
        def fire(self, at_ns, until_ns):
            fired_ns = flash.fire(at_ns, until_ns)
            if fired_ns is not None:
                bench.flash(fired_ns, fired_ns + {round(PULSE_MS * 1e6)})
                say("fired", at_ns, fired_ns, until_ns)
            return fired_ns

    camera = seen.camera
    camera.start()
    seen.motor.set_position(100)
    report = capture_bracket(
        camera, Focuser(seen.motor, settings.motor), plan_bracket(settings, 100, 300, 100), settings,
        lambda frame, facts: say("frame", frame.timestamp_ns, frame.exposure.exposure_us * 1000),
        clock=bench.clock, flash=Wired(),
    )
    say("end", report.outcome, report.error)
    gpio.close()
"""


def heard(rig: RigProcess) -> list[list[str]]:
    """What the program says, to its last word."""
    said = [rig.hear().split()]
    while said[-1][0] != "end":
        said.append(rig.hear().split())
    return said


def pulses(trace: list[Edge]) -> list[tuple[int, int]]:
    """From and to, ns."""
    edges = [edge for edge in trace if edge.line == FLASH and edge.what in "01"]
    return [(a.ns, b.ns) for a, b in pairwise(edges) if (a.what, b.what) == ("1", "0")]


def test_each_frame_has_a_pulse_as_wide_as_asked_while_all_its_rows_are_open(start_rig: StartRig) -> None:
    rig = start_rig(SHOOT)
    said = heard(rig)
    rig.end_well()
    wide = pulses(rig.trace())
    fired = [[int(word) for word in words[1:]] for words in said if words[0] == "fired"]
    frames = [(int(words[1]), int(words[2])) for words in said if words[0] == "frame"]

    assert said[-1][1] == "complete" and len(frames) == 3
    assert len(wide) == len(fired) >= 5  # two to begin with, and one a frame
    assert all(to - since >= PULSE_MS * 1e6 for since, to in wide)
    for (since, _), (at, told, until) in zip(wide, fired, strict=True):
        assert at <= told <= until and told <= since
    for start, exposure in frames:
        within = [told for _, told, _ in fired if start + 87_000_000 <= told <= start + exposure]
        assert len(within) == 1
    assert all(later - sooner >= RECYCLE_S * 1e9 for sooner, later in pairwise(told for _, told, _ in fired))
