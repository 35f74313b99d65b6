"""Lines that somebody else has: who it is is told, and the rig comes back by itself when they are free."""

from __future__ import annotations

from emulated_chip import StartRig

BUTTON, ENABLE = 26, 16

WHO = f"""
    from rig.devices.gpiolines import users

    users([20])  # the chip is there once it has been looked at
    wait_for_the_world()
    gpio = Gpio()
    gpio.output(20, "STEP", initial=0)
    say(sorted(users([20, 21, {BUTTON}]).items()))
    try:
        GpioPanel(gpio, PanelSettings(button_pin={BUTTON}))
    except RigError as error:
        say(type(error).__name__, error)
    gpio.close()
    say(users([20, 21]))
"""

WORKFLOW = """
    from pathlib import Path
    from rig import comeback
    from rig.config import Settings
    from rig.devices.build import Devices
    from rig.devices.build_sim import simulated_devices
    from rig.devices.gpiolines import users
    from rig.workflow import Workflow

    comeback.EVERY_S = 0.05
    settings = Settings().changed({
        "motor.driver": "stepdir", "motor.backlash_steps": 0, "motor.max_steps": 500, "camera.sim_width_px": 320,
    })

    def build(asked):
        gpio = Gpio()
        seen = simulated_devices("target", size=(320, 240))
        try:
            motor = StepDirMotor(gpio, asked.motor)
            panel = GpioPanel(gpio, asked.panel)
        except RigError:
            gpio.close()
            raise
        return Devices(
            camera=seen.camera, motor=motor, panel=panel, clock=seen.bench.clock, settings=asked, simulated=None,
            release_lines=gpio.close,
        )

    def until(true):
        status = workflow.status()
        while not true(status):
            status = workflow.wait_status(status.rev, 60)
        return status

    users([20])
    wait_for_the_world()
    workflow = Workflow(settings, Path("data"), build=build)
    workflow.open()
    say(workflow.status().state, workflow.status().fault.sentence)
    say(until(lambda status: status.fault is None and "jog" in status.allowed).state)
    say(until(lambda status: status.state == "focusing").state)
    workflow.close()
"""


def test_the_user_of_a_line_is_named_and_lines_of_ones_own_are_seen_while_they_are_held(
    start_rig: StartRig,
) -> None:
    rig = start_rig(WHO)
    assert rig.hear() == "ready"
    rig.hold(BUTTON)
    rig.go()

    assert rig.hear() == f"[(20, 'lg'), ({BUTTON}, 'a lamp')]"
    assert rig.hear() == (
        f"LineBusyError GPIO {BUTTON} (button) is in use by a lamp: free it, or give the rig another pin"
    )
    assert rig.hear() == "{}"
    rig.end_well()


def test_a_rig_whose_button_was_held_comes_back_by_itself_and_the_button_works(start_rig: StartRig) -> None:
    rig = start_rig(WORKFLOW)
    assert rig.hear() == "ready"
    rig.hold(BUTTON)
    rig.go()
    assert rig.hear().startswith(f"fault GPIO {BUTTON} (button) is in use by a lamp")
    assert rig.ask(ENABLE) == "1 out"  # the motor is safe meanwhile

    rig.free(BUTTON)
    assert rig.hear() == "idle"
    rig.bounce(BUTTON, 0)
    rig.bounce(BUTTON, 1)
    assert rig.hear() == "focusing"  # a short press looks for the range
    rig.end_well()
